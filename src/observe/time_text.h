/* The time stamp of log lines.  Pure: no clock, no locale, no time zone.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#define PSV_TIME_TEXT_LEN 24

/** "2026-01-31T12:00:00.123Z" (RFC 3339, UTC), not terminated.  Years past 9999 are shown as the end of 9999.
 */
void psv_time_format(char out[PSV_TIME_TEXT_LEN], uint64_t unix_us);
