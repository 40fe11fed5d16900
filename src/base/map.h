/* Hash map from bytes to a pointer, open addressing, seeded per map (SipHash-1-3 or as strong) so that a peer
 * cannot make keys collide. The key bytes belong to the caller's value and must live as long as the entry.
 * One thread at a time.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"

struct psv_map_entry;

struct psv_map {
    struct psv_map_entry *entries;
    size_t len;
    size_t capacity; /* power of two or 0 */
    size_t max_len;  /* putting a new key beyond it is PSV_ELIMIT */
    uint64_t seed[2];
};

void psv_map_init(struct psv_map *map, size_t max_len);
void psv_map_fini(struct psv_map *map);

/** NULL if absent. */
void *psv_map_find(const struct psv_map *map, struct psv_bytes key);
/** Adds or replaces (key and value; value is not NULL); *ret_old (may be NULL) gets the replaced value or
 * NULL. 0, PSV_ENOMEM, PSV_ELIMIT. */
MUST_CHECK int psv_map_put(struct psv_map *map, struct psv_bytes key, void *value, void **ret_old);
/** The removed value, or NULL if absent. */
void *psv_map_remove(struct psv_map *map, struct psv_bytes key);

typedef void psv_map_visit_fn(struct psv_bytes key, void *value, void *context);
/** The visitor must not change the map. */
void psv_map_for_each(const struct psv_map *map, psv_map_visit_fn *visit, void *context);
