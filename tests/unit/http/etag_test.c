/* Tests of http/etag.c.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/etag.h"

static struct psv_bytes format(char *out, uint64_t size, int64_t mtime_ns)
{
    return (struct psv_bytes){out, psv_etag_format(out, size, mtime_ns)};
}

static void test_format(void **state)
{
    char out[PSV_ETAG_MAX];
    char other[PSV_ETAG_MAX];
    struct psv_etag etag;
    (void)state;
    TEXT(format(out, 255, 4096), "\"1000-ff\"");
    TEXT(format(out, 0, 0), "\"0-0\"");
    TEXT(format(out, UINT64_MAX, -1), "\"ffffffffffffffff-ffffffffffffffff\"");
    assert_int_equal(format(out, UINT64_MAX, -1).len, PSV_ETAG_MAX);
    assert_int_equal(psv_etag_parse(format(out, 10, 1700000000123456789), &etag), 0);
    assert_false(etag.is_weak);
    assert_false(
        psv_bytes_equal(format(out, 10, 1700000000123456789), format(other, 10, 1700000000123456790)));
    assert_false(
        psv_bytes_equal(format(out, 10, 1700000000123456789), format(other, 11, 1700000000123456789)));
}

static const struct parse_row {
    const char *name;
    struct psv_bytes text;
    bool is_good;
} parse_rows[] = {
    {"RFC 9110 8.8.3 strong", PSV_BYTES_INIT("\"xyzzy\""), true},
    {"RFC 9110 8.8.3 weak", PSV_BYTES_INIT("W/\"xyzzy\""), true},
    {"RFC 9110 8.8.3 empty", PSV_BYTES_INIT("\"\""), true},
    {"comma and backslash", PSV_BYTES_INIT("\"a,\\b\""), true},
    {"bytes above 127", PSV_BYTES_INIT("\"\xff\""), true},
    {"nothing", PSV_BYTES_INIT(""), false},
    {"no quotes", PSV_BYTES_INIT("xyzzy"), false},
    {"one quote", PSV_BYTES_INIT("\""), false},
    {"not closed", PSV_BYTES_INIT("\"a"), false},
    {"only weak", PSV_BYTES_INIT("W/"), false},
    {"weak in lower case", PSV_BYTES_INIT("w/\"a\""), false},
    {"weak without quotes", PSV_BYTES_INIT("W/a"), false},
    {"blank inside", PSV_BYTES_INIT("\"a b\""), false},
    {"NUL inside", PSV_BYTES_INIT("\"a\0b\""), false},
    {"DEL inside", PSV_BYTES_INIT("\"\x7f\""), false},
    {"more behind", PSV_BYTES_INIT("\"a\"b"), false},
    {"blank behind", PSV_BYTES_INIT("\"a\" "), false},
};

static void test_parse(void **state)
{
    (void)state;
    FOR_ROWS(struct parse_row, row, parse_rows)
    {
        struct psv_etag etag;
        ROW_INT(row, psv_etag_parse(row->text, &etag), row->is_good ? 0 : PSV_ESYNTAX);
        if (row->is_good) {
            ROW_INT(row, etag.is_weak, row->text.data[0] == 'W');
            ROW_INT(row, etag.opaque.len, row->text.len - (etag.is_weak ? 2 : 0));
            ROW_INT(row, etag.opaque.data[0], '"');
        }
        ROW_INT(row, psv_etag_equal_weak(row->text, row->text), row->is_good);
    }
}

/* The table of RFC 9110 8.8.3.2. */
static void test_comparison_9110_8_8_3_2(void **state)
{
    static const struct {
        const char *a, *b;
        bool strong, weak;
    } rows[] = {
        {"W/\"1\"", "W/\"1\"", false, true},
        {"W/\"1\"", "W/\"2\"", false, false},
        {"W/\"1\"", "\"1\"", false, true},
        {"\"1\"", "\"1\"", true, true},
        {"\"1\"", "\"11\"", false, false},
        {"\"a\"", "\"A\"", false, false},
        {"", "", false, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct psv_bytes a = psv_bytes_of(rows[i].a);
        struct psv_bytes b = psv_bytes_of(rows[i].b);
        assert_int_equal(psv_etag_equal_strong(a, b), rows[i].strong);
        assert_int_equal(psv_etag_equal_strong(b, a), rows[i].strong);
        assert_int_equal(psv_etag_equal_weak(a, b), rows[i].weak);
        assert_int_equal(psv_etag_equal_weak(b, a), rows[i].weak);
    }
}

static const struct list_row {
    const char *name;
    const char *list;
    enum psv_etag_match weak;
    enum psv_etag_match strong;
} list_rows[] = {
#define NO PSV_ETAG_MATCH_NO
#define YES PSV_ETAG_MATCH_YES
#define ANY PSV_ETAG_MATCH_ANY
#define BAD PSV_ETAG_MATCH_MALFORMED
    {"RFC 9110 13.1.1 one", "\"x\"", YES, YES},
    {"RFC 9110 13.1.1 any", "*", ANY, ANY},
    {"any with blanks", " \t* ", ANY, ANY},
    {"RFC 9110 13.1.1 several", "\"a\", \"x\",\"b\"", YES, YES},
    {"RFC 9110 13.1.2 weak", "W/\"a\", W/\"x\"", YES, NO},
    {"not in it", "\"a\", \"b\"", NO, NO},
    {"case counts", "\"X\"", NO, NO},
    {"comma inside a tag", "\"a,\",\"x\"", YES, YES},
    {"quoted by comma", "\"a,\"x\",b\"", BAD, BAD},
    {"backslash escapes nothing", "\"a\\\",\"x\"", YES, YES},
    {"RFC 9110 5.6.1.2 empty members", ", ,\"x\",,", YES, YES},
    {"any in a list", "*, \"x\"", BAD, BAD},
    {"any behind", "\"x\", *", BAD, BAD},
    {"nothing", "", BAD, BAD},
    {"only commas", ",,", BAD, BAD},
    {"no quotes", "x", BAD, BAD},
    {"no comma", "\"a\" \"x\"", BAD, BAD},
    {"malformed behind a match", "\"x\", y", BAD, BAD},
    {"not closed behind a match", "\"x\", \"y", BAD, BAD},
};

static void test_lists(void **state)
{
    (void)state;
    FOR_ROWS(struct list_row, row, list_rows)
    {
        ROW_INT(row, psv_etag_list_match(psv_bytes_of(row->list), PSV_BYTES("\"x\""), false), row->weak);
        ROW_INT(row, psv_etag_list_match(psv_bytes_of(row->list), PSV_BYTES("\"x\""), true), row->strong);
        ROW_CHECK(row, psv_etag_list_match(psv_bytes_of(row->list), PSV_BYTES_EMPTY, false) != YES);
        ROW_CHECK(row, psv_etag_list_match(psv_bytes_of(row->list), PSV_BYTES("W/\"x\""), true) != YES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_comparison_9110_8_8_3_2),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests_name("http/etag", tests, NULL, NULL);
}
