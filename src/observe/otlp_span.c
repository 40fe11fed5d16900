/* See otlp_span.h.
 *
 * SPDX-License-Identifier: MIT */
#include "otlp_span.h"

#include <string.h>

#include "base/macros.h"

/* Where each text has its place. */
struct layout {
#define T(id, most) char id[most];
    PSV_OTLP_TEXT_TABLE(T)
#undef T
};
_Static_assert(sizeof(struct layout) == PSV_OTLP_TEXT_BYTES, "the places fill the room");

static const struct {
    uint16_t offset;
    uint16_t most;
} places[PSV_OTLP_TEXT_COUNT] = {
#define T(id, most) [PSV_OTLP_TEXT_##id] = {offsetof(struct layout, id), (most)},
    PSV_OTLP_TEXT_TABLE(T)
#undef T
};

void psv_otlp_span_set_text(struct psv_otlp_span *span, enum psv_otlp_text id, struct psv_bytes text)
{
    size_t len = MIN(text.len, (size_t)places[id].most);

    span->text_len[id] = (uint16_t)len;
    if (len > 0) {
        memcpy(span->texts + places[id].offset, text.data, len);
    }
}

struct psv_bytes psv_otlp_span_text(const struct psv_otlp_span *span, enum psv_otlp_text id)
{
    return (struct psv_bytes){span->texts + places[id].offset, span->text_len[id]};
}
