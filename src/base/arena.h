/* Bump allocator with one lifetime: everything is freed at once.  One owner thread at a time; ownership moves
 * with the request (loop -> worker -> loop), never shared.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"

struct psv_arena_block;   /* header of one block; blocks are linked newest first */
struct psv_arena_cleanup; /* one registered clean-up */

typedef void psv_arena_cleanup_fn(void *context);

struct psv_arena {
    struct psv_arena_block *blocks;
    struct psv_arena_cleanup *cleanups; /* run newest first by fini and reset */
    char *next;                         /* bump pointer in the newest block */
    char *end;                          /* of that block; aligned like every block's end */
    size_t used_bytes;                  /* sum of the blocks' sizes */
    size_t max_bytes;                   /* limit of used_bytes; allocation beyond it fails */
};

/** Empty arena; allocates nothing yet.  max_bytes must be given (no unbounded arena). */
void psv_arena_init(struct psv_arena *arena, size_t max_bytes);

/** Runs the clean-ups and frees all blocks; the arena can be used again as if new. */
void psv_arena_fini(struct psv_arena *arena);

/** Aligned to 16 bytes; not zeroed; NULL when memory or the limit is exhausted.  Never NULL for a size of 0.
 */
MUST_CHECK static inline void *psv_arena_alloc(struct psv_arena *arena, size_t size);
MUST_CHECK void *psv_arena_calloc(struct psv_arena *arena, size_t size);

/** Unaligned, for text. */
MUST_CHECK static inline char *psv_arena_alloc_text(struct psv_arena *arena, size_t len);

/** Copies; the copy is followed by a NUL that is not counted.  On failure data is NULL and len is 0. */
MUST_CHECK struct psv_bytes psv_arena_copy(struct psv_arena *arena, struct psv_bytes text);

/** Grows the newest allocation in place when it can, else copies to an aligned one; old may be NULL.  On
 * failure (NULL) old stays as it was.  A new_size below old_size gives the rest back if it can, and cannot
 * fail. */
MUST_CHECK void *psv_arena_grow(struct psv_arena *arena, void *old, size_t old_size, size_t new_size);

/** Registers fn(context) for fini.  0 or PSV_ENOMEM (then fn is not registered and was not called). */
MUST_CHECK int psv_arena_on_fini(struct psv_arena *arena, psv_arena_cleanup_fn *fn, void *context);

/** Resets to empty but keeps the first block for the next request: what keep-alive uses.  Runs the clean-ups.
 */
void psv_arena_reset(struct psv_arena *arena);

/** Bytes of the first block (header included); larger requests get blocks of their own. */
#define PSV_ARENA_BLOCK_BYTES 8192

#define PSV_ARENA_ALIGNMENT 16

/* AddressSanitizer sees arena memory as the program does: only what was handed out may be touched, with a gap
 * in between. */
#if HAS_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#define PSV_ARENA_GAP 16
#define PSV_ARENA_POISON(data, size) ASAN_POISON_MEMORY_REGION((data), (size))
#define PSV_ARENA_UNPOISON(data, size) ASAN_UNPOISON_MEMORY_REGION((data), (size))
#else
#define PSV_ARENA_GAP 0
#define PSV_ARENA_POISON(data, size) ((void)(data), (void)(size))
#define PSV_ARENA_UNPOISON(data, size) ((void)(data), (void)(size))
#endif

/* Not for callers: allocation when the newest block has no room. */
void *psv_arena_alloc_slow(struct psv_arena *arena, size_t size);

static inline void *psv_arena_alloc(struct psv_arena *arena, size_t size)
{
    uintptr_t end = (uintptr_t)arena->end;
    uintptr_t start = ((uintptr_t)arena->next + PSV_ARENA_GAP + PSV_ARENA_ALIGNMENT - 1) &
                      ~(uintptr_t)(PSV_ARENA_ALIGNMENT - 1);
    /* Blocks end aligned: without a gap start cannot pass the end.  A size of 0 wraps around and takes the
     * slow way, the only one that knows an arena without blocks. */
    if ((PSV_ARENA_GAP != 0 && start > end) || UNLIKELY(size - 1 >= end - start))
        return psv_arena_alloc_slow(arena, size);
    char *memory = arena->next + (start - (uintptr_t)arena->next);
    PSV_ARENA_UNPOISON(memory, size);
    arena->next = memory + size;
    return memory;
}

static inline char *psv_arena_alloc_text(struct psv_arena *arena, size_t len)
{
    uintptr_t end = (uintptr_t)arena->end;
    uintptr_t start = (uintptr_t)arena->next + PSV_ARENA_GAP;
    if ((PSV_ARENA_GAP != 0 && start > end) || UNLIKELY(len - 1 >= end - start))
        return psv_arena_alloc_slow(arena, len);
    char *text = arena->next + PSV_ARENA_GAP;
    PSV_ARENA_UNPOISON(text, len);
    arena->next = text + len;
    return text;
}
