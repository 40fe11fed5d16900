/* Request bodies: heap, then a mapping; see request_body.h.
 *
 * SPDX-License-Identifier: MIT */
#include "request_body.h"

#include <string.h>

#include "base/error.h"
#include "exec/body_memory.h"
#include "observe/metrics.h"

/* Of the mapping at first; it doubles.  What nobody writes to costs nothing. */
#define SPILL_BYTES_MIN ((uint64_t)256 * 1024)

void psv_request_body_init(struct psv_request_body *body, size_t memory_max, uint64_t max_bytes)
{
    psv_buffer_init(&body->memory, memory_max);
    body->spill = (struct psv_mapping){0};
    body->len = 0;
    body->max_bytes = max_bytes;
    body->read_offset = 0;
}

void psv_request_body_fini(struct psv_request_body *body)
{
    psv_buffer_fini(&body->memory);
    psv_body_memory_close(&body->spill);
    body->len = 0;
    body->read_offset = 0;
}

static bool is_spilled(const struct psv_request_body *body)
{
    return body->spill.data != NULL;
}

/* Moves what is on the heap to a mapping, so that the body is in one place. */
static int spill(struct psv_request_body *body, size_t more)
{
    int code = psv_body_memory_open(&body->spill, (size_t)MAX(body->len + more, SPILL_BYTES_MIN));

    if (code != PSV_OK) {
        return code;
    }
    if (body->memory.len > 0) {
        memcpy(body->spill.data, body->memory.data, body->memory.len);
    }
    psv_buffer_fini(&body->memory);
    psv_metric_inc(PSV_METRIC_BODIES_SPILLED);
    return PSV_OK;
}

/* Makes the mapping hold `more` bytes beyond the body, which fit its limit. */
static int grow_spill(struct psv_request_body *body, size_t more)
{
    uint64_t needed = body->len + more;

    if (needed <= body->spill.capacity) {
        return PSV_OK;
    }
    uint64_t doubled = MIN((uint64_t)body->spill.capacity * 2, body->max_bytes);
    return psv_mapping_grow(&body->spill, (size_t)MAX(needed, doubled));
}

int psv_request_body_append(struct psv_request_body *body, const void *data, size_t len)
{
    int code;

    if (len > body->max_bytes - body->len) {
        return PSV_ELIMIT;
    }
    if (len == 0) {
        return PSV_OK;
    }
    if (!is_spilled(body)) {
        code = psv_buffer_append(&body->memory, data, len);
        if (code == PSV_OK) {
            body->len += len;
            return PSV_OK;
        }
        code = code == PSV_ELIMIT ? spill(body, len) : code;
    } else {
        code = grow_spill(body, len);
    }
    if (code != PSV_OK) {
        return code;
    }
    char *place = body->spill.data + body->len;
    if (data != place) {
        memmove(place, data, len); /* out of the room that was lent, maybe */
    }
    body->len += len;
    return PSV_OK;
}

char *psv_request_body_room(struct psv_request_body *body, size_t len)
{
    if (!is_spilled(body) || len > body->max_bytes - body->len || grow_spill(body, len) != PSV_OK) {
        return NULL;
    }
    return body->spill.data + body->len;
}

/* Reads at most len bytes where they lie. */
static struct psv_bytes read_in_place(struct psv_request_body *body, uint64_t len)
{
    const char *data = is_spilled(body) ? body->spill.data : body->memory.data;
    struct psv_bytes part = {data, (size_t)MIN(len, body->len - body->read_offset)};

    if (part.len > 0) {
        part.data += body->read_offset;
        body->read_offset += part.len;
    }
    return part;
}

size_t psv_request_body_read(struct psv_request_body *body, void *out, size_t len)
{
    struct psv_bytes part = read_in_place(body, len);

    if (part.len > 0) {
        memcpy(out, part.data, part.len);
    }
    return part.len;
}

struct psv_bytes psv_request_body_rest(struct psv_request_body *body)
{
    return read_in_place(body, UINT64_MAX);
}

void psv_request_body_rewind(struct psv_request_body *body)
{
    body->read_offset = 0;
}
