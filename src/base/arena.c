/* Blocks of the arena.  Small allocations are cut from the newest block (head of the list, arena->next to
 * arena->end); a large one gets a block of its own behind it, so that the rest of the newest block is not
 * lost.
 *
 * SPDX-License-Identifier: MIT */
#include "arena.h"

#include <string.h>

#include "error.h"
#include "memory.h"

struct psv_arena_block {
    struct psv_arena_block *next; /* older */
    size_t size;                  /* with this header; a multiple of the alignment */
    _Alignas(PSV_ARENA_ALIGNMENT) char data[];
};

struct psv_arena_cleanup {
    struct psv_arena_cleanup *next; /* older */
    psv_arena_cleanup_fn *fn;
    void *context;
};

#define HEADER_BYTES sizeof(struct psv_arena_block)
/* Above this, starting a new block for an allocation would waste too much of the old one. */
#define LARGE_BYTES ((PSV_ARENA_BLOCK_BYTES - HEADER_BYTES) / 4)

_Static_assert(HEADER_BYTES % PSV_ARENA_ALIGNMENT == 0, "the first allocation of a block is aligned");
_Static_assert(PSV_ARENA_BLOCK_BYTES % PSV_ARENA_ALIGNMENT == 0, "the end of a block is aligned");

void psv_arena_init(struct psv_arena *arena, size_t max_bytes)
{
    *arena = (struct psv_arena){.max_bytes = max_bytes};
}

static void run_cleanups(struct psv_arena *arena)
{
    while (arena->cleanups != NULL) { /* one may register another */
        struct psv_arena_cleanup *cleanup = arena->cleanups;
        arena->cleanups = cleanup->next;
        cleanup->fn(cleanup->context);
    }
}

static void free_block(struct psv_arena_block *block)
{
    PSV_ARENA_UNPOISON(block->data, block->size - HEADER_BYTES);
    psv_free(block);
}

static void use_block(struct psv_arena *arena, struct psv_arena_block *block)
{
    arena->next = block->data;
    arena->end = (char *)block + block->size;
}

void psv_arena_fini(struct psv_arena *arena)
{
    run_cleanups(arena);
    struct psv_arena_block *block = arena->blocks;
    while (block != NULL) {
        struct psv_arena_block *older = block->next;
        free_block(block);
        block = older;
    }
    psv_arena_init(arena, arena->max_bytes);
}

void psv_arena_reset(struct psv_arena *arena)
{
    run_cleanups(arena);
    struct psv_arena_block *kept = NULL;
    struct psv_arena_block *block = arena->blocks;
    while (block != NULL) {
        struct psv_arena_block *older = block->next;
        if (kept == NULL && block->size == PSV_ARENA_BLOCK_BYTES) {
            kept = block;
        } else {
            free_block(block);
        }
        block = older;
    }
    psv_arena_init(arena, arena->max_bytes);
    if (kept != NULL) {
        PSV_ARENA_POISON(kept->data, kept->size - HEADER_BYTES);
        kept->next = NULL;
        arena->blocks = kept;
        arena->used_bytes = kept->size;
        use_block(arena, kept);
    }
}

/* A block with room for at least `payload` bytes and at most block_bytes, or NULL. */
static struct psv_arena_block *new_block(struct psv_arena *arena, size_t payload, size_t block_bytes)
{
    size_t left = (arena->max_bytes - arena->used_bytes) & ~(size_t)(PSV_ARENA_ALIGNMENT - 1);
    size_t size = MIN(block_bytes, left); /* the last block before the limit may be a small one */
    if (size < HEADER_BYTES || size - HEADER_BYTES < payload)
        return NULL;
    struct psv_arena_block *block = psv_malloc(size);
    if (block == NULL)
        return NULL;
    block->size = size;
    arena->used_bytes += size;
    PSV_ARENA_POISON(block->data, size - HEADER_BYTES);
    return block;
}

static void *alloc_large(struct psv_arena *arena, size_t size)
{
    size_t payload;
    if (__builtin_add_overflow(size, (size_t)(PSV_ARENA_GAP + PSV_ARENA_ALIGNMENT - 1), &payload) ||
        payload > SIZE_MAX - HEADER_BYTES)
        return NULL;
    payload &= ~(size_t)(PSV_ARENA_ALIGNMENT - 1);
    struct psv_arena_block *block = new_block(arena, payload, HEADER_BYTES + payload);
    if (block == NULL)
        return NULL;
    if (arena->blocks != NULL) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = NULL;
        arena->blocks = block; /* next and end stay NULL: nothing more is cut from it */
    }
    PSV_ARENA_UNPOISON(block->data, size);
    return block->data;
}

void *psv_arena_alloc_slow(struct psv_arena *arena, size_t size)
{
    if (size == 0)
        return psv_arena_alloc(arena, 1);
    if (size > LARGE_BYTES)
        return alloc_large(arena, size);

    struct psv_arena_block *block = new_block(arena, size + PSV_ARENA_GAP, PSV_ARENA_BLOCK_BYTES);
    if (block == NULL)
        return NULL;
    block->next = arena->blocks;
    arena->blocks = block;
    use_block(arena, block);
    return psv_arena_alloc(arena, size);
}

void *psv_arena_calloc(struct psv_arena *arena, size_t size)
{
    void *memory = psv_arena_alloc(arena, size);
    return memory != NULL ? memset(memory, 0, size) : NULL;
}

struct psv_bytes psv_arena_copy(struct psv_arena *arena, struct psv_bytes text)
{
    char *copy = text.len < SIZE_MAX ? psv_arena_alloc_text(arena, text.len + 1) : NULL;
    if (copy == NULL)
        return PSV_BYTES_EMPTY;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return (struct psv_bytes){copy, text.len};
}

void *psv_arena_grow(struct psv_arena *arena, void *old, size_t old_size, size_t new_size)
{
    if (old == NULL)
        return psv_arena_alloc(arena, new_size);

    bool is_newest = (char *)old + old_size == arena->next && old_size > 0;
    if (new_size <= old_size) {
        if (is_newest) {
            arena->next = (char *)old + new_size;
            PSV_ARENA_POISON(arena->next, old_size - new_size);
        }
        return old;
    }
    if (is_newest && new_size - old_size <= (size_t)(arena->end - arena->next)) {
        PSV_ARENA_UNPOISON(arena->next, new_size - old_size);
        arena->next = (char *)old + new_size;
        return old;
    }
    void *memory = psv_arena_alloc(arena, new_size);
    if (memory != NULL && old_size > 0)
        memcpy(memory, old, old_size);
    return memory;
}

int psv_arena_on_fini(struct psv_arena *arena, psv_arena_cleanup_fn *fn, void *context)
{
    struct psv_arena_cleanup *cleanup = psv_arena_alloc(arena, sizeof(*cleanup));
    if (cleanup == NULL)
        return PSV_ENOMEM;
    *cleanup = (struct psv_arena_cleanup){.next = arena->cleanups, .fn = fn, .context = context};
    arena->cleanups = cleanup;
    return 0;
}
