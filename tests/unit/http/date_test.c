/* Tests of http/date.c.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/date.h"

#define DAY INT64_C(86400)
#define FIRST INT64_C(-62135596800) /* 0001-01-01 */
#define NOW INT64_C(1795000000)     /* in November 2026 */

static const struct format_row {
    const char *name;
    int64_t unix_ms;
    const char *imf;
    const char *iso;
    const char *clf;
} format_rows[] = {
    {"RFC 9110 5.6.7 example", 784111777000, "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37.000Z",
     "06/Nov/1994:08:49:37 +0000"},
    {"epoch", 0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00.000Z", "01/Jan/1970:00:00:00 +0000"},
    {"a millisecond before", -1, "Wed, 31 Dec 1969 23:59:59 GMT", "1969-12-31T23:59:59.999Z",
     "31/Dec/1969:23:59:59 +0000"},
    {"leap day", 1709251199999, "Thu, 29 Feb 2024 23:59:59 GMT", "2024-02-29T23:59:59.999Z",
     "29/Feb/2024:23:59:59 +0000"},
    {"2000 was a leap year", 951782400007, "Tue, 29 Feb 2000 00:00:00 GMT", "2000-02-29T00:00:00.007Z",
     "29/Feb/2000:00:00:00 +0000"},
    {"2100 is none", 4107542400050, "Mon, 01 Mar 2100 00:00:00 GMT", "2100-03-01T00:00:00.050Z",
     "01/Mar/2100:00:00:00 +0000"},
    {"past 2038", 2147483648000, "Tue, 19 Jan 2038 03:14:08 GMT", "2038-01-19T03:14:08.000Z",
     "19/Jan/2038:03:14:08 +0000"},
    {"last second", 253402300799000, "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59.000Z",
     "31/Dec/9999:23:59:59 +0000"},
    {"beyond it", 253402300800000, "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59.000Z",
     "31/Dec/9999:23:59:59 +0000"},
    {"first second", -62135596800000, "Mon, 01 Jan 0001 00:00:00 GMT", "0001-01-01T00:00:00.000Z",
     "01/Jan/0001:00:00:00 +0000"},
    {"before it", -62135596801000, "Mon, 01 Jan 0001 00:00:00 GMT", "0001-01-01T00:00:00.000Z",
     "01/Jan/0001:00:00:00 +0000"},
};

static void test_formats(void **state)
{
    char out[64];
    (void)state;
    FOR_ROWS(struct format_row, row, format_rows)
    {
        int64_t unix_s = row->unix_ms / 1000 - (row->unix_ms % 1000 < 0);
        memset(out, '#', sizeof(out));
        psv_date_format_imf(out, unix_s);
        ROW_TEXT(row, ((struct psv_bytes){out, PSV_DATE_IMF_LEN}), psv_bytes_of(row->imf));
        ROW_INT(row, out[PSV_DATE_IMF_LEN], '#');
        memset(out, '#', sizeof(out));
        psv_date_format_clf(out, unix_s);
        ROW_TEXT(row, ((struct psv_bytes){out, PSV_DATE_CLF_LEN}), psv_bytes_of(row->clf));
        ROW_INT(row, out[PSV_DATE_CLF_LEN], '#');
        memset(out, '#', sizeof(out));
        psv_date_format_iso(out, row->unix_ms);
        ROW_TEXT(row, ((struct psv_bytes){out, PSV_DATE_ISO_LEN}), psv_bytes_of(row->iso));
        ROW_INT(row, out[PSV_DATE_ISO_LEN], '#');
    }
    psv_date_format_iso(out, INT64_MAX);
    TEXT(((struct psv_bytes){out, 20}), "9999-12-31T23:59:59.");
    psv_date_format_iso(out, INT64_MIN);
    TEXT(((struct psv_bytes){out, 20}), "0001-01-01T00:00:00.");
    psv_date_format_imf(out, INT64_MIN);
    TEXT(((struct psv_bytes){out, 16}), "Mon, 01 Jan 0001");
}

/* Walks through the calendar day by day, counting on fingers. */
static void test_every_day_of_9999_years(void **state)
{
    static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t unix_s = FIRST;
    (void)state;
    for (int year = 1; year <= 9999; year++) {
        bool is_leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= lengths[month - 1] + (month == 2 && is_leap); day++) {
                char out[PSV_DATE_ISO_LEN];
                psv_date_format_iso(out, unix_s * 1000);
                int found_year =
                    (out[0] - '0') * 1000 + (out[1] - '0') * 100 + (out[2] - '0') * 10 + out[3] - '0';
                int found_month = (out[5] - '0') * 10 + out[6] - '0';
                int found_day = (out[8] - '0') * 10 + out[9] - '0';
                if (found_year != year || found_month != month || found_day != day) {
                    fail_msg("%d-%d-%d became %.10s", year, month, day, out);
                }
                unix_s += DAY;
            }
        }
    }
    assert_true(unix_s == INT64_C(253402300800));
}

static void test_formatted_dates_parse_back(void **state)
{
    (void)state;
    for (int64_t unix_s = FIRST; unix_s < INT64_C(253402300800); unix_s += 86399 * 97) {
        char out[PSV_DATE_IMF_LEN];
        int64_t parsed = 0;
        psv_date_format_imf(out, unix_s);
        assert_int_equal(psv_date_parse((struct psv_bytes){out, sizeof(out)}, NOW, &parsed), 0);
        assert_true(parsed == unix_s);
    }
}

static const struct parse_row {
    const char *name;
    const char *text;
    int64_t unix_s; /* REFUSED: malformed */
} parse_rows[] = {
#define REFUSED INT64_MIN
    {"RFC 9110 5.6.7 IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"RFC 9110 5.6.7 rfc850", "Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
    {"RFC 9110 5.6.7 asctime", "Sun Nov  6 08:49:37 1994", 784111777},
    {"asctime with two digits", "Wed Nov 16 08:49:37 1994", 784975777},
    {"rfc850 other weekday", "Wednesday, 16-Nov-94 08:49:37 GMT", 784975777},
    {"rfc850 Thursday", "Thursday, 17-Nov-94 08:49:37 GMT", 785062177},
    {"rfc850 Saturday", "Saturday, 19-Nov-94 08:49:37 GMT", 785234977},
    {"rfc850 Tuesday", "Tuesday, 15-Nov-94 08:49:37 GMT", 784889377},
    {"rfc850 Friday", "Friday, 18-Nov-94 08:49:37 GMT", 785148577},
    {"rfc850 Monday", "Monday, 14-Nov-94 08:49:37 GMT", 784802977},
    {"rfc850 within 50 years", "Sunday, 01-Jan-76 00:00:00 GMT", 3345062400},
    {"rfc850 more than 50 years ahead", "Sunday, 01-Jan-78 00:00:00 GMT", 252460800},
    {"rfc850 this century", "Sunday, 01-Jan-00 00:00:00 GMT", 946684800},
    {"rfc850 leap day", "Tuesday, 29-Feb-00 00:00:00 GMT", 951782400},
    {"leap second", "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
    {"weekday does not fit", "Mon, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"leap day", "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
    {"before 1970", "Wed, 31 Dec 1969 23:59:59 GMT", -1},
    {"empty", "", REFUSED},
    {"no leap day", "Wed, 29 Feb 2023 00:00:00 GMT", REFUSED},
    {"no leap day in 2100", "Mon, 29 Feb 2100 00:00:00 GMT", REFUSED},
    {"rfc850 no leap day", "Thursday, 29-Feb-01 00:00:00 GMT", REFUSED},
    {"day 0", "Sun, 00 Nov 1994 08:49:37 GMT", REFUSED},
    {"day 31 of 30", "Sun, 31 Nov 1994 08:49:37 GMT", REFUSED},
    {"hour 24", "Sun, 06 Nov 1994 24:49:37 GMT", REFUSED},
    {"minute 60", "Sun, 06 Nov 1994 08:60:37 GMT", REFUSED},
    {"second 61", "Sun, 06 Nov 1994 08:49:61 GMT", REFUSED},
    {"year 0", "Sun, 06 Nov 0000 08:49:37 GMT", REFUSED},
    {"weekday in lower case", "sun, 06 Nov 1994 08:49:37 GMT", REFUSED},
    {"month in upper case", "Sun, 06 NOV 1994 08:49:37 GMT", REFUSED},
    {"unknown month", "Sun, 06 Foo 1994 08:49:37 GMT", REFUSED},
    {"no weekday", "06 Nov 1994 08:49:37 GMT", REFUSED},
    {"one digit", "Sun, 6 Nov 1994 08:49:37 GMT", REFUSED},
    {"other zone", "Sun, 06 Nov 1994 08:49:37 UTC", REFUSED},
    {"offset", "Sun, 06 Nov 1994 08:49:37 +0000", REFUSED},
    {"no zone", "Sun, 06 Nov 1994 08:49:37", REFUSED},
    {"more behind", "Sun, 06 Nov 1994 08:49:37 GMT; length=5", REFUSED},
    {"blank before", " Sun, 06 Nov 1994 08:49:37 GMT", REFUSED},
    {"cut", "Sun, 06 Nov 1994 08:4", REFUSED},
    {"sign", "Sun, +6 Nov 1994 08:49:37 GMT", REFUSED},
    {"rfc850 other ending", "Sunnday, 06-Nov-94 08:49:37 GMT", REFUSED},
    {"rfc850 four digits", "Sunday, 06-Nov-1994 08:49:37 GMT", REFUSED},
    {"asctime without padding", "Sun Nov 6 08:49:37 1994", REFUSED},
    {"asctime with zone", "Sun Nov  6 08:49:37 1994 GMT", REFUSED},
    {"number", "784111777", REFUSED},
};

static void test_parse(void **state)
{
    (void)state;
    FOR_ROWS(struct parse_row, row, parse_rows)
    {
        int64_t unix_s = 42;
        ROW_INT(row, psv_date_parse(psv_bytes_of(row->text), NOW, &unix_s),
                row->unix_s == REFUSED ? PSV_ESYNTAX : 0);
        ROW_INT(row, unix_s, row->unix_s == REFUSED ? 42 : row->unix_s);
    }
}

/* RFC 9110 5.6.7: the limit is 50 years to the second, and every year is met from any century. */
static void test_two_digit_years(void **state)
{
    struct psv_bytes text = PSV_BYTES("Sunday, 06-Nov-94 08:49:37 GMT");
    int64_t in_1994 = 784111777;
    int64_t in_2094 =
        in_1994 + 36525 * DAY;             /* 2000 is the only hundredth year between them, and a leap year */
    int64_t limit = in_2094 - 18262 * DAY; /* 06 Nov 2044, the same time of day */
    int64_t unix_s;
    (void)state;
    assert_int_equal(psv_date_parse(text, limit, &unix_s), 0);
    assert_true(unix_s == in_2094);
    assert_int_equal(psv_date_parse(text, limit - 1, &unix_s), 0);
    assert_true(unix_s == in_1994);
    assert_int_equal(psv_date_parse(text, INT64_MAX, &unix_s), 0);
    assert_true(unix_s > INT64_C(253202544000));
    /* there is no 94 before the year 1 */
    assert_int_equal(psv_date_parse(text, INT64_MIN, &unix_s), PSV_ESYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_every_day_of_9999_years),
        cmocka_unit_test(test_formatted_dates_parse_back),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_two_digit_years),
    };
    return cmocka_run_group_tests_name("http/date", tests, NULL, NULL);
}
