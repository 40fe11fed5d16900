/* Used stream ids; see stream_ids.h.
 *
 * SPDX-License-Identifier: MIT */
#include "stream_ids.h"

#define WORDS (PSV_H2_IDS_WINDOW / 64)

static uint32_t slot_of(uint32_t id)
{
    return (id / 2) % PSV_H2_IDS_WINDOW;
}

static void set(struct psv_h2_stream_ids *ids, uint32_t id, bool is_used)
{
    uint32_t slot = slot_of(id);
    uint64_t bit = UINT64_C(1) << (slot % 64);

    if (is_used) {
        ids->used[slot / 64] |= bit;
    } else {
        ids->used[slot / 64] &= ~bit;
    }
}

bool psv_h2_stream_ids_note(struct psv_h2_stream_ids *ids, uint32_t id)
{
    if (id > ids->highest) {
        uint32_t skipped = (id - ids->highest) / 2;
        if (skipped >= PSV_H2_IDS_WINDOW) {
            for (unsigned i = 0; i < WORDS; i++) {
                ids->used[i] = 0;
            }
        } else {
            for (uint32_t passed = id; passed > ids->highest; passed = passed > 2 ? passed - 2 : 0) {
                set(ids, passed, false);
            }
        }
        set(ids, id, true);
        ids->highest = id;
        return true;
    }
    if ((ids->highest - id) / 2 >= PSV_H2_IDS_WINDOW) {
        return true;
    }
    uint32_t slot = slot_of(id);
    return (ids->used[slot / 64] >> (slot % 64) & 1) != 0;
}
