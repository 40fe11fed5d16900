/* One request as a span of OpenTelemetry, on its way to the exporter: filled by the loop, read by the
 * exporter's thread.  A fixed size, all texts inside: no allocation for a request.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define PSV_OTLP_TRACE_ID_LEN 32
#define PSV_OTLP_SPAN_ID_LEN 16

/* T(ID, most bytes): the rest of a longer text is left out. */
#define PSV_OTLP_TEXT_TABLE(T)                                                                               \
    T(METHOD, 32)                                                                                            \
    T(PATH, 512)                                                                                             \
    T(SERVER_ADDRESS, 128)                                                                                   \
    T(CLIENT_ADDRESS, 46)                                                                                    \
    T(USER_AGENT, 256)                                                                                       \
    T(TRACE_STATE, 512)                                                                                      \
    T(SCRIPT, 256)                                                                                           \
    T(REQUEST_ID, 64)                                                                                        \
    T(SITE, 64)

enum psv_otlp_text {
#define T(id, most) PSV_OTLP_TEXT_##id,
    PSV_OTLP_TEXT_TABLE(T)
#undef T
        PSV_OTLP_TEXT_COUNT
};

enum {
#define T(id, most) +(most)
    PSV_OTLP_TEXT_BYTES = PSV_OTLP_TEXT_TABLE(T)
#undef T
};

struct psv_otlp_span {
    char trace_id[PSV_OTLP_TRACE_ID_LEN];
    char span_id[PSV_OTLP_SPAN_ID_LEN];
    char parent_id[PSV_OTLP_SPAN_ID_LEN];
    bool has_parent; /* the client's, on another machine */
    uint8_t flags;   /* of the trace (W3C) */
    bool is_https;
    bool is_known_method; /* else METHOD is some client's invention */
    uint16_t status;      /* 0 = none was sent */
    uint16_t server_port;
    uint16_t client_port;   /* 0 = not known */
    unsigned worker_plus_1; /* 0 = none */
    const char *protocol;   /* "1.1"; static */
    const char *refusal;    /* static, or NULL */
    const char *error_type; /* static, or NULL: then the status says it */
    uint64_t body_bytes;    /* of the response */
    /* monotonic; a part whose end is 0 has not been */
    uint64_t begin_ns;
    uint64_t end_ns;
    uint64_t queue_begin_ns;
    uint64_t queue_end_ns;
    uint64_t run_begin_ns;
    uint64_t run_end_ns;
    uint16_t text_len[PSV_OTLP_TEXT_COUNT];
    char texts[PSV_OTLP_TEXT_BYTES]; /* each at its own place */
};

/** Keeps as much of text as there is room for. */
void psv_otlp_span_set_text(struct psv_otlp_span *span, enum psv_otlp_text id, struct psv_bytes text);
struct psv_bytes psv_otlp_span_text(const struct psv_otlp_span *span, enum psv_otlp_text id);
