/* Frames a response head as HTTP/1 text.  Pure text: no connection, no allocation.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "http/request.h"
#include "http/response.h"

struct psv_extra_fields; /* http/extra_fields.h */

enum psv_h1_framing {
    PSV_H1_FRAMING_NONE,   /* no body and no length: 204, 304, HEAD of unknown length */
    PSV_H1_FRAMING_LENGTH, /* Content-Length */
    PSV_H1_FRAMING_CHUNKED,
    PSV_H1_FRAMING_CLOSE, /* the end of the connection ends the body (HTTP/1.0) */
};

struct psv_h1_head {
    const struct psv_response *response;
    enum psv_http_version version; /* of the request */
    enum psv_h1_framing framing;
    bool closes;                          /* Connection: close */
    struct psv_bytes date;                /* "Date: ...\r\n" */
    const struct psv_extra_fields *extra; /* unless the response has one of that name; NULL = none */
    struct psv_bytes server;              /* "Server: ...\r\n" or empty */
};

/** Bytes that psv_h1_head_format will need at most. */
size_t psv_h1_head_size(const struct psv_h1_head *head);
/** Writes the head with its empty line; out has psv_h1_head_size bytes.  Returns the length. */
size_t psv_h1_head_format(const struct psv_h1_head *head, char *out);
/** "1f4\r\n" into out (at least 20 bytes); returns the length.  len must not be 0. */
size_t psv_h1_chunk_format(uint64_t len, char *out);
