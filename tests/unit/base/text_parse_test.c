/* Numbers, sizes, durations: strictness at every edge, and what is formatted reads back.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "table.h"

#include "base/error.h"
#include "base/random.h"
#include "base/text_parse.h"

struct number_case {
    TABLE_ROW;
    struct psv_bytes text;
    int result;
    uint64_t value;
};

#define T(text) PSV_BYTES_INIT(text)
#define UNTOUCHED UINT64_C(0xdeadbeefdeadbeef)

typedef int parse_fn(struct psv_bytes text, uint64_t *ret_value);

static void check_numbers(parse_fn *parse, const struct number_case *row)
{
    uint64_t value = UNTOUCHED;
    assert_int_equal(parse(row->text, &value), row->result);
    assert_true(value == (row->result == 0 ? row->value : UNTOUCHED));
}

static void test_u64(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {ROW("absent"), {NULL, 0}, PSV_ESYNTAX, 0},
        {ROW("zero"), T("0"), 0, 0},
        {ROW("leading zeros"), T("007"), 0, 7},
        {ROW("many leading zeros"), T("0000000000000000000000000000001"), 0, 1},
        {ROW("largest"), T("18446744073709551615"), 0, UINT64_MAX},
        {ROW("one more"), T("18446744073709551616"), PSV_ERANGE, 0},
        {ROW("ten times more"), T("99999999999999999999"), PSV_ERANGE, 0},
        {ROW("plus sign"), T("+1"), PSV_ESYNTAX, 0},
        {ROW("minus sign"), T("-1"), PSV_ESYNTAX, 0},
        {ROW("blank before"), T(" 1"), PSV_ESYNTAX, 0},
        {ROW("blank behind"), T("1 "), PSV_ESYNTAX, 0},
        {ROW("letter behind"), T("1k"), PSV_ESYNTAX, 0},
        {ROW("hexadecimal"), T("0x10"), PSV_ESYNTAX, 0},
        {ROW("NUL behind"), T("1\0"), PSV_ESYNTAX, 0},
        {ROW("other digits"), T("\xd9\xa1"), PSV_ESYNTAX, 0},
        {ROW("too large and malformed"), T("99999999999999999999x"), PSV_ESYNTAX, 0},
    };
    TABLE_FOR_EACH(row, cases)
    {
        check_numbers(psv_parse_u64, row);
    }
}

static void test_hex(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {ROW("absent"), {NULL, 0}, PSV_ESYNTAX, 0},
        {ROW("zero"), T("0"), 0, 0},
        {ROW("both cases"), T("aBcDeF09"), 0, 0xabcdef09},
        {ROW("largest"), T("ffffffffffffffff"), 0, UINT64_MAX},
        {ROW("17 digits"), T("0ffffffffffffffff"), PSV_ERANGE, 0},
        {ROW("17 with a bad one"), T("0fffffffffffffffg"), PSV_ESYNTAX, 0},
        {ROW("prefix"), T("0x1"), PSV_ESYNTAX, 0},
        {ROW("g"), T("g"), PSV_ESYNTAX, 0},
        {ROW("between the digits and letters"), T("@"), PSV_ESYNTAX, 0},
        {ROW("blank"), T("1 "), PSV_ESYNTAX, 0},
    };
    TABLE_FOR_EACH(row, cases)
    {
        check_numbers(psv_parse_hex, row);
    }
}

static void test_size(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {ROW("bytes"), T("64"), 0, 64},
        {ROW("zero"), T("0"), 0, 0},
        {ROW("k"), T("64k"), 0, 65536},
        {ROW("K"), T("64K"), 0, 65536},
        {ROW("KiB"), T("64KiB"), 0, 65536},
        {ROW("kib"), T("64kib"), 0, 65536},
        {ROW("m"), T("16m"), 0, 16 << 20},
        {ROW("MiB"), T("16MiB"), 0, 16 << 20},
        {ROW("g"), T("1g"), 0, 1 << 30},
        {ROW("t"), T("2t"), 0, UINT64_C(2) << 40},
        {ROW("largest"), T("16777215T"), 0, UINT64_C(16777215) << 40},
        {ROW("too large by its unit"), T("16777216T"), PSV_ERANGE, 0},
        {ROW("too large by itself"), T("18446744073709551616"), PSV_ERANGE, 0},
        {ROW("ambiguous unit"), T("64KB"), PSV_ESYNTAX, 0},
        {ROW("half a unit"), T("64Ki"), PSV_ESYNTAX, 0},
        {ROW("no number"), T("k"), PSV_ESYNTAX, 0},
        {ROW("only iB"), T("1iB"), PSV_ESYNTAX, 0},
        {ROW("blank before the unit"), T("64 k"), PSV_ESYNTAX, 0},
        {ROW("fraction"), T("1.5k"), PSV_ESYNTAX, 0},
        {ROW("unit twice"), T("1kk"), PSV_ESYNTAX, 0},
        {ROW("empty"), T(""), PSV_ESYNTAX, 0},
        {ROW("negative"), T("-1"), PSV_ESYNTAX, 0},
    };
    TABLE_FOR_EACH(row, cases)
    {
        check_numbers(psv_parse_size, row);
    }
}

static void test_duration(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {ROW("ms"), T("250ms"), 0, 250},
        {ROW("s"), T("5s"), 0, 5000},
        {ROW("m"), T("2m"), 0, 120000},
        {ROW("h"), T("1h"), 0, 3600000},
        {ROW("d"), T("1d"), 0, 86400000},
        {ROW("w"), T("1w"), 0, 604800000},
        {ROW("zero"), T("0"), 0, 0},
        {ROW("bare seconds"), T("30"), 0, 30000},
        {ROW("fraction of seconds"), T("1.5s"), 0, 1500},
        {ROW("fraction without unit"), T("0.25"), 0, 250},
        {ROW("fraction of a minute"), T("1.5m"), 0, 90000},
        {ROW("trailing zeros of the fraction"), T("1.50000000000000s"), 0, 1500},
        {ROW("fraction of nothing but zeros"), T("1.0ms"), 0, 1},
        {ROW("nine digits of a week"), T("0.000000125w"), PSV_ERANGE, 0},
        {ROW("finer than a millisecond"), T("1.0001s"), PSV_ERANGE, 0},
        {ROW("half a millisecond"), T("0.5ms"), PSV_ERANGE, 0},
        {ROW("very fine"), T("0.0000000001w"), PSV_ERANGE, 0},
        {ROW("largest"), T("18446744073709551615ms"), 0, UINT64_MAX},
        {ROW("too large"), T("18446744073709551616ms"), PSV_ERANGE, 0},
        {ROW("too large by its unit"), T("18446744073709552s"), PSV_ERANGE, 0},
        {ROW("too large by its fraction"), T("18446744073709551.616s"), PSV_ERANGE, 0},
        {ROW("unit in upper case"), T("5S"), PSV_ESYNTAX, 0},
        {ROW("unknown unit"), T("5y"), PSV_ESYNTAX, 0},
        {ROW("two units"), T("1m30s"), PSV_ESYNTAX, 0},
        {ROW("blank"), T("5 s"), PSV_ESYNTAX, 0},
        {ROW("no digits after the point"), T("5.s"), PSV_ESYNTAX, 0},
        {ROW("no digits before the point"), T(".5s"), PSV_ESYNTAX, 0},
        {ROW("two points"), T("1.2.3s"), PSV_ESYNTAX, 0},
        {ROW("only a unit"), T("ms"), PSV_ESYNTAX, 0},
        {ROW("empty"), T(""), PSV_ESYNTAX, 0},
        {ROW("negative"), T("-1s"), PSV_ESYNTAX, 0},
    };
    TABLE_FOR_EACH(row, cases)
    {
        check_numbers(psv_parse_duration, row);
    }
}

static void test_bool(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes text;
        int result;
        bool value;
    } cases[] = {
        {ROW("true"), T("true"), 0, true},
        {ROW("false"), T("false"), 0, false},
        {ROW("On"), T("On"), 0, true},
        {ROW("OFF"), T("OFF"), 0, false},
        {ROW("yes"), T("yes"), 0, true},
        {ROW("no"), T("no"), 0, false},
        {ROW("1"), T("1"), 0, true},
        {ROW("0"), T("0"), 0, false},
        {ROW("empty"), T(""), PSV_ESYNTAX, 0},
        {ROW("2"), T("2"), PSV_ESYNTAX, 0},
        {ROW("blank"), T("on "), PSV_ESYNTAX, 0},
        {ROW("y"), T("y"), PSV_ESYNTAX, 0},
    };
    TABLE_FOR_EACH(row, cases)
    {
        for (int before = 0; before < 2; before++) {
            bool value = before != 0;
            assert_int_equal(psv_parse_bool(row->text, &value), row->result);
            assert_int_equal(value, row->result == 0 ? row->value : (before != 0));
        }
    }
}

static void check_formats(uint64_t value)
{
    char expected[32];
    char out[32];
    memset(out, '#', sizeof(out));
    size_t len = psv_format_u64(out, value);
    snprintf(expected, sizeof(expected), "%" PRIu64, value);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(out, expected, len);
    assert_int_equal(out[len], '#');

    memset(out, '#', sizeof(out));
    len = psv_format_i64(out, (int64_t)value);
    snprintf(expected, sizeof(expected), "%" PRId64, (int64_t)value);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(out, expected, len);
    assert_int_equal(out[len], '#');

    memset(out, '#', sizeof(out));
    len = psv_format_hex(out, value);
    snprintf(expected, sizeof(expected), "%" PRIx64, value);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(out, expected, len);
    assert_int_equal(out[len], '#');
}

static void test_format_numbers(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 20000; value++)
        check_formats(value);
    uint64_t power = 1;
    for (int i = 0; i < 20; i++, power *= 10) {
        check_formats(power - 1);
        check_formats(power);
        check_formats(power + 1);
    }
    for (int i = 0; i < 64; i++) {
        check_formats(UINT64_C(1) << i);
        check_formats((UINT64_C(1) << i) - 1);
    }
    check_formats(UINT64_MAX);
    check_formats((uint64_t)INT64_MIN);
    for (int i = 0; i < 5000; i++)
        check_formats(psv_random_u64() >> (i % 64));
}

static void test_format_units(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        uint64_t value;
        const char *size;
        const char *duration;
    } cases[] = {
        {ROW("zero"), 0, "0", "0"},
        {ROW("one"), 1, "1", "1ms"},
        {ROW("1500"), 1500, "1500", "1500ms"},
        {ROW("2000"), 2000, "2000", "2s"},
        {ROW("64 K"), 65536, "64K", "65536ms"},
        {ROW("2 minutes"), 120000, "120000", "2m"},
        {ROW("a week"), 604800000, "590625K", "1w"},
        {ROW("8 days"), 691200000, "675000K", "8d"},
        {ROW("largest unit"), UINT64_C(5) << 40, "5T", "5497558138880ms"},
        {ROW("largest number"), UINT64_MAX, "18446744073709551615", "18446744073709551615ms"},
    };
    TABLE_FOR_EACH(row, cases)
    {
        char out[24];
        uint64_t value;
        assert_int_equal(psv_format_size(out, sizeof(out), row->value), strlen(row->size));
        assert_string_equal(out, row->size);
        assert_int_equal(psv_parse_size(psv_bytes_of(out), &value), 0);
        assert_true(value == row->value);
        assert_int_equal(psv_format_duration(out, sizeof(out), row->value), strlen(row->duration));
        assert_string_equal(out, row->duration);
        assert_int_equal(psv_parse_duration(psv_bytes_of(out), &value), 0);
        assert_true(value == row->value);
        /* exactly enough, and one too few */
        size_t needed = strlen(row->duration) + 1;
        assert_int_equal(psv_format_duration(out, needed, row->value), needed - 1);
        assert_int_equal(psv_format_duration(out, needed - 1, row->value), 0);
    }
}

static void test_formats_read_back(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char out[24];
        uint64_t back;
        uint64_t value = (psv_random_u64() >> (i % 64)) * (i % 3 == 0 ? 1000 : 1);
        assert_true(psv_format_size(out, sizeof(out), value) > 0);
        assert_int_equal(psv_parse_size(psv_bytes_of(out), &back), 0);
        assert_true(back == value);
        assert_true(psv_format_duration(out, sizeof(out), value) > 0);
        assert_int_equal(psv_parse_duration(psv_bytes_of(out), &back), 0);
        assert_true(back == value);
    }
}

static void test_edit_distance(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes a;
        struct psv_bytes b;
        unsigned distance;
    } cases[] = {
        {ROW("both empty"), T(""), T(""), 0},
        {ROW("one empty"), T(""), T("abc"), 3},
        {ROW("equal"), T("worker"), T("worker"), 0},
        {ROW("one changed"), T("worker"), T("warker"), 1},
        {ROW("one missing"), T("workers"), T("worker"), 1},
        {ROW("swapped neighbours"), T("wokrers"), T("workers"), 1},
        {ROW("swapped at the start"), T("owrkers"), T("workers"), 1},
        {ROW("classic"), T("kitten"), T("sitting"), 3},
        {ROW("nothing in common"), T("abc"), T("xyz"), 3},
        {ROW("64 bytes"), T("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"), T("0"), 63},
        {ROW("65 bytes"), T("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0"), T("0"),
         UINT_MAX},
    };
    TABLE_FOR_EACH(row, cases)
    {
        assert_int_equal(psv_edit_distance(row->a, row->b), row->distance);
        assert_int_equal(psv_edit_distance(row->b, row->a), row->distance);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_u64),           cmocka_unit_test(test_hex),
        cmocka_unit_test(test_size),          cmocka_unit_test(test_duration),
        cmocka_unit_test(test_bool),          cmocka_unit_test(test_format_numbers),
        cmocka_unit_test(test_format_units),  cmocka_unit_test(test_formats_read_back),
        cmocka_unit_test(test_edit_distance),
    };
    return cmocka_run_group_tests_name("base/text_parse", tests, NULL, NULL);
}
