/* The Connection field (RFC 9110 7.6.1): options, and whether the connection persists.  Not the connection
 * itself: that is net/connection.h.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "http/headers.h"
#include "http/request.h"

/** Where a walk over the options of all Connection fields stands; start from {0}. */
struct psv_connection_options {
    unsigned next_field;
    struct psv_bytes rest;
};

/** The next option as written; false at the end.  What is not a token is skipped. */
bool psv_connection_option_next(const struct psv_headers *headers, struct psv_connection_options *options,
                                struct psv_bytes *ret_option);

/** ASCII case-insensitive: also tells whether a field of this name is meant for this hop only. */
bool psv_connection_option_is_set(const struct psv_headers *headers, struct psv_bytes option);

/** RFC 9112 9.3 for what the client asks: "close" wins, HTTP/1.1 persists, HTTP/1.0 only with "keep-alive".
 *  HTTP/2: true. */
bool psv_connection_persists(const struct psv_request *request);
