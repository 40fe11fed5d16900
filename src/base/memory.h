/* The only door to the heap (malloc is banned elsewhere), so that tests can make the n-th allocation fail.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/** Heap memory or NULL; free with psv_free.  [any] */
MUST_CHECK void *psv_malloc(size_t size) __attribute__((malloc, alloc_size(1)));
MUST_CHECK void *psv_calloc(size_t count, size_t size) __attribute__((malloc, alloc_size(1, 2)));
/** On failure the old memory stays; a size of 0 counts as 1. */
MUST_CHECK void *psv_realloc(void *memory, size_t size) __attribute__((alloc_size(2)));
MUST_CHECK void *psv_memdup(const void *data, size_t len);
/** Copy of a text with its terminating NUL. */
MUST_CHECK char *psv_strndup(const char *text, size_t len);
/** Accepts NULL.  Always returns NULL, so that callers can write `p = psv_free(p)`. */
void *psv_free(void *memory);

/** For boot code, where running out of memory is fatal: never returns NULL.  [boot] */
void *psv_calloc_or_die(size_t count, size_t size);

/** Lets each thread's heap keep up to 1 MiB that was freed at its end, where glibc gives 128 KiB back and so
 * makes the kernel find and clear the same pages for one response after the other.  MALLOC_TRIM_THRESHOLD_,
 * MALLOC_MMAP_THRESHOLD_ and GLIBC_TUNABLES of the environment win.  Nothing without glibc.  [boot] */
void psv_memory_keep_freed(void);

/** Zeroed memory aligned to alignment (a power of two); free with psv_free.  [any] */
MUST_CHECK void *psv_calloc_aligned(size_t alignment, size_t size);

/** Test aid: the allocation number `countdown` from now fails (1 = the next one), once; 0 switches it off.
 *  Per thread, so that parallel tests do not disturb each other. */
void psv_memory_fail_after(uint64_t countdown);
/** Test aid: allocations made by this thread since it began. */
uint64_t psv_memory_allocation_count(void);
