/* The request line (RFC 9112 3), read here and not by llhttp: exactly one blank between its parts, any token
 * as a method, any HTTP/1.x, nothing lenient.  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/bytes.h"
#include "base/macros.h"

struct psv_request_line {
    struct psv_bytes method;
    struct psv_bytes target;
    unsigned minor_version; /* 0, or 1 for every later one (RFC 9110 2.5) */
    unsigned status;        /* on failure: what to answer */
    const char *reason;     /* on failure: static text */
};

/** line: without its line feed.  0, or PSV_ESYNTAX with status and reason. */
MUST_CHECK int psv_request_line_parse(struct psv_bytes line, struct psv_request_line *ret);

/** False once no continuation of these first bytes can be a request line: refuse rubbish without waiting for
 * its end. */
bool psv_request_line_may_begin(struct psv_bytes bytes);
