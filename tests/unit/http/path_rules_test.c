/* Tests of http/path_rules.c: what a prefix covers, as the server and as applications see a path.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include <string.h>

#include "base/error.h"

#include "http/path_rules.h"

static const struct {
    TABLE_ROW;
    const char *prefix;
    const char *path;
    bool plain;
    bool decoded;
    bool resolved;
} rows[] = {
    {ROW("itself"), "/admin", "/admin", true, true, true},
    {ROW("with a slash"), "/admin/", "/admin/", true, true, true},
    {ROW("below"), "/admin/", "/admin/x", true, true, true},
    {ROW("another name"), "/admin", "/administrator", false, false, false},
    {ROW("a shorter name"), "/admin", "/adm", false, false, false},
    {ROW("further down"), "/admin", "/x/admin", false, false, false},
    {ROW("case"), "/Admin", "/aDMIN/x", true, true, true},
    {ROW("the root"), "/", "/x", true, true, true},
    {ROW("the root itself"), "/", "/", true, true, true},
    {ROW("two segments"), "/a/b", "/a/b/c", true, true, true},
    {ROW("two segments, one there"), "/a/b", "/a", false, false, false},
    {ROW("two segments, other order"), "/a/b", "/b/a", false, false, false},
    {ROW("encoded slash behind"), "/admin", "/admin%2fx", false, true, true},
    {ROW("encoded slash in front"), "/admin", "/%2Fadmin", false, true, true},
    {ROW("out of it"), "/admin", "/admin%2f..", false, true, false},
    {ROW("into it"), "/admin", "/x%2f../admin", false, false, true},
    {ROW("into it, deep"), "/a/b", "/x/..%2fa/y/../b", false, false, true},
    {ROW("out and in"), "/a/b", "/a/b%2f../../a/b", false, true, true},
    {ROW("half out"), "/a/b", "/a/b%2f../c", false, true, false},
    {ROW("above the root"), "/admin", "/..%2f..%2fadmin", false, false, true},
    {ROW("dots"), "/admin", "/.%2fadmin", false, false, true},
    {ROW("not a slash"), "/admin", "/admin%2", false, false, false},
};

static void test_covers(void **state)
{
    (void)state;
    TABLE_FOR_EACH(row, rows)
    {
        struct psv_bytes prefix;
        struct psv_bytes path = psv_bytes_of(row->path);
        assert_null(psv_path_prefix_parse(psv_bytes_of(row->prefix), &prefix));
        assert_int_equal(psv_path_is_below(path, prefix, PSV_PATH_PLAIN), row->plain);
        assert_int_equal(psv_path_is_below(path, prefix, PSV_PATH_DECODED), row->decoded);
        assert_int_equal(psv_path_is_below(path, prefix, PSV_PATH_RESOLVED), row->resolved);
        assert_int_equal(psv_path_has_encoded_slash(path), strcasestr(row->path, "%2f") != NULL);
    }
}

static void test_behind_a_name(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *path;
        const char *rest; /* NULL: the name is not there */
    } cases[] = {
        {ROW("in front"), "/index.php/admin", "/admin"},
        {ROW("encoded slash behind"), "/index.php%2Fadmin", "%2Fadmin"},
        {ROW("encoded slash in front"), "/x%2findex.php/admin", "/admin"},
        {ROW("further down"), "/x/y/INDEX.php/admin/", "/admin/"},
        {ROW("the first of two"), "/index.php/index.php/a", "/index.php/a"},
        {ROW("at the end"), "/index.php", ""},
        {ROW("a part of a name"), "/index.phpx/admin", NULL},
        {ROW("not there"), "/admin", NULL},
        {ROW("nothing"), "", NULL},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_bytes rest;
        bool is_there = psv_path_find_behind(psv_bytes_of(row->path), PSV_BYTES("index.php"), &rest);
        assert_int_equal(is_there, row->rest != NULL);
        if (is_there) {
            assert_int_equal(rest.len, strlen(row->rest));
            assert_memory_equal(rest.data, row->rest, rest.len);
        }
    }
}

static void test_wrong_prefixes(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "admin", "/a//b", "/a/../b", "/./a", "/a*", "/a?b", "/%61"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct psv_bytes prefix;
        assert_non_null(psv_path_prefix_parse(psv_bytes_of(texts[i]), &prefix));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_covers),
        cmocka_unit_test(test_behind_a_name),
        cmocka_unit_test(test_wrong_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
