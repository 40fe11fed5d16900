/* Anonymous mappings; see mapping.h.
 *
 * SPDX-License-Identifier: MIT */
#include "mapping.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/macros.h"

/* Whole pages; 0: there is no such number. */
static size_t round_up(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return bytes > SIZE_MAX - page ? 0 : (bytes + page - 1) / page * page;
}

int psv_mapping_open(struct psv_mapping *mapping, size_t bytes)
{
    size_t capacity = round_up(bytes);

    INVARIANT(bytes > 0);
    if (capacity == 0) {
        return PSV_ENOMEM;
    }
    void *data = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        return PSV_ENOMEM;
    }
    *mapping = (struct psv_mapping){.data = data, .capacity = capacity};
    return PSV_OK;
}

static void *move(void *data, size_t old_capacity, size_t capacity)
{
#if HAS_THREAD_SANITIZER
    /* it does not know mremap: what was done to the old address would be held against who gets it next */
    void *moved = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (moved != MAP_FAILED) {
        memcpy(moved, data, old_capacity);
        INVARIANT(munmap(data, old_capacity) == 0);
    }
    return moved;
#else
    return mremap(data, old_capacity, capacity, MREMAP_MAYMOVE);
#endif
}

int psv_mapping_grow(struct psv_mapping *mapping, size_t bytes)
{
    if (bytes <= mapping->capacity) {
        return PSV_OK;
    }
    size_t capacity = round_up(bytes);
    if (capacity == 0) {
        return PSV_ENOMEM;
    }
    void *data = move(mapping->data, mapping->capacity, capacity);
    if (data == MAP_FAILED) {
        return PSV_ENOMEM;
    }
    *mapping = (struct psv_mapping){.data = data, .capacity = capacity};
    return PSV_OK;
}

void psv_mapping_close(struct psv_mapping *mapping)
{
    if (mapping->data != NULL) {
        INVARIANT(munmap(mapping->data, mapping->capacity) == 0);
        *mapping = (struct psv_mapping){0};
    }
}
