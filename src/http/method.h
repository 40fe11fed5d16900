/* Request methods, one table (RFC 9110 9, RFC 5789 PATCH, QUERY).
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

/* X(NAME, is_safe, may_have_body) */
#define PSV_METHOD_TABLE(X)                                                                                  \
    X(GET, true, false)                                                                                      \
    X(HEAD, true, false)                                                                                     \
    X(POST, false, true)                                                                                     \
    X(PUT, false, true)                                                                                      \
    X(PATCH, false, true)                                                                                    \
    X(DELETE, false, true)                                                                                   \
    X(OPTIONS, true, true)                                                                                   \
    X(QUERY, true, true)                                                                                     \
    X(TRACE, true, false)                                                                                    \
    X(CONNECT, false, false)

enum psv_method {
#define X(name, safe, body) PSV_METHOD_##name,
    PSV_METHOD_TABLE(X)
#undef X
        PSV_METHOD_OTHER, /* any other token, for instance PROPFIND: runs scripts, never files */
    PSV_METHOD_COUNT
};

/** Case-sensitive, as RFC 9110 9.1 asks; PSV_METHOD_OTHER for every other text. */
enum psv_method psv_method_find(struct psv_bytes text);
/** "GET" ...; "OTHER" for PSV_METHOD_OTHER.  Static. */
const char *psv_method_text(enum psv_method method);
/** RFC 9110 9.2.1: asks for nothing but information. */
bool psv_method_is_safe(enum psv_method method);
/** RFC 9110 9.3: a body means something with this method.  Others may carry one all the same. */
bool psv_method_may_have_body(enum psv_method method);
