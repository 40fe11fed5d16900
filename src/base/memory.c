/* The door to the heap, with a counter per thread that lets tests make one chosen allocation fail.  The
 * counter costs one increment and one compare of thread-local words.
 *
 * SPDX-License-Identifier: MIT */
#include "memory.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "assert.h"

/* What bodies have of the heap stays below the first: larger ones have mappings (exec/body_memory). */
#define MAPPED_BYTES_MIN (512 * 1024)
#define KEPT_BYTES_MAX (1024 * 1024)

static _Thread_local uint64_t allocation_count;
static _Thread_local uint64_t
    failing_number; /* number of the allocation to fail; 0 is none, since they count from 1 */

static inline bool is_denied(size_t size)
{
    /* No object can be larger, and sanitizers would end the program instead of returning NULL. */
    return UNLIKELY(++allocation_count == failing_number) || UNLIKELY(size > PTRDIFF_MAX);
}

void *psv_malloc(size_t size)
{
    return is_denied(size) ? NULL : malloc(size > 0 ? size : 1);
}

void *psv_calloc(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        total = SIZE_MAX;
    return is_denied(total) ? NULL : calloc(1, total > 0 ? total : 1);
}

void *psv_realloc(void *memory, size_t size)
{
    return is_denied(size) ? NULL : realloc(memory, size > 0 ? size : 1);
}

void *psv_memdup(const void *data, size_t len)
{
    void *copy = psv_malloc(len);
    if (copy != NULL && len > 0)
        memcpy(copy, data, len);
    return copy;
}

char *psv_strndup(const char *text, size_t len)
{
    char *copy = len < SIZE_MAX ? psv_malloc(len + 1) : NULL;
    if (copy == NULL)
        return NULL;
    if (len > 0)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void *psv_free(void *memory)
{
    free(memory);
    return NULL;
}

void *psv_calloc_or_die(size_t count, size_t size)
{
    void *memory = psv_calloc(count, size);
    if (memory == NULL)
        psv_panic(__FILE__, __LINE__, "out of memory while starting");
    return memory;
}

void *psv_calloc_aligned(size_t alignment, size_t size)
{
    INVARIANT(alignment > 0 && (alignment & (alignment - 1)) == 0);
    if (is_denied(size))
        return NULL;
    void *memory;
    if (posix_memalign(&memory, MAX(alignment, sizeof(void *)), size > 0 ? size : 1) != 0)
        return NULL;
    return memset(memory, 0, size);
}

void psv_memory_keep_freed(void)
{
#ifdef __GLIBC__
    static const char *const variables[] = {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_",
                                            "GLIBC_TUNABLES"};

    for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
        if (getenv(variables[i]) != NULL)
            return;
    }
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES_MAX);
#endif
}

void psv_memory_fail_after(uint64_t countdown)
{
    failing_number = countdown > 0 ? allocation_count + countdown : 0;
}

uint64_t psv_memory_allocation_count(void)
{
    return allocation_count;
}
