/* Request bodies: memory, then a memfd; see request_body.h.
 *
 * SPDX-License-Identifier: MIT */
#include "request_body.h"

#include "base/error.h"
#include "observe/metrics.h"
#include "os/fd.h"

#define READ_AHEAD_BYTES ((size_t)65536)

void psv_request_body_init(struct psv_request_body *body, size_t memory_max, uint64_t max_bytes)
{
    psv_buffer_init(&body->memory, memory_max);
    body->fd = -1;
    body->len = 0;
    body->max_bytes = max_bytes;
    body->read_offset = 0;
    body->ahead_offset = 0;
}

void psv_request_body_fini(struct psv_request_body *body)
{
    psv_buffer_fini(&body->memory);
    body->fd = psv_fd_close(body->fd);
    body->len = 0;
    body->read_offset = 0;
}

/* Moves what is in memory to the spill file, so that the body is in one place. */
static int spill(struct psv_request_body *body)
{
    int fd = psv_fd_open_memory("phpsrv-request");

    if (fd < 0) {
        return fd == PSV_ENOMEM ? PSV_ENOMEM : PSV_EIO;
    }
    if (body->memory.len > 0 && psv_fd_pwrite_all(fd, body->memory.data, body->memory.len, 0) != PSV_OK) {
        (void)psv_fd_close(fd);
        return PSV_EIO;
    }
    body->fd = fd;
    psv_buffer_fini(&body->memory);
    psv_metric_inc(PSV_METRIC_BODIES_SPILLED);
    return PSV_OK;
}

int psv_request_body_append(struct psv_request_body *body, const void *data, size_t len)
{
    if (len > body->max_bytes - body->len) {
        return PSV_ELIMIT;
    }
    if (body->fd < 0) {
        int code = psv_buffer_append(&body->memory, data, len);
        if (code == PSV_OK) {
            body->len += len;
            return PSV_OK;
        }
        code = code == PSV_ELIMIT ? spill(body) : code;
        if (code != PSV_OK) {
            return code;
        }
    }
    if (psv_fd_pwrite_all(body->fd, data, len, body->len) != PSV_OK) {
        return PSV_EIO;
    }
    body->len += len;
    return PSV_OK;
}

/* Reads a stretch of the file into memory: runtimes ask for a few KiB at a time (PHP's parser of multipart
 * for 5). */
static int read_ahead(struct psv_request_body *body, size_t max)
{
    size_t len = (size_t)MIN((uint64_t)max, body->len - body->read_offset);
    size_t got = 0;

    psv_buffer_clear(&body->memory);
    int code = psv_buffer_reserve(&body->memory, len);
    if (code != PSV_OK) {
        return code;
    }
    if (psv_fd_pread_all(body->fd, body->memory.data, len, body->read_offset, &got) != PSV_OK || got != len) {
        return PSV_EIO;
    }
    body->memory.len = len;
    body->ahead_offset = body->read_offset;
    return PSV_OK;
}

static int read_file(struct psv_request_body *body, void *out, size_t len)
{
    size_t ahead_max = MIN(READ_AHEAD_BYTES, body->memory.max_bytes); /* as much memory as a body may have */

    if (len <= ahead_max / 2) {
        bool is_ahead = body->read_offset >= body->ahead_offset &&
                        body->read_offset + len <= body->ahead_offset + body->memory.len;
        int code = is_ahead ? PSV_OK : read_ahead(body, ahead_max);
        if (code == PSV_OK) {
            memcpy(out, body->memory.data + (body->read_offset - body->ahead_offset), len);
        }
        return code;
    }
    size_t got = 0;
    int code = psv_fd_pread_all(body->fd, out, len, body->read_offset, &got);
    return code == PSV_OK && got == len ? PSV_OK : PSV_EIO;
}

int64_t psv_request_body_read(struct psv_request_body *body, void *out, size_t len)
{
    size_t part = (size_t)MIN((uint64_t)len, body->len - body->read_offset);

    if (part == 0) {
        return 0;
    }
    if (body->fd < 0) {
        memcpy(out, body->memory.data + body->read_offset, part);
    } else {
        int code = read_file(body, out, part);
        if (code != PSV_OK) {
            return code;
        }
    }
    body->read_offset += part;
    return (int64_t)part;
}

void psv_request_body_rewind(struct psv_request_body *body)
{
    body->read_offset = 0;
}
