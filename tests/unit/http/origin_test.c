/* Tests of http/origin.c: patterns of origins, and what they let in.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include <string.h>

#include "base/error.h"

#include "http/origin.h"

static const struct {
    TABLE_ROW;
    const char *pattern;
    const char *origin;
    bool is_match;
} rows[] = {
    {ROW("same"), "https://a.test", "https://a.test", true},
    {ROW("case"), "https://A.test", "HTTPS://a.TEST", true},
    {ROW("scheme"), "https://a.test", "http://a.test", false},
    {ROW("port more"), "https://a.test", "https://a.test:8443", false},
    {ROW("port less"), "https://a.test:8443", "https://a.test", false},
    {ROW("port same"), "https://a.test:8443", "https://a.test:8443", true},
    {ROW("longer host"), "https://a.test", "https://a.test.evil", false},
    {ROW("IPv6"), "http://[::1]:3000", "http://[::1]:3000", true},
    {ROW("other scheme"), "capacitor://localhost", "capacitor://localhost", true},
    {ROW("label"), "https://*.a.test", "https://x.a.test", true},
    {ROW("labels"), "https://*.a.test", "https://x.y-1.a.test", true},
    {ROW("label and port"), "https://*.a.test:444", "https://x.a.test:444", true},
    {ROW("no label"), "https://*.a.test", "https://a.test", false},
    {ROW("empty label"), "https://*.a.test", "https://.a.test", false},
    {ROW("two dots"), "https://*.a.test", "https://x..a.test", false},
    {ROW("suffix without a dot"), "https://*.a.test", "https://xa.test", false},
    {ROW("slash"), "https://*.a.test", "https://evil/.a.test", false},
    {ROW("user"), "https://*.a.test", "https://u@x.a.test", false},
    {ROW("port in the middle"), "https://*.a.test", "https://x:1.a.test", false},
    {ROW("wrong port"), "https://*.a.test", "https://x.a.test:1", false},
    {ROW("empty"), "https://a.test", "", false},
    {ROW("scheme alone"), "https://a.test", "https://", false},
    {ROW("null"), "https://a.test", "null", false},
};

static void test_matches(void **state)
{
    (void)state;
    TABLE_FOR_EACH(row, rows)
    {
        struct psv_origin_pattern pattern;
        assert_null(psv_origin_pattern_parse(psv_bytes_of(row->pattern), &pattern));
        assert_int_equal(psv_origin_matches(&pattern, psv_bytes_of(row->origin)), row->is_match);
    }
}

static void test_wrong_patterns(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "a.test",
        "//a.test",
        "https:a.test",
        "https://",
        "https://a.test/",
        "https://*",
        "https://*.",
        "https://*a.test",
        "https://a.*.test",
        "https://a b",
        "https://a..b",
        "null",
        "NULL",
        "https://a:",
        "https://a:x",
        "https://a:99999",
        "https://a:443",
        "http://a:80",
        "1https://a.test",
        "://a.test",
        "https://u@a.test",
        "https://*.a.test:443",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct psv_origin_pattern pattern;
        assert_non_null(psv_origin_pattern_parse(psv_bytes_of(texts[i]), &pattern));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_wrong_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
