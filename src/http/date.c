/* Dates in UTC: calendar arithmetic, formatting, parsing (RFC 9110 5.6.7).  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "date.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/macros.h"

#define SECONDS_PER_DAY INT64_C(86400)
/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z */
#define EARLIEST_UNIX_S INT64_C(-62135596800)
#define LATEST_UNIX_S INT64_C(253402300799)

/* A moment, taken apart.  All values are in their calendar range. */
struct calendar {
    int year;  /* 1..9999 */
    int month; /* 1..12 */
    int day;
    int hour;
    int minute;
    int second;
    int weekday; /* 0 = Sunday */
};

static const char weekdays[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 0001-01-01 to the first of January of year. */
static int64_t days_before_year(int year)
{
    int64_t past = year - 1;

    return past * 365 + past / 4 - past / 100 + past / 400;
}

#define DAYS_BEFORE_1970 INT64_C(719162) /* days_before_year(1970) */

static struct calendar calendar_of(int64_t unix_s)
{
    struct calendar c = {.month = 1};
    int64_t since = MIN(MAX(unix_s, EARLIEST_UNIX_S), LATEST_UNIX_S) - EARLIEST_UNIX_S;
    int64_t day = since / SECONDS_PER_DAY;
    int second = (int)(since % SECONDS_PER_DAY);

    c.hour = second / 3600;
    c.minute = second / 60 % 60;
    c.second = second % 60;
    c.weekday = (int)((day + 1) % 7); /* 0001-01-01 was a Monday */
    /* 400 years have 146097 days: the estimate is right or one year early */
    c.year = (int)(day * 400 / 146097) + 1;
    if (day >= days_before_year(c.year + 1)) {
        c.year++;
    }
    day -= days_before_year(c.year);
    while (day >= days_in_month(c.year, c.month)) {
        day -= days_in_month(c.year, c.month);
        c.month++;
    }
    c.day = (int)day + 1;
    return c;
}

static int64_t unix_of(const struct calendar *c)
{
    int64_t day = days_before_year(c->year) - DAYS_BEFORE_1970 + c->day - 1;

    for (int month = 1; month < c->month; month++) {
        day += days_in_month(c->year, month);
    }
    return day * SECONDS_PER_DAY + c->hour * 3600 + c->minute * 60 + c->second;
}

/* ---- formatting */

static char *put_digits(char *out, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + digits;
}

static char *put_text(char *out, const char *text, size_t len)
{
    memcpy(out, text, len);
    return out + len;
}

static char *put_time(char *out, const struct calendar *c)
{
    out = put_digits(out, c->hour, 2);
    *out++ = ':';
    out = put_digits(out, c->minute, 2);
    *out++ = ':';
    return put_digits(out, c->second, 2);
}

void psv_date_format_imf(char *out, int64_t unix_s)
{
    struct calendar c = calendar_of(unix_s);

    out = put_text(out, weekdays[c.weekday], 3);
    out = put_text(out, ", ", 2);
    out = put_digits(out, c.day, 2);
    *out++ = ' ';
    out = put_text(out, months[c.month - 1], 3);
    *out++ = ' ';
    out = put_digits(out, c.year, 4);
    *out++ = ' ';
    out = put_time(out, &c);
    (void)put_text(out, " GMT", 4);
}

void psv_date_format_iso(char *out, int64_t unix_ms)
{
    int milliseconds = (int)(unix_ms % 1000);
    int64_t unix_s = unix_ms / 1000;
    struct calendar c;

    if (milliseconds < 0) {
        milliseconds += 1000;
        unix_s--;
    }
    c = calendar_of(unix_s);
    out = put_digits(out, c.year, 4);
    *out++ = '-';
    out = put_digits(out, c.month, 2);
    *out++ = '-';
    out = put_digits(out, c.day, 2);
    *out++ = 'T';
    out = put_time(out, &c);
    *out++ = '.';
    out = put_digits(out, milliseconds, 3);
    *out = 'Z';
}

void psv_date_format_clf(char *out, int64_t unix_s)
{
    struct calendar c = calendar_of(unix_s);

    out = put_digits(out, c.day, 2);
    *out++ = '/';
    out = put_text(out, months[c.month - 1], 3);
    *out++ = '/';
    out = put_digits(out, c.year, 4);
    *out++ = ':';
    out = put_time(out, &c);
    (void)put_text(out, " +0000", 6);
}

/* ---- parsing: each step takes its text from the front, and a failure sticks */

struct reader {
    struct psv_bytes rest;
    bool has_failed;
};

static void take_text(struct reader *reader, struct psv_bytes text)
{
    if (!psv_bytes_starts_with(reader->rest, text)) {
        reader->has_failed = true;
        return;
    }
    reader->rest = psv_bytes_from(reader->rest, text.len);
}

static int take_digits(struct reader *reader, size_t digits)
{
    int value = 0;

    if (reader->rest.len < digits) {
        reader->has_failed = true;
        return 0;
    }
    for (size_t i = 0; i < digits; i++) {
        if (!psv_ascii_is_digit(reader->rest.data[i])) {
            reader->has_failed = true;
            return 0;
        }
        value = value * 10 + (reader->rest.data[i] - '0');
    }
    reader->rest = psv_bytes_from(reader->rest, digits);
    return value;
}

/* Index of the three-letter name at the front. */
static int take_name(struct reader *reader, const char (*names)[4], int names_len)
{
    for (int i = 0; i < names_len; i++) {
        if (psv_bytes_starts_with(reader->rest, (struct psv_bytes){names[i], 3})) {
            reader->rest = psv_bytes_from(reader->rest, 3);
            return i;
        }
    }
    reader->has_failed = true;
    return 0;
}

static void take_time(struct reader *reader, struct calendar *c)
{
    c->hour = take_digits(reader, 2);
    take_text(reader, PSV_BYTES(":"));
    c->minute = take_digits(reader, 2);
    take_text(reader, PSV_BYTES(":"));
    c->second = take_digits(reader, 2);
}

/* 06 Nov 1994 08:49:37 GMT, behind "Sun, " */
static void take_imf(struct reader *reader, struct calendar *c)
{
    c->day = take_digits(reader, 2);
    take_text(reader, PSV_BYTES(" "));
    c->month = take_name(reader, months, 12) + 1;
    take_text(reader, PSV_BYTES(" "));
    c->year = take_digits(reader, 4);
    take_text(reader, PSV_BYTES(" "));
    take_time(reader, c);
    take_text(reader, PSV_BYTES(" GMT"));
}

/* day, 06-Nov-94 08:49:37 GMT, behind "Sun"; the year keeps its two digits */
static void take_rfc850(struct reader *reader, struct calendar *c)
{
    static const char *const endings[7] = {"day, ",   "day, ", "sday, ", "nesday, ",
                                           "rsday, ", "day, ", "urday, "};

    take_text(reader, psv_bytes_of(endings[c->weekday]));
    c->day = take_digits(reader, 2);
    take_text(reader, PSV_BYTES("-"));
    c->month = take_name(reader, months, 12) + 1;
    take_text(reader, PSV_BYTES("-"));
    c->year = take_digits(reader, 2);
    take_text(reader, PSV_BYTES(" "));
    take_time(reader, c);
    take_text(reader, PSV_BYTES(" GMT"));
}

/* Nov  6 08:49:37 1994, behind "Sun " */
static void take_asctime(struct reader *reader, struct calendar *c)
{
    c->month = take_name(reader, months, 12) + 1;
    take_text(reader, PSV_BYTES(" "));
    if (psv_bytes_starts_with(reader->rest, PSV_BYTES(" "))) {
        take_text(reader, PSV_BYTES(" "));
        c->day = take_digits(reader, 1);
    } else {
        c->day = take_digits(reader, 2);
    }
    take_text(reader, PSV_BYTES(" "));
    take_time(reader, c);
    take_text(reader, PSV_BYTES(" "));
    c->year = take_digits(reader, 4);
}

/* A second of 60 is a leap second and becomes the next minute's first. */
static bool is_in_range(const struct calendar *c)
{
    return c->year >= 1 && c->day >= 1 && c->day <= days_in_month(c->year, c->month) && c->hour <= 23 &&
           c->minute <= 59 && c->second <= 60;
}

/* RFC 9110 5.6.7: the newest year with these two digits that is not more than 50 years ahead. */
static void complete_year(struct calendar *c, int64_t reference_unix_s)
{
    struct calendar limit = calendar_of(reference_unix_s);
    int64_t latest;

    limit.year = MIN(limit.year + 50, 9999);
    limit.day = MIN(limit.day, days_in_month(limit.year, limit.month));
    latest = unix_of(&limit);
    c->year += limit.year / 100 * 100;
    if (c->year > limit.year || (c->year == limit.year && unix_of(c) > latest)) {
        c->year -= 100;
    }
}

int psv_date_parse(struct psv_bytes text, int64_t reference_unix_s, int64_t *ret_unix_s)
{
    struct reader reader = {.rest = text};
    struct calendar c = {0};

    c.weekday = take_name(&reader, weekdays, 7);
    if (psv_bytes_starts_with(reader.rest, PSV_BYTES(", "))) {
        take_text(&reader, PSV_BYTES(", "));
        take_imf(&reader, &c);
    } else if (psv_bytes_starts_with(reader.rest, PSV_BYTES(" "))) {
        take_text(&reader, PSV_BYTES(" "));
        take_asctime(&reader, &c);
    } else {
        take_rfc850(&reader, &c);
        if (!reader.has_failed) {
            complete_year(&c, reference_unix_s);
        }
    }
    if (reader.has_failed || reader.rest.len > 0 || !is_in_range(&c)) {
        return PSV_ESYNTAX;
    }
    *ret_unix_s = unix_of(&c);
    return 0;
}
