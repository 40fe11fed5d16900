/* Bytes a worker writes for one response part: joined in memory, which for large ones is a mapping of their
 * own, and past a threshold kept in a memfd, which the loop sends without a copy through user space.  Filled
 * by the worker, then handed over whole.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "exec/body_piece.h"
#include "os/mapping.h"

struct psv_response_body {
    char *memory; /* write buffer; the part's inline bytes at first, then heap, then the mapping's */
    size_t memory_len;
    size_t memory_capacity;
    bool memory_is_heap;
    struct psv_mapping mapping;
    int fd;            /* memfd or -1 */
    uint64_t fd_len;   /* bytes in the memfd */
    size_t memory_max; /* threshold */
};

/** inline_memory may be NULL; it must outlive the body.  [worker] */
void psv_response_body_init(struct psv_response_body *body, char *inline_memory, size_t inline_capacity,
                            size_t memory_max);
void psv_response_body_fini(struct psv_response_body *body);
/** For who will write about so much: one step in place of several.  Without memory for that nothing changes.
 * [worker] */
void psv_response_body_reserve(struct psv_response_body *body, size_t len);
/** 0, PSV_ENOMEM, PSV_EIO.  [worker] */
MUST_CHECK int psv_response_body_append(struct psv_response_body *body, const void *data, size_t len);
/** The same in a few instructions, where there is room for all of it in memory, or in what is joined for the
 * memfd; else false, and nothing is done.  [worker] */
static inline bool psv_response_body_put(struct psv_response_body *body, const void *data, size_t len)
{
    if (len > body->memory_capacity - body->memory_len) {
        return false;
    }
    memcpy(body->memory + body->memory_len, data, len);
    body->memory_len += len;
    return true;
}
/** All bytes into as few pieces as possible: memory only, or memfd only.  0 or PSV_EIO.  [worker] */
MUST_CHECK int psv_response_body_seal(struct psv_response_body *body);
/** For who keeps a body that is all in memory: gives back what it does not fill.  Without memory for that it
 * stays as it is.  [worker] */
void psv_response_body_fit(struct psv_response_body *body);
/** Whether it has memory, or a file, beside the inline bytes.  [any] */
bool psv_response_body_holds_memory(const struct psv_response_body *body);
uint64_t psv_response_body_len(const struct psv_response_body *body);
