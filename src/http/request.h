/* A request as its fields say it, whatever the protocol version was.  Text lives on the exchange's arena.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "http/headers.h"
#include "http/method.h"

enum psv_http_version { PSV_HTTP_1_0, PSV_HTTP_1_1, PSV_HTTP_2, PSV_HTTP_VERSION_COUNT };

struct psv_request {
    enum psv_method method;
    enum psv_http_version version;
    bool is_https;
    bool has_body;          /* a Content-Length above 0 or a Transfer-Encoding was announced */
    int64_t content_length; /* announced by the client; -1 when absent (chunked or none) */
    struct psv_bytes method_text;
    struct psv_bytes target; /* as received, in origin-form: an absolute one has lost scheme and authority */
    struct psv_bytes raw_path;  /* part of target before '?', still percent-encoded */
    struct psv_bytes path;      /* decoded once, dot segments removed, begins with '/', no NUL */
    struct psv_bytes query;     /* after '?', without it; data is NULL when there was no '?' */
    struct psv_bytes authority; /* Host field, or authority of the target; "" in HTTP/1.0 without Host */
    struct psv_bytes host;      /* authority without port */
    uint16_t port;              /* from the authority; 0 when it names none */
    struct psv_headers headers;
};

/** "HTTP/1.0", "HTTP/1.1", "HTTP/2.0": what CGI calls SERVER_PROTOCOL.  Static. */
const char *psv_http_version_text(enum psv_http_version version);
