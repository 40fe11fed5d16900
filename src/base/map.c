/* Open addressing with linear probing; removal shifts the followers back, so there are no tombstones and a
 * map that is used for long does not get slower.  Hashes are SipHash-1-3 with a seed of the map's own.
 *
 * SPDX-License-Identifier: MIT */
#include "map.h"

#include <stdbool.h>
#include <string.h>

#include "assert.h"
#include "error.h"
#include "memory.h"
#include "random.h"
#include "siphash.h"

struct psv_map_entry {
    const char *key;
    size_t key_len;
    void *value; /* NULL = the place is free */
    uint64_t hash;
};

#define FIRST_CAPACITY 8

void psv_map_init(struct psv_map *map, size_t max_len)
{
    *map = (struct psv_map){.max_len = max_len};
    psv_random_fill(map->seed, sizeof(map->seed));
}

void psv_map_fini(struct psv_map *map)
{
    map->entries = psv_free(map->entries);
    map->len = 0;
    map->capacity = 0;
}

/* Place of the key, or the free place where it would go.  At least one place is always free. */
static size_t find_place(const struct psv_map *map, struct psv_bytes key, uint64_t hash)
{
    size_t mask = map->capacity - 1;
    size_t place = (size_t)hash & mask;
    for (;; place = (place + 1) & mask) {
        const struct psv_map_entry *entry = &map->entries[place];
        if (entry->value == NULL)
            return place;
        if (entry->hash == hash && psv_bytes_equal((struct psv_bytes){entry->key, entry->key_len}, key))
            return place;
    }
}

void *psv_map_find(const struct psv_map *map, struct psv_bytes key)
{
    if (map->len == 0)
        return NULL;
    return map->entries[find_place(map, key, psv_siphash(map->seed, key))].value;
}

static int grow(struct psv_map *map)
{
    size_t capacity = map->capacity > 0 ? map->capacity * 2 : FIRST_CAPACITY;
    struct psv_map_entry *entries = psv_calloc(capacity, sizeof(*entries));
    if (entries == NULL)
        return PSV_ENOMEM;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].value == NULL)
            continue;
        size_t place = (size_t)map->entries[i].hash & (capacity - 1);
        while (entries[place].value != NULL)
            place = (place + 1) & (capacity - 1);
        entries[place] = map->entries[i];
    }
    psv_free(map->entries);
    map->entries = entries;
    map->capacity = capacity;
    return 0;
}

int psv_map_put(struct psv_map *map, struct psv_bytes key, void *value, void **ret_old)
{
    INVARIANT(value != NULL);
    uint64_t hash = psv_siphash(map->seed, key);
    struct psv_map_entry *entry = map->capacity > 0 ? &map->entries[find_place(map, key, hash)] : NULL;
    void *old = entry != NULL ? entry->value : NULL;
    if (old == NULL) {
        if (map->len >= map->max_len)
            return PSV_ELIMIT;
        if (map->len + 1 > map->capacity / 4 * 3) {
            int error = grow(map);
            if (error != 0)
                return error;
            entry = &map->entries[find_place(map, key, hash)];
        }
        map->len++;
    }
    *entry = (struct psv_map_entry){.key = key.data, .key_len = key.len, .value = value, .hash = hash};
    if (ret_old != NULL)
        *ret_old = old;
    return 0;
}

void *psv_map_remove(struct psv_map *map, struct psv_bytes key)
{
    if (map->len == 0)
        return NULL;
    size_t mask = map->capacity - 1;
    size_t hole = find_place(map, key, psv_siphash(map->seed, key));
    void *value = map->entries[hole].value;
    if (value == NULL)
        return NULL;

    for (size_t place = (hole + 1) & mask; map->entries[place].value != NULL; place = (place + 1) & mask) {
        size_t home = (size_t)map->entries[place].hash & mask;
        /* an entry may move back to the hole only if the hole is not before its home place */
        if (((place - home) & mask) >= ((place - hole) & mask)) {
            map->entries[hole] = map->entries[place];
            hole = place;
        }
    }
    map->entries[hole] = (struct psv_map_entry){.value = NULL};
    map->len--;
    return value;
}

void psv_map_for_each(const struct psv_map *map, psv_map_visit_fn *visit, void *context)
{
    for (size_t i = 0; i < map->capacity; i++) {
        const struct psv_map_entry *entry = &map->entries[i];
        if (entry->value != NULL)
            visit((struct psv_bytes){entry->key, entry->key_len}, entry->value, context);
    }
}
