/* Patterns of files.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/file_pattern.h"

#include "table.h"

static void test_matches(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *pattern;
        const char *path;
        bool is_match;
    } cases[] = {
        {ROW("plain"), "/a/b.php", "/a/b.php", true},
        {ROW("plain, longer"), "/a/b.php", "/a/b.php5", false},
        {ROW("star"), "/a/*.php", "/a/b.php", true},
        {ROW("star of nothing"), "/a/*.php", "/a/.php", true},
        {ROW("star and slash"), "/a/*.php", "/a/b/c.php", false},
        {ROW("two stars within a name"), "/a/*b*.php", "/a/xbby.php", true},
        {ROW("question mark"), "/a/?.php", "/a/b.php", true},
        {ROW("question mark and slash"), "/a?b", "/a/b", false},
        {ROW("any folders, none"), "/a/**/b.php", "/a/b.php", true},
        {ROW("any folders, two"), "/a/**/b.php", "/a/c/d/b.php", true},
        {ROW("any folders, part of a name"), "/a/**/b.php", "/a/cb.php", false},
        {ROW("any folders at the end"), "/a/**", "/a/b/c", true},
        {ROW("group"), "/a/*.{php,yaml}", "/a/b.yaml", true},
        {ROW("group, none"), "/a/*.{php,yaml}", "/a/b.yml", false},
        {ROW("group behind folders"), "/a/**/*.{php,y{", "/a/x/*.{php,y{", true},
        {ROW("open brace"), "/a/{b", "/a/{b", true},
        {ROW("group with an empty item"), "/a/b{,.dist}", "/a/b", true},
        {ROW("all at once"), "/a/**/?{x,yz}*.php", "/a/b/c/1yz2.php", true},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        assert_int_equal(psv_file_pattern_matches(psv_bytes_of(row->pattern), psv_bytes_of(row->path)),
                         row->is_match);
    }
}

static void test_bases(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *pattern;
        size_t len;
    } cases[] = {
        {ROW("plain"), "src/a.php", 9}, {ROW("star"), "src/*.php", 3},    {ROW("name"), "src/lib/a*", 7},
        {ROW("none"), "*.php", 0},      {ROW("folders"), "/srv/**/a", 4}, {ROW("group"), "/srv/{a,b}/c", 4},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        assert_int_equal(psv_file_pattern_base_len(psv_bytes_of(row->pattern)), row->len);
    }
    assert_true(psv_file_pattern_is_plain(PSV_BYTES("/a/b")));
    assert_false(psv_file_pattern_is_plain(PSV_BYTES("/a/b?")));
}

static void test_a_pattern_that_would_take_for_ever(void **state)
{
    char path[201];

    (void)state;
    for (size_t i = 0; i < sizeof(path) - 1; i++) {
        path[i] = 'a';
    }
    path[sizeof(path) - 1] = '\0';
    assert_false(psv_file_pattern_matches(PSV_BYTES("*a*a*a*a*a*a*a*a*a*b"), psv_bytes_of(path)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_matches, table_report_row),
        cmocka_unit_test_teardown(test_bases, table_report_row),
        cmocka_unit_test(test_a_pattern_that_would_take_for_ever),
    };
    return cmocka_run_group_tests_name("file_pattern", tests, NULL, NULL);
}
