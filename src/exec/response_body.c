/* Response bodies while a worker writes them: small writes are joined in memory; past the threshold
 * everything moves to a memory file, and the memory becomes its write buffer.  [worker]; the loop only frees.
 * Knows nothing of HTTP.
 *
 * SPDX-License-Identifier: MIT */
#include "response_body.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "exec/body_memory.h"
#include "exec/response_memory.h"
#include "os/fd.h"

/* Smallest write to the memory file but for the last one. */
#define CHUNK_BYTES ((size_t)64 * 1024)
/* First heap block: what does not fit inline is rarely much smaller. */
#define HEAP_BYTES_MIN ((size_t)8 * 1024)
/* What is larger gets a mapping. */
#define HEAP_BYTES_MAX ((size_t)128 * 1024)

void psv_response_body_init(struct psv_response_body *body, char *inline_memory, size_t inline_capacity,
                            size_t memory_max)
{
    *body = (struct psv_response_body){
        .memory = inline_memory,
        .memory_capacity = inline_memory != NULL ? MIN(inline_capacity, memory_max) : 0,
        .fd = -1,
        .memory_max = memory_max,
    };
}

static void drop_memory(struct psv_response_body *body)
{
    if (body->memory_is_heap) {
        psv_free(body->memory);
    }
    psv_body_memory_close(&body->mapping);
    body->memory = NULL;
    body->memory_len = 0;
    body->memory_capacity = 0;
    body->memory_is_heap = false;
}

void psv_response_body_fini(struct psv_response_body *body)
{
    drop_memory(body);
    body->fd = psv_fd_close(body->fd);
    body->fd_len = 0;
}

/* The memory becomes a mapping of `capacity` bytes or more, with what is in it. */
static int move_to_mapping(struct psv_response_body *body, size_t capacity)
{
    struct psv_mapping mapping = body->mapping;
    bool is_first = mapping.data == NULL;
    size_t len = body->memory_len;
    int code = is_first ? psv_body_memory_open(&mapping, capacity) : psv_mapping_grow(&mapping, capacity);

    if (code != PSV_OK) {
        return code;
    }
    if (is_first) {
        if (len > 0) {
            memcpy(mapping.data, body->memory, len);
        }
        drop_memory(body);
        body->memory_len = len;
    }
    body->mapping = mapping;
    body->memory = mapping.data;
    /* the mapping may be larger: it has whole pages, or was kept */
    body->memory_capacity = MIN(mapping.capacity, body->memory_max);
    return PSV_OK;
}

/* The memory becomes a heap block of `capacity` bytes, with what is in it. */
static int move_to_heap(struct psv_response_body *body, size_t capacity)
{
    char *memory = psv_realloc(body->memory_is_heap ? body->memory : NULL, capacity);

    if (memory == NULL) {
        return PSV_ENOMEM;
    }
    if (!body->memory_is_heap && body->memory_len > 0) {
        memcpy(memory, body->memory, body->memory_len);
    }
    psv_body_memory_close(&body->mapping);
    body->memory = memory;
    body->memory_capacity = capacity;
    body->memory_is_heap = true;
    return PSV_OK;
}

/* Makes the memory hold `capacity` bytes and keeps what is in it. */
static int grow_memory(struct psv_response_body *body, size_t capacity)
{
    return capacity > HEAP_BYTES_MAX ? move_to_mapping(body, capacity) : move_to_heap(body, capacity);
}

static int write_file(struct psv_response_body *body, const char *data, size_t len)
{
    if (len == 0) {
        return PSV_OK;
    }
    /* at an offset: what a failed write left behind is written over or never sent */
    if (psv_fd_pwrite_all(body->fd, data, len, body->fd_len) != PSV_OK) {
        return PSV_EIO;
    }
    body->fd_len += len;
    return PSV_OK;
}

static int flush_memory(struct psv_response_body *body)
{
    int code = write_file(body, body->memory, body->memory_len);

    if (code == PSV_OK) {
        body->memory_len = 0;
    }
    return code;
}

static int start_file(struct psv_response_body *body)
{
    int code = body->memory_capacity < CHUNK_BYTES ? grow_memory(body, CHUNK_BYTES) : PSV_OK;

    if (code != PSV_OK) {
        return code;
    }
    int fd = psv_response_memory_open();
    if (fd < 0) {
        return fd == PSV_ENOMEM ? PSV_ENOMEM : PSV_EIO;
    }
    body->fd = fd;
    code = body->memory_len > HEAP_BYTES_MAX ? flush_memory(body) : PSV_OK;
    if (code == PSV_OK) {
        /* of a mapping, from here on, what stays in the processor's cache */
        body->memory_capacity = MIN(body->memory_capacity, HEAP_BYTES_MAX);
    }
    return code;
}

/* Fills the buffer up, so that each write to the file is a whole buffer or more. */
static int append_to_file(struct psv_response_body *body, const char *data, size_t len)
{
    size_t first = MIN(len, body->memory_capacity - body->memory_len);

    memcpy(body->memory + body->memory_len, data, first);
    body->memory_len += first;
    if (first == len) {
        return PSV_OK;
    }
    int code = flush_memory(body);
    data += first;
    len -= first;
    if (code == PSV_OK && len >= body->memory_capacity) {
        code = write_file(body, data, len);
        len = 0;
    }
    if (code == PSV_OK && len > 0) {
        memcpy(body->memory, data, len);
        body->memory_len = len;
    }
    return code;
}

int psv_response_body_append(struct psv_response_body *body, const void *data, size_t len)
{
    int code = PSV_OK;

    if (len == 0) {
        return PSV_OK;
    }
    if (body->fd < 0 && len > body->memory_max - body->memory_len) {
        code = start_file(body);
        if (code != PSV_OK) {
            return code;
        }
    }
    if (body->fd >= 0) {
        return append_to_file(body, data, len);
    }
    size_t needed = body->memory_len + len;
    if (needed > body->memory_capacity) {
        size_t doubled = body->memory_capacity <= SIZE_MAX / 2 ? body->memory_capacity * 2 : SIZE_MAX;
        size_t capacity = MAX(MAX(needed, doubled), HEAP_BYTES_MIN);
        code = grow_memory(body, MIN(capacity, body->memory_max));
        if (code != PSV_OK) {
            return code;
        }
    }
    memcpy(body->memory + body->memory_len, data, len);
    body->memory_len = needed;
    return PSV_OK;
}

void psv_response_body_reserve(struct psv_response_body *body, size_t len)
{
    if (body->fd < 0 && len <= body->memory_max && len > body->memory_capacity) {
        (void)grow_memory(body, len);
    }
}

int psv_response_body_seal(struct psv_response_body *body)
{
    int code = PSV_OK;

    if (body->fd >= 0) {
        code = flush_memory(body);
        if (code == PSV_OK) {
            drop_memory(body);
        }
    }
    return code;
}

void psv_response_body_fit(struct psv_response_body *body)
{
    if (body->memory_len > 0 && (body->memory_is_heap || body->mapping.data != NULL)) {
        (void)move_to_heap(body, body->memory_len);
    }
}

bool psv_response_body_holds_memory(const struct psv_response_body *body)
{
    return body->fd >= 0 || body->memory_is_heap || body->mapping.data != NULL;
}

uint64_t psv_response_body_len(const struct psv_response_body *body)
{
    return body->fd_len + body->memory_len;
}
