/* Calendar arithmetic in UTC and the date formats of fields and logs (RFC 9110 5.6.7, RFC 3339, common log
 * format).  Pure: no clock, no time zone data, no locale; any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"

#define PSV_DATE_IMF_LEN 29 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define PSV_DATE_ISO_LEN 24 /* 1994-11-06T08:49:37.000Z */
#define PSV_DATE_CLF_LEN 26 /* 06/Nov/1994:08:49:37 +0000 */

/** Write exactly that many bytes, no NUL.  Times outside the years 1 to 9999 are moved to the nearer end. */
void psv_date_format_imf(char *out, int64_t unix_s);
void psv_date_format_iso(char *out, int64_t unix_ms);
void psv_date_format_clf(char *out, int64_t unix_s);

/** IMF-fixdate, RFC 850 and asctime form.  reference_unix_s: now, or a time near it, settles two-digit
 *  years: a date more than 50 years after it belongs to the century before.  PSV_ESYNTAX for anything else
 *  (a weekday that does not fit is let pass). */
MUST_CHECK int psv_date_parse(struct psv_bytes text, int64_t reference_unix_s, int64_t *ret_unix_s);
