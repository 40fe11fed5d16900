/* Used stream ids; see stream_ids.h.
 *
 * SPDX-License-Identifier: MIT */
#include "stream_ids.h"

#include <string.h>

static uint32_t slot_of(uint32_t id)
{
    return (id / 2) % PSV_H2_IDS_WINDOW;
}

static bool get(const uint64_t *bits, uint32_t id)
{
    uint32_t slot = slot_of(id);

    return (bits[slot / 64] >> (slot % 64) & 1) != 0;
}

static void set(uint64_t *bits, uint32_t id, bool is_on)
{
    uint32_t slot = slot_of(id);
    uint64_t bit = UINT64_C(1) << (slot % 64);

    bits[slot / 64] = is_on ? bits[slot / 64] | bit : bits[slot / 64] & ~bit;
}

static bool is_in_window(const struct psv_h2_stream_ids *ids, uint32_t id)
{
    return id <= ids->highest && (ids->highest - id) / 2 < PSV_H2_IDS_WINDOW;
}

static void forget_skipped(struct psv_h2_stream_ids *ids, uint32_t id)
{
    if ((id - ids->highest) / 2 >= PSV_H2_IDS_WINDOW) {
        memset(ids->used, 0, sizeof(ids->used));
        memset(ids->ended, 0, sizeof(ids->ended));
        return;
    }
    for (uint32_t passed = id; passed > ids->highest; passed = passed > 2 ? passed - 2 : 0) {
        set(ids->used, passed, false);
        set(ids->ended, passed, false);
    }
}

bool psv_h2_stream_ids_note(struct psv_h2_stream_ids *ids, uint32_t id)
{
    if (id > ids->highest) {
        forget_skipped(ids, id);
        set(ids->used, id, true);
        ids->highest = id;
        return true;
    }
    return !is_in_window(ids, id) || get(ids->used, id);
}

void psv_h2_stream_ids_note_end(struct psv_h2_stream_ids *ids, uint32_t id)
{
    if (is_in_window(ids, id) && get(ids->used, id)) {
        set(ids->ended, id, true);
    }
}

bool psv_h2_stream_ids_has_ended(const struct psv_h2_stream_ids *ids, uint32_t id)
{
    return is_in_window(ids, id) && get(ids->ended, id);
}
