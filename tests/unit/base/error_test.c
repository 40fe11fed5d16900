/* Error codes and their texts.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "table.h"

#include "base/error.h"

static void test_text(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        int code;
        const char *text;
    } cases[] = {
        {ROW("success"), 0, "success"},
        {ROW("first of the table"), PSV_ENOMEM, "out of memory"},
        {ROW("middle"), PSV_EGONE, "the peer is gone"},
        {ROW("last of the table"), PSV_ETIMEOUT, "timed out"},
        {ROW("past the table"), -(int)PSV_ERROR_COUNT - 1, "unknown error"},
        {ROW("positive"), 1, "unknown error"},
        {ROW("smallest number"), INT32_MIN, "unknown error"},
    };
    TABLE_FOR_EACH(row, cases)
    {
        assert_string_equal(psv_error_text(row->code), row->text);
    }
    for (int code = -1; code >= -(int)PSV_ERROR_COUNT; code--)
        assert_string_not_equal(psv_error_text(code), "unknown error");
}

static void test_of_errno(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        int errno_value;
        int code;
    } cases[] = {
        {ROW("none"), 0, PSV_OK},
        {ROW("no such file"), ENOENT, PSV_ENOENT},
        {ROW("a folder on the way is a file"), ENOTDIR, PSV_ENOENT},
        {ROW("permission"), EACCES, PSV_EACCESS},
        {ROW("descriptors"), EMFILE, PSV_ELIMIT},
        {ROW("disk full"), ENOSPC, PSV_ELIMIT},
        {ROW("port taken"), EADDRINUSE, PSV_EEXIST},
        {ROW("peer reset"), ECONNRESET, PSV_EGONE},
        {ROW("would block"), EWOULDBLOCK, PSV_EAGAIN},
        {ROW("old kernel"), ENOSYS, PSV_EUNSUPPORTED},
        {ROW("anything else"), EXDEV, PSV_EIO},
        {ROW("no errno at all"), 99999, PSV_EIO},
    };
    TABLE_FOR_EACH(row, cases)
    {
        assert_int_equal(psv_error_of_errno(row->errno_value), row->code);
    }
}

static void test_set(void **state)
{
    (void)state;
    struct psv_error error = {0};
    assert_int_equal(psv_error_set(&error, PSV_EINVAL, "line %d: %s", 3, "bad"), PSV_EINVAL);
    assert_int_equal(error.code, PSV_EINVAL);
    assert_string_equal(error.message, "line 3: bad");
    assert_int_equal(psv_error_set(NULL, PSV_EIO, "nobody listens"), PSV_EIO);
}

static void test_set_cuts_long_messages(void **state)
{
    (void)state;
    struct psv_error error;
    char text[2000];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(psv_error_set(&error, PSV_EINVAL, "%s", text), PSV_EINVAL);
    assert_int_equal(strlen(error.message), sizeof(error.message) - 1);
    assert_int_equal(psv_error_set_errno(&error, PSV_EIO, ENOENT, "%s", text), PSV_EIO);
    assert_int_equal(strlen(error.message), sizeof(error.message) - 1);
    text[sizeof(error.message) - 4] = '\0';
    psv_error_set_errno(&error, PSV_EIO, ENOENT, "%s", text);
    assert_string_equal(error.message + sizeof(error.message) - 6, "aa: N");
}

static void test_set_errno(void **state)
{
    (void)state;
    struct psv_error error;
    assert_int_equal(psv_error_set_errno(&error, PSV_EACCESS, EACCES, "cannot open %s", "x.toml"),
                     PSV_EACCESS);
    assert_int_equal(error.code, PSV_EACCESS);
    assert_string_equal(error.message, "cannot open x.toml: Permission denied");
    psv_error_set_errno(&error, PSV_EIO, 99999, "odd");
    assert_string_equal(error.message, "odd: error 99999");
    assert_int_equal(psv_error_set_errno(NULL, PSV_EIO, EIO, "nobody listens"), PSV_EIO);
}

/* "%ls" with a character that the C locale cannot show is the one way to make the formatter itself fail. */
static void test_set_survives_a_failing_format(void **state)
{
    (void)state;
    static const wchar_t unprintable[] = {0x20ac, 0};
    struct psv_error error = {.message = "before"};
    assert_int_equal(psv_error_set(&error, PSV_EINVAL, "%ls", unprintable), PSV_EINVAL);
    assert_string_equal(error.message, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),      cmocka_unit_test(test_of_errno),
        cmocka_unit_test(test_set),       cmocka_unit_test(test_set_cuts_long_messages),
        cmocka_unit_test(test_set_errno), cmocka_unit_test(test_set_survives_a_failing_format),
    };
    return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
