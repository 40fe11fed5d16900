/* Field names that the server itself understands, one table (RFC 9110 and friends).
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

/* X(ID, "canonical spelling") */
#define PSV_FIELD_TABLE(X)                                                                                   \
    X(ACCEPT, "Accept")                                                                                      \
    X(ACCEPT_ENCODING, "Accept-Encoding")                                                                    \
    X(ACCEPT_RANGES, "Accept-Ranges")                                                                        \
    X(ALLOW, "Allow")                                                                                        \
    X(AUTHORIZATION, "Authorization")                                                                        \
    X(CACHE_CONTROL, "Cache-Control")                                                                        \
    X(CONNECTION, "Connection")                                                                              \
    X(CONTENT_ENCODING, "Content-Encoding")                                                                  \
    X(CONTENT_LENGTH, "Content-Length")                                                                      \
    X(CONTENT_RANGE, "Content-Range")                                                                        \
    X(CONTENT_TYPE, "Content-Type")                                                                          \
    X(COOKIE, "Cookie")                                                                                      \
    X(DATE, "Date")                                                                                          \
    X(ETAG, "ETag")                                                                                          \
    X(EXPECT, "Expect")                                                                                      \
    X(FORWARDED, "Forwarded")                                                                                \
    X(HOST, "Host")                                                                                          \
    X(IF_MATCH, "If-Match")                                                                                  \
    X(IF_MODIFIED_SINCE, "If-Modified-Since")                                                                \
    X(IF_NONE_MATCH, "If-None-Match")                                                                        \
    X(IF_RANGE, "If-Range")                                                                                  \
    X(IF_UNMODIFIED_SINCE, "If-Unmodified-Since")                                                            \
    X(KEEP_ALIVE, "Keep-Alive")                                                                              \
    X(LAST_MODIFIED, "Last-Modified")                                                                        \
    X(LOCATION, "Location")                                                                                  \
    X(PROXY, "Proxy")                                                                                        \
    X(PROXY_CONNECTION, "Proxy-Connection")                                                                  \
    X(RANGE, "Range")                                                                                        \
    X(REFERER, "Referer")                                                                                    \
    X(RETRY_AFTER, "Retry-After")                                                                            \
    X(SERVER, "Server")                                                                                      \
    X(SET_COOKIE, "Set-Cookie")                                                                              \
    X(STATUS, "Status")                                                                                      \
    X(STRICT_TRANSPORT_SECURITY, "Strict-Transport-Security")                                                \
    X(TE, "TE")                                                                                              \
    X(TRACEPARENT, "Traceparent")                                                                            \
    X(TRAILER, "Trailer")                                                                                    \
    X(TRANSFER_ENCODING, "Transfer-Encoding")                                                                \
    X(UPGRADE, "Upgrade")                                                                                    \
    X(USER_AGENT, "User-Agent")                                                                              \
    X(VARY, "Vary")                                                                                          \
    X(X_ACCEL_REDIRECT, "X-Accel-Redirect")                                                                  \
    X(X_REQUEST_ID, "X-Request-Id")                                                                          \
    X(X_SENDFILE, "X-Sendfile")

enum psv_field_id {
    PSV_FIELD_UNKNOWN,
#define X(id, text) PSV_FIELD_##id,
    PSV_FIELD_TABLE(X)
#undef X
        PSV_FIELD_COUNT
};

/** ASCII case-insensitive; PSV_FIELD_UNKNOWN for every other name.  Hot path: no loop over the table. */
enum psv_field_id psv_field_find(struct psv_bytes name);
/** Canonical spelling; "" for UNKNOWN.  Static. */
struct psv_bytes psv_field_name(enum psv_field_id id);

/** RFC 9110 5.1: a non-empty token. */
bool psv_field_name_is_valid(struct psv_bytes name);
/** RFC 9110 5.5: no CR, LF, NUL nor other control byte but HTAB; no blank at either end is required. */
bool psv_field_value_is_valid(struct psv_bytes value);
