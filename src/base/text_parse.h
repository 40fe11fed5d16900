/* Strict conversions between text and numbers, sizes and durations.  Nothing is skipped, nothing may follow.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"

/** Decimal digits only (no sign, no blank): 0, PSV_ESYNTAX, PSV_ERANGE above UINT64_MAX. */
MUST_CHECK int psv_parse_u64(struct psv_bytes text, uint64_t *ret_value);
/** Hexadecimal digits only, at most 16 (PSV_ERANGE above, leading zeros included). */
MUST_CHECK int psv_parse_hex(struct psv_bytes text, uint64_t *ret_value);
/** "64", "64k", "64K", "64KiB", "16m", "1g", "2t" (powers of 1024) -> bytes. */
MUST_CHECK int psv_parse_size(struct psv_bytes text, uint64_t *ret_bytes);
/** "250ms", "5s", "2m", "1h", "1d", "1w", "0", bare number = seconds, also "1.5s" -> milliseconds.
 *  PSV_ERANGE for what is no whole number of milliseconds. */
MUST_CHECK int psv_parse_duration(struct psv_bytes text, uint64_t *ret_ms);
/** "true"/"false", "on"/"off", "yes"/"no", "1"/"0", case-insensitive. */
MUST_CHECK int psv_parse_bool(struct psv_bytes text, bool *ret_value);

/** Shortest exact form that psv_parse_size / _duration read back ("64K", "1500ms", "2m"), with NUL.
 *  Returns its length; 0 when it does not fit (24 bytes always suffice). */
size_t psv_format_size(char *out, size_t out_size, uint64_t bytes);
size_t psv_format_duration(char *out, size_t out_size, uint64_t ms);

/** Decimal digits without terminating NUL; out holds at least 20 bytes.  Returns the length.  Hot path. */
size_t psv_format_u64(char *out, uint64_t value);

/** The same with a sign where there is one; out holds at least 20 bytes. */
size_t psv_format_i64(char *out, int64_t value);
/** Lower-case hexadecimal digits without leading zeros and without NUL; out holds at least 16 bytes. */
size_t psv_format_hex(char *out, uint64_t value);

/** Edit distance for "did you mean"; swapped neighbours count once; inputs up to 64 bytes, else UINT_MAX. */
unsigned psv_edit_distance(struct psv_bytes a, struct psv_bytes b);
