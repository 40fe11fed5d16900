/* Tests of http/range.c: RFC 9110 14.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/range.h"

#define MAX_RANGES 4
#define IGNORED PSV_RANGE_IGNORED
#define PARTIAL PSV_RANGE_PARTIAL
#define UNSATISFIABLE PSV_RANGE_UNSATISFIABLE
#define TOP UINT64_MAX

static const struct range_row {
    const char *name;
    const char *value;
    uint64_t size;
    enum psv_range_verdict verdict;
    unsigned len;
    struct psv_range ranges[MAX_RANGES];
} rows[] = {
    {"14.1.2 first 500", "bytes=0-499", 10000, PARTIAL, 1, {{0, 500}}},
    {"14.1.2 second 500", "bytes=500-999", 10000, PARTIAL, 1, {{500, 500}}},
    {"14.1.2 final 500", "bytes=-500", 10000, PARTIAL, 1, {{9500, 500}}},
    {"14.1.2 open end", "bytes=9500-", 10000, PARTIAL, 1, {{9500, 500}}},
    {"14.1.2 first and last only", "bytes=0-0,-1", 10000, PARTIAL, 2, {{0, 1}, {9999, 1}}},
    {"14.1.2 first, middle, last",
     "bytes= 0-999, 4500-5499, -1000",
     10000,
     PARTIAL,
     3,
     {{0, 1000}, {4500, 1000}, {9000, 1000}}},
    {"14.1.2 touching ranges are joined", "bytes=500-600,601-999", 10000, PARTIAL, 1, {{500, 500}}},
    {"14.1.2 overlapping ranges are joined", "bytes=500-700,601-999", 10000, PARTIAL, 1, {{500, 500}}},
    {"14.1.2 last beyond the end", "bytes=9990-20000", 10000, PARTIAL, 1, {{9990, 10}}},
    {"14.1.2 suffix longer than all", "bytes=-20000", 10000, PARTIAL, 1, {{0, 10000}}},
    {"14.1.2 everything", "bytes=0-", 10000, PARTIAL, 1, {{0, 10000}}},
    {"last byte", "bytes=9999-", 10000, PARTIAL, 1, {{9999, 1}}},
    {"one byte of one", "bytes=0-0", 1, PARTIAL, 1, {{0, 1}}},
    {"14.1.1 unit in any case", "BYTES=1-2", 10, PARTIAL, 1, {{1, 2}}},
    {"blanks and empty members", "bytes= , 1-2 ,, 5-6 ,", 10, PARTIAL, 2, {{1, 2}, {5, 2}}},
    {"order is the client's", "bytes=8-9,0-1,4-5", 10, PARTIAL, 3, {{8, 2}, {0, 2}, {4, 2}}},
    {"joined at the place of the first", "bytes=8-9,4-5,2-3", 10, PARTIAL, 2, {{8, 2}, {2, 4}}},
    {"one range joins two", "bytes=0-1,6-7,2-5", 10, PARTIAL, 1, {{0, 8}}},
    {"one range joins two around another", "bytes=0-1,9-9,5-6,2-4", 10, PARTIAL, 2, {{0, 7}, {9, 1}}},
    {"the same again", "bytes=1-2,1-2,1-2", 10, PARTIAL, 1, {{1, 2}}},
    {"everything many times", "bytes=0-,0-,0-,0-", 10, PARTIAL, 1, {{0, 10}}},
    {"some cannot be satisfied", "bytes=10-,3-3,-0,99-100", 10, PARTIAL, 1, {{3, 1}}},
    {"14.1.2 behind the end", "bytes=10-", 10, UNSATISFIABLE, 0, {{0, 0}}},
    {"14.1.2 suffix of 0", "bytes=-0", 10, UNSATISFIABLE, 0, {{0, 0}}},
    {"all behind the end", "bytes=10-11,12-,-0", 10, UNSATISFIABLE, 0, {{0, 0}}},
    {"empty representation", "bytes=0-", 0, UNSATISFIABLE, 0, {{0, 0}}},
    {"empty representation, suffix of 0", "bytes=-0", 0, UNSATISFIABLE, 0, {{0, 0}}},
    {"14.1.2 suffix of an empty representation", "bytes=-1", 0, IGNORED, 0, {{0, 0}}},
    {"14.2 empty", "", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 no set", "bytes=", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 only commas", "bytes=,,", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 other unit", "items=0-1", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 no unit", "0-1", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 blank before the sign", "bytes =0-1", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 last before first", "bytes=2-1", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 one bad range spoils all", "bytes=0-1,5-4", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 only a hyphen", "bytes=-", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 no hyphen", "bytes=5", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 two hyphens", "bytes=1--2", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 blank inside", "bytes=1 -2", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 sign", "bytes=+1-2", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 letters", "bytes=a-b", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 more behind", "bytes=1-2x", 10, IGNORED, 0, {{0, 0}}},
    {"14.2 semicolon", "bytes=1-2;3-4", 10, IGNORED, 0, {{0, 0}}},
    {"as many as allowed", "bytes=0-0,2-2,4-4,6-6", 10, PARTIAL, 4, {{0, 1}, {2, 1}, {4, 1}, {6, 1}}},
    {"17.15 more than allowed", "bytes=0-0,2-2,4-4,6-6,8-8", 10, IGNORED, 0, {{0, 0}}},
    {"17.15 more than allowed, joined or not", "bytes=0-0,0-0,0-0,0-0,0-0", 10, IGNORED, 0, {{0, 0}}},
    {"64 bits", "bytes=18446744073709551613-18446744073709551614", TOP, PARTIAL, 1, {{TOP - 2, 2}}},
    {"64 bits, everything", "bytes=0-18446744073709551615", TOP, PARTIAL, 1, {{0, TOP}}},
    {"64 bits, suffix", "bytes=-18446744073709551615", TOP, PARTIAL, 1, {{0, TOP}}},
    {"64 bits, touching at the top",
     "bytes=0-18446744073709551613,18446744073709551614-",
     TOP,
     PARTIAL,
     1,
     {{0, TOP}}},
    {"beyond 64 bits as last", "bytes=5-99999999999999999999999", 10, PARTIAL, 1, {{5, 5}}},
    {"beyond 64 bits as first", "bytes=99999999999999999999999-", TOP, UNSATISFIABLE, 0, {{0, 0}}},
    {"beyond 64 bits as suffix", "bytes=-99999999999999999999999", 10, PARTIAL, 1, {{0, 10}}},
    {"wraps to 5 in 64 bits", "bytes=18446744073709551621-", 10, UNSATISFIABLE, 0, {{0, 0}}},
};

static void test_parse(void **state)
{
    (void)state;
    FOR_ROWS(struct range_row, row, rows)
    {
        struct psv_range ranges[MAX_RANGES];
        unsigned len = 77;
        ROW_INT(row, psv_range_parse(psv_bytes_of(row->value), row->size, ranges, MAX_RANGES, &len),
                row->verdict);
        ROW_INT(row, len, row->verdict == PARTIAL ? row->len : 77);
        for (unsigned i = 0; i < row->len; i++) {
            ROW_INT(row, ranges[i].offset, row->ranges[i].offset);
            ROW_INT(row, ranges[i].len, row->ranges[i].len);
        }
    }
}

static void test_no_ranges_allowed(void **state)
{
    unsigned len = 77;
    (void)state;
    assert_int_equal(psv_range_parse(PSV_BYTES("bytes=0-1"), 10, NULL, 0, &len), IGNORED);
    assert_int_equal(psv_range_parse(PSV_BYTES_EMPTY, 10, NULL, 0, &len), IGNORED);
}

static void test_content_range_14_4(void **state)
{
    char out[PSV_RANGE_TEXT_MAX + 1];
    size_t len;
    (void)state;
    len = psv_range_format(out, (struct psv_range){42, 1192}, 1234);
    TEXT(((struct psv_bytes){out, len}), "bytes 42-1233/1234");
    len = psv_range_format_unsatisfied(out, 1234);
    TEXT(((struct psv_bytes){out, len}), "bytes */1234");
    memset(out, '#', sizeof(out));
    /* the offset and end of no real range, but the longest text */
    len = psv_range_format(out, (struct psv_range){TOP, 1}, TOP);
    assert_int_equal(len, PSV_RANGE_TEXT_MAX);
    assert_int_equal(out[PSV_RANGE_TEXT_MAX], '#');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_no_ranges_allowed),
        cmocka_unit_test(test_content_range_14_4),
    };
    return cmocka_run_group_tests_name("http/range", tests, NULL, NULL);
}
