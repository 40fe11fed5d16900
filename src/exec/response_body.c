/* Response bytes on the worker's side: joined in memory, past a threshold in a memfd; see response_body.h.
 * SPDX-License-Identifier: MIT */
#include "response_body.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "os/fd.h"

/* First heap buffer once the inline bytes are full. */
#define FIRST_HEAP_BYTES 16384
/* Once there is a memfd, memory only joins small writes: this much is written at a time. */
#define WRITE_BYTES 65536

void psv_response_body_init(struct psv_response_body *body, char *inline_memory, size_t inline_capacity,
                            size_t memory_max)
{
    body->memory = inline_memory;
    body->memory_len = 0;
    body->memory_capacity = inline_memory != NULL ? inline_capacity : 0;
    body->memory_is_heap = false;
    body->fd = -1;
    body->fd_len = 0;
    body->memory_max = memory_max;
}

static void free_memory(struct psv_response_body *body)
{
    if (body->memory_is_heap) {
        psv_free(body->memory);
    }
    body->memory = NULL;
    body->memory_len = 0;
    body->memory_capacity = 0;
    body->memory_is_heap = false;
}

void psv_response_body_fini(struct psv_response_body *body)
{
    free_memory(body);
    body->fd = psv_fd_close(body->fd);
    body->fd_len = 0;
}

static int write_out(struct psv_response_body *body, const void *data, size_t len)
{
    if (len == 0) {
        return PSV_OK;
    }
    if (psv_fd_pwrite_all(body->fd, data, len, body->fd_len) != PSV_OK) {
        return PSV_EIO;
    }
    body->fd_len += len;
    return PSV_OK;
}

static int flush_memory(struct psv_response_body *body)
{
    int code = write_out(body, body->memory, body->memory_len);

    if (code == PSV_OK) {
        body->memory_len = 0;
    }
    return code;
}

static int start_memfd(struct psv_response_body *body)
{
    int fd = psv_fd_open_memory("phpsrv-response");

    if (fd < 0) {
        return fd == PSV_ENOMEM ? PSV_ENOMEM : PSV_EIO;
    }
    body->fd = fd;
    return flush_memory(body);
}

static int grow(struct psv_response_body *body, size_t needed)
{
    size_t limit = body->fd >= 0 ? WRITE_BYTES : body->memory_max;
    size_t capacity = MAX(body->memory_capacity * 2, (size_t)FIRST_HEAP_BYTES);

    while (capacity < needed) {
        capacity *= 2;
    }
    capacity = MAX(MIN(capacity, limit), needed);
    char *memory = body->memory_is_heap ? psv_realloc(body->memory, capacity) : psv_malloc(capacity);
    if (memory == NULL) {
        return PSV_ENOMEM;
    }
    if (!body->memory_is_heap && body->memory_len > 0) {
        memcpy(memory, body->memory, body->memory_len);
    }
    body->memory = memory;
    body->memory_capacity = capacity;
    body->memory_is_heap = true;
    return PSV_OK;
}

int psv_response_body_append(struct psv_response_body *body, const void *data, size_t len)
{
    size_t needed = body->memory_len + len;
    int code = PSV_OK;

    if (needed > body->memory_capacity) {
        if (body->fd < 0 && needed > body->memory_max) {
            code = start_memfd(body);
        } else if (body->fd >= 0) {
            code = flush_memory(body);
        }
        if (code == PSV_OK && body->fd >= 0 && len >= WRITE_BYTES / 2) {
            return write_out(body, data, len); /* large writes need no joining */
        }
        needed = body->memory_len + len;
        if (code == PSV_OK && needed > body->memory_capacity) {
            code = grow(body, needed);
        }
    }
    if (code == PSV_OK && len > 0) {
        memcpy(body->memory + body->memory_len, data, len);
        body->memory_len += len;
    }
    return code;
}

int psv_response_body_seal(struct psv_response_body *body)
{
    if (body->fd < 0) {
        return PSV_OK;
    }
    int code = flush_memory(body);
    if (code == PSV_OK) {
        free_memory(body);
    }
    return code;
}

uint64_t psv_response_body_len(const struct psv_response_body *body)
{
    return body->fd_len + body->memory_len;
}
