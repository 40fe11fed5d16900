/* Spans as an ExportTraceServiceRequest of OTLP 1.x in its JSON encoding (opentelemetry-proto, "JSON Protobuf
 * Encoding"; attributes by the semantic conventions for HTTP, 1.23 or newer).  Pure; [any].
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "observe/otlp_span.h"

struct psv_buffer;

/** The resource, {"attributes":[...]}: host.name, process.pid, the attributes ("key=value,key=value", values
 * percent-encoded), and service.name: service_name, else that of the attributes, else "phpsrv".  PSV_EINVAL
 * with a sentence about the attributes; PSV_ENOMEM, PSV_ELIMIT. */
MUST_CHECK int psv_otlp_json_resource(struct psv_buffer *out, const char *service_name,
                                      const char *attributes, struct psv_error *reterr);

/** What comes before and after the spans of a batch.  PSV_ENOMEM, PSV_ELIMIT. */
MUST_CHECK int psv_otlp_json_begin(struct psv_buffer *out, struct psv_bytes resource, const char *version);
MUST_CHECK int psv_otlp_json_end(struct psv_buffer *out);
/** The request's span and its children; a comma before them unless is_first.  unix_minus_monotonic_ns: what
 * turns the span's times into wall-clock times. */
MUST_CHECK int psv_otlp_json_span(struct psv_buffer *out, const struct psv_otlp_span *span,
                                  int64_t unix_minus_monotonic_ns, bool is_first);

/** rejectedSpans of an ExportTraceServiceResponse: how many of them the collector did not want; 0 when the
 * answer says nothing of the kind, whatever it is. */
uint64_t psv_otlp_json_rejected(struct psv_bytes answer);
