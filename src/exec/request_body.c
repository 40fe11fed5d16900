/* Request bodies: memory, then a memfd; see request_body.h.
 *
 * SPDX-License-Identifier: MIT */
#include "request_body.h"

#include "base/error.h"
#include "observe/metrics.h"
#include "os/fd.h"

void psv_request_body_init(struct psv_request_body *body, size_t memory_max, uint64_t max_bytes)
{
    psv_buffer_init(&body->memory, memory_max);
    body->fd = -1;
    body->len = 0;
    body->max_bytes = max_bytes;
    body->read_offset = 0;
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

int64_t psv_request_body_read(struct psv_request_body *body, void *out, size_t len)
{
    size_t part = (size_t)MIN((uint64_t)len, body->len - body->read_offset);

    if (part == 0) {
        return 0;
    }
    if (body->fd < 0) {
        memcpy(out, body->memory.data + body->read_offset, part);
    } else {
        size_t got = 0;
        if (psv_fd_pread_all(body->fd, out, part, body->read_offset, &got) != PSV_OK || got != part) {
            return PSV_EIO;
        }
    }
    body->read_offset += part;
    return (int64_t)part;
}

void psv_request_body_rewind(struct psv_request_body *body)
{
    body->read_offset = 0;
}
