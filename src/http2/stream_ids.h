/* Which of the latest stream ids a client has used, and on which of these it has ended its side.  RFC 9113
 * 5.1.1: ids rise, and the first use of one closes all idle ones below it; HEADERS on one of those is a
 * connection error.  RFC 9113 5.1: so are HEADERS and DATA on a stream that the client itself has ended.  The
 * library forgets closed streams and takes both for late frames on a stream that we have reset.  Pure.
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
    uint64_t ended[PSV_H2_IDS_WINDOW / 64];
};

/** Notes a HEADERS frame of the client on an odd id.  False when the id was skipped: below the highest, never
 * used. */
bool psv_h2_stream_ids_note(struct psv_h2_stream_ids *ids, uint32_t id);
/** The client has ended its side of a stream that it has used (END_STREAM or RST_STREAM). */
void psv_h2_stream_ids_note_end(struct psv_h2_stream_ids *ids, uint32_t id);
/** False for ids below the window, too. */
bool psv_h2_stream_ids_has_ended(const struct psv_h2_stream_ids *ids, uint32_t id);
