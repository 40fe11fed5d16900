/* A request body while it arrives and while it is read: in memory up to a threshold, then in an unlinked
 * spill file (memfd), never more memory than the threshold plus one read.  Filled on the loop, read by the
 * worker: never both at once.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct psv_request_body {
    struct psv_buffer memory; /* first bytes; once spilled, a part of the file that was read ahead */
    int fd;                   /* spill file or -1 */
    uint64_t len;             /* bytes stored */
    uint64_t max_bytes;       /* appending beyond it is PSV_ELIMIT */
    uint64_t read_offset;
    uint64_t ahead_offset; /* [worker] of the part that was read ahead, in the file */
};

/** Allocates nothing.  memory_max: the threshold; max_bytes: the limit of the whole body.  [loop] */
void psv_request_body_init(struct psv_request_body *body, size_t memory_max, uint64_t max_bytes);
void psv_request_body_fini(struct psv_request_body *body);
/** 0, PSV_ELIMIT (413), PSV_ENOMEM, PSV_EIO (disk or memory full: 500/507).  [loop] */
MUST_CHECK int psv_request_body_append(struct psv_request_body *body, const void *data, size_t len);
/** Fills out as far as there are bytes: count, 0 at the end, or PSV_EIO, PSV_ENOMEM.  [worker] */
MUST_CHECK int64_t psv_request_body_read(struct psv_request_body *body, void *out, size_t len);
void psv_request_body_rewind(struct psv_request_body *body);
