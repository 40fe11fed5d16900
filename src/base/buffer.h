/* Growing byte buffer with a mandatory maximum.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/bytes.h"
#include "base/macros.h"

struct psv_buffer {
    char *data; /* NULL until the first byte */
    size_t len;
    size_t capacity;
    size_t max_bytes; /* appending beyond it is PSV_ELIMIT */
};

/** Empty, allocates nothing yet. */
void psv_buffer_init(struct psv_buffer *buffer, size_t max_bytes);
/** Frees the memory; the buffer can be used again. */
void psv_buffer_fini(struct psv_buffer *buffer);

/** All or nothing: 0, PSV_ENOMEM or PSV_ELIMIT. */
MUST_CHECK int psv_buffer_append(struct psv_buffer *buffer, const void *data, size_t len);
MUST_CHECK int psv_buffer_append_bytes(struct psv_buffer *buffer, struct psv_bytes bytes);
MUST_CHECK int psv_buffer_append_byte(struct psv_buffer *buffer, char byte);
MUST_CHECK int psv_buffer_printf(struct psv_buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/** Makes room for len more bytes; write them at data + len, then add to len. */
MUST_CHECK int psv_buffer_reserve(struct psv_buffer *buffer, size_t len);

/** Drops len bytes from the front (moves the rest). */
void psv_buffer_consume(struct psv_buffer *buffer, size_t len);

/** Empties it and keeps the memory. */
void psv_buffer_clear(struct psv_buffer *buffer);

static inline struct psv_bytes psv_buffer_bytes(const struct psv_buffer *buffer)
{
    return (struct psv_bytes){buffer->data, buffer->len};
}
