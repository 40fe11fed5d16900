/* The place of a request in a trace (W3C Trace Context): the client's traceparent is continued, or a trace
 * begun; scripts get ours as HTTP_TRACEPARENT, so that what they call is a child of this request.  tracestate
 * passes unchanged.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "http/trace_parent.h"

struct psv_exchange;

struct psv_trace {
    struct psv_trace_parent span;        /* of this request */
    char parent_id[PSV_SPAN_ID_LEN + 1]; /* the client's span; "" = the trace begins here */
    char text[PSV_TRACE_PARENT_LEN + 1]; /* span as a field value */
};

/** Sets exchange->trace, on its arena, and the request's traceparent; leaves both alone without memory.  A
 * trace that begins here is sampled when sampled_ppm of a million says so. */
void psv_trace_begin(struct psv_exchange *exchange, uint32_t sampled_ppm);
