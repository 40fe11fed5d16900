/* Which of the latest stream ids a client has used.  RFC 9113 5.1.1: ids rise, and the first use of one
 * closes all idle ones below it; a HEADERS frame on one of those is a connection error, which the library
 * takes for a late frame on a closed stream.  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Ids below the window count as used. */
#define PSV_H2_IDS_WINDOW 1024

struct psv_h2_stream_ids {
    uint32_t highest; /* 0: none yet */
    uint64_t used[PSV_H2_IDS_WINDOW / 64];
};

/** Notes a HEADERS frame of the client on an odd id.  False when the id was skipped: below the highest, never
 * used. */
bool psv_h2_stream_ids_note(struct psv_h2_stream_ids *ids, uint32_t id);
