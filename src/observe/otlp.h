/* The exporter of spans: a bounded queue and a thread that sends what is in it to a collector, in batches, by
 * OTLP over HTTP.  Who hands a span in never waits: without room it is dropped and counted.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "observe/otlp_span.h"

struct psv_otlp;

struct psv_otlp_options {
    const char *endpoint;
    const char *const *headers; /* "Name: value" */
    size_t headers_len;
    const char *service_name; /* "" = of the attributes, or "phpsrv" */
    const char *resource_attributes;
    const char *ca_file;
    const char *version; /* of this program */
    size_t queue_requests;
    uint64_t delay_ms;
    uint64_t timeout_ms;
    bool gzip;
};

/** Checks what can be wrong with the options without starting anything.  PSV_EINVAL with a sentence.  [boot]
 */
MUST_CHECK int psv_otlp_check(const struct psv_otlp_options *options, struct psv_error *reterr);
/** Starts the thread; the options' texts must live as long as it.  PSV_EINVAL, PSV_ENOMEM, PSV_ELIMIT. [boot]
 */
MUST_CHECK int psv_otlp_start(const struct psv_otlp_options *options, struct psv_otlp **ret,
                              struct psv_error *reterr);
/** Sends what waits, for some seconds at most; the rest is dropped and counted.  Nobody hands in spans any
 * more. Takes otlp; accepts NULL.  False: its thread hangs inside a library, and goes on to use it: the
 * process must end by _exit, since exit() tears OpenSSL down.  [boot] */
MUST_CHECK bool psv_otlp_stop(struct psv_otlp *otlp);

/** A span to be filled, of no known content, and handed back by push; NULL: there is no room, which was
 * counted. [any] */
struct psv_otlp_span *psv_otlp_take(struct psv_otlp *otlp);
void psv_otlp_push(struct psv_otlp *otlp, struct psv_otlp_span *span);
