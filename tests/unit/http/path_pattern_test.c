/* Tests of http/path_pattern.c.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "http/path_pattern.h"

static const struct {
    TABLE_ROW;
    const char *pattern;
    const char *path;
    bool matches;
} rows[] = {
    {ROW("itself"), "/api", "/api", true},
    {ROW("below is not itself"), "/api", "/api/", false},
    {ROW("shorter"), "/api", "/ap", false},
    {ROW("case"), "/api", "/API", false},
    {ROW("all below"), "/api/*", "/api/x/y", true},
    {ROW("the folder"), "/api/*", "/api/", true},
    {ROW("not without its slash"), "/api/*", "/api", false},
    {ROW("not another name"), "/api/*", "/apis", false},
    {ROW("both"), "/api*", "/apis", true},
    {ROW("all"), "*", "/", true},
    {ROW("all, deep"), "*", "/a/b/c", true},
    {ROW("all from the root"), "/*", "/a/b", true},
    {ROW("ending"), "*.php", "/a/b.php", true},
    {ROW("not the ending"), "*.php", "/a/b.php/c", false},
    {ROW("shorter than the ending"), "*.php", "php", false},
    {ROW("in it"), "*/feed/*", "/blog/feed/1", true},
    {ROW("at its end"), "*/feed/*", "/feed/", true},
    {ROW("not in it"), "*/feed/*", "/feed", false},
    {ROW("segment"), "/users/*/photo", "/users/7/photo", true},
    {ROW("two segments"), "/users/*/photo", "/users/7/8/photo", false},
    {ROW("empty segment"), "/users/*/photo", "/users//photo", true},
    {ROW("part of a segment"), "/v*/x", "/v12/x", true},
    {ROW("segment, open"), "/users/*/photo*", "/users/7/photos/1", true},
    {ROW("several stars"), "/**", "/x/y", true},
    {ROW("several stars within"), "/a**b", "/axxb", true},
};

static void test_matches(void **state)
{
    (void)state;
    TABLE_FOR_EACH(row, rows)
    {
        struct psv_path_pattern pattern;
        assert_null(psv_path_pattern_parse(psv_bytes_of(row->pattern), &pattern));
        assert_int_equal(psv_path_pattern_matches(&pattern, psv_bytes_of(row->path)), row->matches);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const texts[] = {"",       "api",  "api/*", "/a?b",     "/a%20b",     "/a#b", "/[a]",
                                        "/{a,b}", "/a\\", "/a\n",  "*.a*.php", "https://x/", "*a*b*"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct psv_path_pattern pattern;
        print_message("%s\n", texts[i]);
        assert_non_null(psv_path_pattern_parse(psv_bytes_of(texts[i]), &pattern));
    }
}

/* What the header says, word by word: stars at the ends take all, others all but slashes. */
static bool expect(const char *pattern, const char *path, bool is_first)
{
    if (*pattern == '\0')
        return *path == '\0';
    if (*pattern != '*')
        return *path == *pattern && expect(pattern + 1, path + 1, false);
    bool is_at_end = is_first || strspn(pattern, "*") == strlen(pattern);
    for (const char *rest = path;; rest++) {
        if (expect(pattern + 1, rest, is_first && pattern[1] == '*'))
            return true;
        if (*rest == '\0' || (*rest == '/' && !is_at_end))
            return false;
    }
}

/* All texts of up to len letters of the alphabet; returns false at their end. */
static bool next_text(char *text, const char *alphabet, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char *place = text[i] != '\0' ? strchr(alphabet, text[i]) + 1 : alphabet;
        if (*place != '\0') {
            text[i] = *place;
            return true;
        }
        text[i] = alphabet[0];
    }
    return false;
}

static void test_all_short_ones(void **state)
{
    (void)state;
    char pattern_text[8] = "";
    size_t matched = 0;
    while (next_text(pattern_text, "/a*", 6)) {
        struct psv_path_pattern pattern;
        char path[8] = "";
        if (psv_path_pattern_parse(psv_bytes_of(pattern_text), &pattern) != NULL)
            continue;
        while (next_text(path, "/ab", 5)) {
            bool matches = psv_path_pattern_matches(&pattern, psv_bytes_of(path));
            if (matches != expect(pattern_text, path, true))
                fail_msg("%s and %s", pattern_text, path);
            matched += matches;
        }
    }
    assert_true(matched > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_all_short_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
