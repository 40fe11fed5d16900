/* Fields of every response: their text, and which of them a response lacks.
 *
 * SPDX-License-Identifier: MIT */
#include "http/extra_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct psv_extra_fields extra;

static int begin(void **state)
{
    (void)state;
    memset(&extra, 0, sizeof(extra));
    assert_int_equal(psv_extra_fields_text(&extra).len, 0);
    assert_true(psv_extra_fields_add(&extra, PSV_BYTES("X-Frame-Options"), PSV_BYTES("DENY")));
    assert_true(psv_extra_fields_add(&extra, PSV_BYTES("Cache-Control"), PSV_BYTES("no-cache")));
    assert_true(psv_extra_fields_add(&extra, PSV_BYTES("X-Empty"), PSV_BYTES_EMPTY));
    assert_false(psv_extra_fields_add(&extra, PSV_BYTES("x-frame-OPTIONS"), PSV_BYTES("SAMEORIGIN")));
    return 0;
}

static void text_of_all(void **state)
{
    static const char expected[] = "X-Frame-Options: DENY\r\nCache-Control: no-cache\r\nX-Empty: \r\n";
    (void)state;
    struct psv_bytes text = psv_extra_fields_text(&extra);
    assert_int_equal(text.len, sizeof(expected) - 1);
    assert_int_equal(text.len, extra.text_bytes);
    assert_memory_equal(text.data, expected, text.len);
}

/* Then they are written one by one. */
static void text_that_is_too_long(void **state)
{
    static char value[PSV_EXTRA_FIELDS_TEXT_MAX];
    (void)state;
    size_t room = sizeof(extra.text) - extra.text_bytes;
    memset(value, 'v', sizeof(value));
    struct psv_extra_fields fuller = extra;
    assert_true(psv_extra_fields_add(&fuller, PSV_BYTES("A"), (struct psv_bytes){value, room - 5}));
    assert_int_equal(psv_extra_fields_text(&fuller).len, sizeof(fuller.text));
    assert_memory_equal(fuller.text + sizeof(fuller.text) - 3, "v\r\n", 3);
    fuller = extra;
    assert_true(psv_extra_fields_add(&fuller, PSV_BYTES("A"), (struct psv_bytes){value, room - 4}));
    assert_int_equal(psv_extra_fields_text(&fuller).len, 0);
    assert_int_equal(fuller.text_bytes, sizeof(fuller.text) + 1);
    assert_true(psv_extra_fields_add(&fuller, PSV_BYTES("B"), PSV_BYTES("v")));
    assert_int_equal(psv_extra_fields_text(&fuller).len, 0);
    assert_int_equal(psv_extra_fields_missing(&fuller, NULL), 31);
}

static void missing_ones(void **state)
{
    static struct psv_field fields[] = {
        {.name = PSV_BYTES_INIT("Content-Type"), .id = PSV_FIELD_CONTENT_TYPE},
        {.name = PSV_BYTES_INIT("x-frame-options")},
        {.name = PSV_BYTES_INIT("X-Other")}, /* as long as X-Empty */
        {.name = PSV_BYTES_INIT("cache-control"), .id = PSV_FIELD_CACHE_CONTROL},
        {.name = PSV_BYTES_INIT("X-EMPTY")},
    };
    static const uint32_t expected[] = {7, 7, 6, 6, 4, 0};
    (void)state;
    assert_int_equal(psv_extra_fields_all(&extra), 7);
    assert_int_equal(psv_extra_fields_missing(NULL, NULL), 0);
    assert_int_equal(psv_extra_fields_missing(&extra, NULL), 7);
    for (unsigned len = 0; len < ARRAY_SIZE(expected); len++) {
        const struct psv_headers headers = {.items = fields, .len = len, .capacity = len, .max_len = len};
        assert_int_equal(psv_extra_fields_missing(&extra, &headers), expected[len]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(text_of_all, begin),
        cmocka_unit_test_setup(text_that_is_too_long, begin),
        cmocka_unit_test_setup(missing_ones, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
