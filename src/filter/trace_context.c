/* See trace_context.h.
 *
 * SPDX-License-Identifier: MIT */
#include "trace_context.h"

#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "exec/exchange.h"

#define MILLION 1000000u

/* Never all zeros, which would be no id.  Ids tell traces apart and are no secrets: the quick numbers do. */
static void make_id(char *out, size_t len)
{
    uint64_t words[PSV_TRACE_ID_LEN / 16];

    for (size_t i = 0; i < len / 16; i++) {
        words[i] = psv_random_quick_u64();
    }
    words[0] |= 1;
    psv_hex_encode(out, (const uint8_t *)words, len / 2);
    out[len] = '\0';
}

static void begin_or_continue(struct psv_trace *trace, const struct psv_headers *headers, unsigned theirs,
                              uint32_t sampled_ppm)
{
    /* several of them, or a malformed one, are as none: section 4.3 */
    if (theirs == 1 &&
        psv_trace_parent_parse(psv_headers_value(headers, PSV_FIELD_TRACEPARENT), &trace->span)) {
        memcpy(trace->parent_id, trace->span.span_id, sizeof(trace->parent_id));
    } else {
        make_id(trace->span.trace_id, PSV_TRACE_ID_LEN);
        trace->span.flags =
            sampled_ppm > 0 && psv_random_quick_u64() % MILLION < sampled_ppm ? PSV_TRACE_SAMPLED : 0;
    }
    make_id(trace->span.span_id, PSV_SPAN_ID_LEN);
    psv_trace_parent_format(&trace->span, trace->text);
}

static void drop_theirs(struct psv_headers *headers)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < headers->len; i++) {
        if (headers->items[i].id != PSV_FIELD_TRACEPARENT) {
            headers->items[kept++] = headers->items[i];
        }
    }
    headers->len = kept;
}

void psv_trace_begin(struct psv_exchange *exchange, uint32_t sampled_ppm)
{
    struct psv_headers *headers = &exchange->request.headers;
    struct psv_trace *trace = psv_arena_calloc(&exchange->arena, sizeof(*trace));

    if (trace == NULL) {
        return;
    }
    unsigned theirs = psv_headers_count(headers, PSV_FIELD_TRACEPARENT);
    begin_or_continue(trace, headers, theirs, sampled_ppm);
    if (theirs > 0) {
        drop_theirs(headers);
    }
    headers->max_len = MAX(headers->max_len, headers->len + 1);
    if (psv_headers_add_known(headers, &exchange->arena, PSV_FIELD_TRACEPARENT,
                              (struct psv_bytes){trace->text, PSV_TRACE_PARENT_LEN}) == PSV_OK) {
        exchange->trace = trace;
    }
}
