/* Fuzz target of observe/otlp_json.c.  Input: what a collector answers, and at once the text of a resource's
 * attributes and of a client.  Oracle: what is written is valid JSON; sanitizers see to the rest.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "http_oracle.h"
#include "json_check.h"

#include "base/buffer.h"
#include "observe/otlp_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psv_bytes input = {(const char *)data, size};
    struct psv_otlp_span span = {.protocol = "2", .queue_end_ns = 1, .run_end_ns = 1};
    struct psv_buffer out;
    char *copy = malloc(size + 1);

    psv_buffer_init(&out, 1 << 20);
    if (size > 0)
        memcpy(copy, data, size);
    (void)psv_otlp_json_rejected((struct psv_bytes){copy, size});
    copy[size] = '\0';
    if (psv_otlp_json_resource(&out, "", copy, NULL) == PSV_OK)
        ORACLE(json_is_valid(out.data, out.len));
    free(copy);
    psv_buffer_clear(&out);
    memset(span.trace_id, '1', sizeof(span.trace_id));
    memset(span.span_id, '1', sizeof(span.span_id));
    for (int i = 0; i < PSV_OTLP_TEXT_COUNT; i++)
        psv_otlp_span_set_text(&span, (enum psv_otlp_text)i, input);
    ORACLE(psv_otlp_json_span(&out, &span, 0, true) == PSV_OK);
    ORACLE(psv_buffer_append_byte(&out, ']') == PSV_OK);
    char *list = malloc(out.len + 1);
    list[0] = '[';
    memcpy(list + 1, out.data, out.len);
    ORACLE(json_is_valid(list, out.len + 1));
    free(list);
    psv_buffer_fini(&out);
    return 0;
}
