/* A request body while it arrives and while it is read: on the heap up to a threshold, then in a mapping of
 * its own.  Filled on the loop, read by the worker: never both at once.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "os/mapping.h"

struct psv_request_body {
    struct psv_buffer memory; /* all of it up to its max_bytes; empty past it */
    struct psv_mapping spill; /* all of it past the threshold */
    uint64_t len;             /* bytes stored */
    uint64_t max_bytes;       /* appending beyond it is PSV_ELIMIT */
    uint64_t read_offset;
};

/** Allocates nothing.  memory_max: the threshold; max_bytes: the limit of the whole body.  [loop] */
void psv_request_body_init(struct psv_request_body *body, size_t memory_max, uint64_t max_bytes);
void psv_request_body_fini(struct psv_request_body *body);
/** 0, PSV_ELIMIT (413), PSV_ENOMEM (500).  data may be what psv_request_body_room has lent: nothing is copied
 * then.  [loop] */
MUST_CHECK int psv_request_body_append(struct psv_request_body *body, const void *data, size_t len);
/** Where the next `len` bytes of the body would go, for who can put them there before appending them; valid
 * until the body changes.  NULL while it is small, when it would become too large, and without memory: append
 * from elsewhere.  [loop] */
char *psv_request_body_room(struct psv_request_body *body, size_t len);
/** Fills out as far as there are bytes: count, 0 at the end.  [worker] */
size_t psv_request_body_read(struct psv_request_body *body, void *out, size_t len);
/** Reads the rest where it lies: valid until the body changes.  [worker] */
struct psv_bytes psv_request_body_rest(struct psv_request_body *body);
void psv_request_body_rewind(struct psv_request_body *body);
