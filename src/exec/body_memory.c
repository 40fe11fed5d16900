/* The stack of mappings that are kept; see body_memory.h.  The last one used is the first one taken: the
 * longer nothing takes so many at a time, the deeper lie those that nobody needs.
 *
 * SPDX-License-Identifier: MIT */
#include "body_memory.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"

static struct {
    pthread_mutex_t lock; /* held for some ns */
    struct psv_mapping kept[PSV_BODY_MEMORY_KEPT_MAX];
    unsigned len;
    unsigned len_min; /* the least there were since the last trim: so many were not needed */
} memory = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct psv_mapping take_kept(void)
{
    struct psv_mapping mapping = {0};

    pthread_mutex_lock(&memory.lock);
    if (memory.len > 0) {
        mapping = memory.kept[--memory.len];
        memory.len_min = MIN(memory.len_min, memory.len);
    }
    pthread_mutex_unlock(&memory.lock);
    return mapping;
}

int psv_body_memory_open(struct psv_mapping *mapping, size_t bytes)
{
    struct psv_mapping kept = take_kept();

    if (kept.data == NULL) {
        return psv_mapping_open(mapping, bytes);
    }
    int code = psv_mapping_grow(&kept, bytes);
    if (code != PSV_OK) {
        psv_body_memory_close(&kept);
        return code;
    }
    *mapping = kept;
    return PSV_OK;
}

void psv_body_memory_close(struct psv_mapping *mapping)
{
    if (mapping->data != NULL && mapping->capacity <= PSV_BODY_MEMORY_KEPT_BYTES_MAX) {
        pthread_mutex_lock(&memory.lock);
        if (memory.len < PSV_BODY_MEMORY_KEPT_MAX) {
            memory.kept[memory.len++] = *mapping;
            *mapping = (struct psv_mapping){0};
        }
        pthread_mutex_unlock(&memory.lock);
    }
    psv_mapping_close(mapping);
}

void psv_body_memory_trim(void)
{
    struct psv_mapping unused[PSV_BODY_MEMORY_KEPT_MAX];

    pthread_mutex_lock(&memory.lock);
    unsigned unused_len = memory.len_min;
    memcpy(unused, memory.kept, unused_len * sizeof(*unused)); /* those at the bottom */
    memory.len -= unused_len;
    memmove(memory.kept, memory.kept + unused_len, memory.len * sizeof(*memory.kept));
    memory.len_min = memory.len;
    pthread_mutex_unlock(&memory.lock);
    for (unsigned i = 0; i < unused_len; i++) {
        psv_mapping_close(&unused[i]);
    }
}

size_t psv_body_memory_kept_bytes(void)
{
    size_t bytes = 0;

    pthread_mutex_lock(&memory.lock);
    for (unsigned i = 0; i < memory.len; i++) {
        bytes += memory.kept[i].capacity;
    }
    pthread_mutex_unlock(&memory.lock);
    return bytes;
}
