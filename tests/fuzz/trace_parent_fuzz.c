/* Fuzz target of http/trace_parent.c.  Input: a traceparent value.  Oracles: what is taken has the form that
 * it promises, and is taken again when it is written.
 *
 * SPDX-License-Identifier: MIT */
#include "http_oracle.h"

#include "http/trace_parent.h"

static void check_id(const char *id, size_t len)
{
    ORACLE(strlen(id) == len && strspn(id, "0123456789abcdef") == len && strspn(id, "0") < len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psv_trace_parent parent;
    struct psv_trace_parent again;
    char text[PSV_TRACE_PARENT_LEN + 1];

    if (!psv_trace_parent_parse((struct psv_bytes){(const char *)data, size}, &parent)) {
        return 0;
    }
    ORACLE(size >= PSV_TRACE_PARENT_LEN);
    check_id(parent.trace_id, PSV_TRACE_ID_LEN);
    check_id(parent.span_id, PSV_SPAN_ID_LEN);
    psv_trace_parent_format(&parent, text);
    ORACLE(psv_trace_parent_parse(psv_bytes_of(text), &again));
    ORACLE(memcmp(&parent, &again, sizeof(parent)) == 0);
    return 0;
}
