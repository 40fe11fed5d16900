/* Where a request's body ends, decided in one place from Content-Length and Transfer-Encoding (RFC 9112
 * 6.3).  Stricter than the RFC where leniency would let two servers disagree (request smuggling).  Pure;
 * any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/macros.h"

struct psv_request;

enum psv_body_framing_kind {
    PSV_BODY_FRAMING_NONE,    /* no body; in HTTP/2: none announced, the DATA frames tell */
    PSV_BODY_FRAMING_LENGTH,  /* `length` bytes, which may be 0 */
    PSV_BODY_FRAMING_CHUNKED, /* HTTP/1.1 only */
};

struct psv_body_framing {
    enum psv_body_framing_kind kind;
    uint64_t length;    /* at most INT64_MAX; 0 unless kind is LENGTH */
    unsigned status;    /* on failure 400 or 501; the connection must close afterwards.  0 on success */
    const char *reason; /* on failure: static text for the log.  NULL on success */
};

/** Reads version and headers.  0; PSV_ESYNTAX with status 400; PSV_EUNSUPPORTED with status 501.  *ret is
 *  filled either way. */
MUST_CHECK int psv_body_framing_decide(const struct psv_request *request, struct psv_body_framing *ret);
