/* Byte ranges (RFC 9110 14).  Pure; any thread.  Only GET has ranges, and preconditions come first: both
 * are the caller's.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct psv_range {
    uint64_t offset;
    uint64_t len; /* at least 1; offset + len <= size */
};

enum psv_range_verdict {
    PSV_RANGE_IGNORED,       /* 200 with everything: no byte-range set, or one that is not worth it */
    PSV_RANGE_PARTIAL,       /* 206 */
    PSV_RANGE_UNSATISFIABLE, /* 416 with psv_range_format_unsatisfied */
};

/** Ranges a request may name when the configuration says nothing else. */
#define PSV_RANGE_DEFAULT_MAX 64

/** Parses a Range field's value against a representation of size bytes.  ranges holds max_ranges; a set
 *  that names more is IGNORED, as is a malformed one.  Ranges that overlap or touch are joined (at the
 *  place of the first of them), so that the result is disjoint and never longer than the representation;
 *  otherwise the order is the client's.  *ret_len is set for PARTIAL. */
enum psv_range_verdict psv_range_parse(struct psv_bytes value, uint64_t size, struct psv_range *ranges,
                                       unsigned max_ranges, unsigned *ret_len);

#define PSV_RANGE_TEXT_MAX 68

/** Values of Content-Range, "bytes 0-499/1234", and for a 416 the same with an asterisk for the range.  out
 *  holds PSV_RANGE_TEXT_MAX bytes; no NUL.  Return the length. */
size_t psv_range_format(char *out, struct psv_range range, uint64_t size);
size_t psv_range_format_unsatisfied(char *out, uint64_t size);
