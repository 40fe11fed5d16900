/* Unix time to calendar text for log lines.  Any thread; pure.  (http/date is out of reach of this floor.)
 *
 * SPDX-License-Identifier: MIT */
#include "time_text.h"

#include <string.h>

#include "base/macros.h"

#define SECONDS_PER_DAY 86400u
#define LAST_SECOND UINT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static void put_digits(char *out, uint64_t value, unsigned count)
{
    while (count > 0) {
        out[--count] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* Gregorian date of a day number.  Years are counted from March 1 of year 0, so that the leap day is the last
 * of its year; 400 years have 146097 days. */
static void date_of_day(uint64_t days_since_1970, uint64_t *ret_year, uint64_t *ret_month, uint64_t *ret_day)
{
    uint64_t days = days_since_1970 + 719468; /* from 0000-03-01 to 1970-01-01 */
    uint64_t era = days / 146097;
    uint64_t day_of_era = days % 146097;
    uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t month_from_march = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    *ret_month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    *ret_year = era * 400 + year_of_era + (*ret_month <= 2 ? 1 : 0);
}

void psv_time_format(char out[PSV_TIME_TEXT_LEN], uint64_t unix_us)
{
    uint64_t seconds = unix_us / 1000000;
    uint64_t milliseconds = unix_us / 1000 % 1000;
    if (seconds > LAST_SECOND) {
        seconds = LAST_SECOND;
        milliseconds = 999;
    }
    uint64_t year, month, day;
    date_of_day(seconds / SECONDS_PER_DAY, &year, &month, &day);
    uint64_t second_of_day = seconds % SECONDS_PER_DAY;
    memcpy(out, "0000-00-00T00:00:00.000Z", PSV_TIME_TEXT_LEN);
    put_digits(out, year, 4);
    put_digits(out + 5, month, 2);
    put_digits(out + 8, day, 2);
    put_digits(out + 11, second_of_day / 3600, 2);
    put_digits(out + 14, second_of_day / 60 % 60, 2);
    put_digits(out + 17, second_of_day % 60, 2);
    put_digits(out + 20, milliseconds, 3);
}
