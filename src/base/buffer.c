/* Growth of byte buffers: capacity doubles up to the maximum, so that appending costs amortised constant
 * time.
 *
 * SPDX-License-Identifier: MIT */
#include "buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "assert.h"
#include "error.h"
#include "memory.h"

#define FIRST_CAPACITY 256

void psv_buffer_init(struct psv_buffer *buffer, size_t max_bytes)
{
    *buffer = (struct psv_buffer){.max_bytes = max_bytes};
}

void psv_buffer_fini(struct psv_buffer *buffer)
{
    buffer->data = psv_free(buffer->data);
    buffer->len = 0;
    buffer->capacity = 0;
}

int psv_buffer_reserve(struct psv_buffer *buffer, size_t len)
{
    if (LIKELY(len <= buffer->capacity - buffer->len))
        return 0;
    if (len > buffer->max_bytes - buffer->len)
        return PSV_ELIMIT;

    size_t needed = buffer->len + len;
    size_t capacity = buffer->capacity > SIZE_MAX / 2 ? SIZE_MAX : buffer->capacity * 2;
    capacity = MAX(MAX(capacity, needed), (size_t)FIRST_CAPACITY);
    capacity = MIN(capacity, buffer->max_bytes);
    char *data = psv_realloc(buffer->data, capacity);
    if (data == NULL)
        return PSV_ENOMEM;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int psv_buffer_append(struct psv_buffer *buffer, const void *data, size_t len)
{
    int error = psv_buffer_reserve(buffer, len);
    if (error != 0)
        return error;
    if (len > 0)
        memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
    return 0;
}

int psv_buffer_append_bytes(struct psv_buffer *buffer, struct psv_bytes bytes)
{
    return psv_buffer_append(buffer, bytes.data, bytes.len);
}

int psv_buffer_append_byte(struct psv_buffer *buffer, char byte)
{
    int error = psv_buffer_reserve(buffer, 1);
    if (error != 0)
        return error;
    buffer->data[buffer->len++] = byte;
    return 0;
}

int psv_buffer_printf(struct psv_buffer *buffer, const char *format, ...)
{
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);

    size_t room = buffer->capacity - buffer->len;
    char *out = room > 0 ? buffer->data + buffer->len : NULL;
    int needed = vsnprintf(out, room, format, args);
    int error = needed < 0 ? PSV_EINVAL : 0;
    if (error == 0 && needed > 0 && (size_t)needed >= room) {
        /* vsnprintf wants room for a NUL that does not become part of the content: at the very maximum it has
         * none. */
        size_t len = (size_t)needed;
        error = psv_buffer_reserve(buffer, len);
        if (error == 0 && len + 1 <= buffer->max_bytes - buffer->len)
            error = psv_buffer_reserve(buffer, len + 1);
        if (error == 0 && buffer->capacity - buffer->len > len) {
            (void)vsnprintf(buffer->data + buffer->len, len + 1, format, again);
        } else if (error == 0) {
            char *text = psv_malloc(len + 1);
            error = text != NULL ? 0 : PSV_ENOMEM;
            if (text != NULL) {
                (void)vsnprintf(text, len + 1, format, again);
                memcpy(buffer->data + buffer->len, text, len);
                psv_free(text);
            }
        }
    }
    if (error == 0)
        buffer->len += (size_t)needed;
    va_end(again);
    va_end(args);
    return error;
}

void psv_buffer_consume(struct psv_buffer *buffer, size_t len)
{
    INVARIANT(len <= buffer->len);
    buffer->len -= len;
    if (len > 0 && buffer->len > 0)
        memmove(buffer->data, buffer->data + len, buffer->len);
}

void psv_buffer_clear(struct psv_buffer *buffer)
{
    buffer->len = 0;
}
