/* The exporter's requests: POST with libcurl over one kept connection, plain or TLS.  The exporter's thread
 * only (open and close also at [boot]).  Knows nothing of spans.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"

struct psv_otlp_http;

struct psv_otlp_http_options {
    const char *url;
    const char *const *headers; /* "Name: value" */
    size_t headers_len;
    const char *ca_file; /* "" = the system's */
    const char *version;
    uint64_t timeout_ms;
    bool gzip;
    /** Asked at least once a second while a request runs: true ends it. */
    bool (*is_cancelled)(void *context);
    void *context;
};

enum psv_otlp_outcome {
    PSV_OTLP_ACCEPTED,
    PSV_OTLP_TRY_AGAIN, /* no connection, a timeout, 429, 502, 503, 504 */
    PSV_OTLP_REFUSED,   /* any other answer */
};

struct psv_otlp_answer {
    enum psv_otlp_outcome outcome;
    unsigned status;         /* 0 = no answer came */
    uint64_t retry_after_ms; /* 0 = it said nothing */
    uint64_t rejected;       /* spans, of an accepted batch */
    char reason[160];        /* what was wrong; "" when nothing was */
};

/** PSV_EINVAL with a sentence (URL, headers), PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_otlp_http_open(const struct psv_otlp_http_options *options, struct psv_otlp_http **ret,
                                  struct psv_error *reterr);
/** Returns NULL; accepts NULL. */
struct psv_otlp_http *psv_otlp_http_close(struct psv_otlp_http *http);

/** Sends one body and waits for the answer. */
void psv_otlp_http_post(struct psv_otlp_http *http, struct psv_bytes body, struct psv_otlp_answer *ret);

/** "7.88.1"; static. */
const char *psv_otlp_http_library_version(void);
