/* The arena: alignment, limits, growth in place, clean-ups, reset without heap traffic.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "table.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"
#include "fail_alloc.h"

#define PLENTY ((size_t)1 << 20)

static void test_alignment_and_separation(void **state)
{
    (void)state;
    struct psv_arena arena;
    unsigned char *parts[300];
    psv_arena_init(&arena, PLENTY);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        size_t size = i % 97;
        if (i % 5 == 0) {
            parts[i] = (unsigned char *)psv_arena_alloc_text(&arena, size);
        } else {
            parts[i] = psv_arena_alloc(&arena, size);
            assert_int_equal((uintptr_t)parts[i] % 16, 0);
        }
        assert_non_null(parts[i]);
        memset(parts[i], (int)(i & 0xff), size);
    }
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        for (size_t j = 0; j < i % 97; j++)
            assert_int_equal(parts[i][j], i & 0xff);
    }
    psv_arena_fini(&arena);
}

static void test_empty_arena_gives_no_null_for_zero_bytes(void **state)
{
    (void)state;
    struct psv_arena arena;
    psv_arena_init(&arena, PLENTY);
    assert_non_null(psv_arena_alloc(&arena, 0));
    psv_arena_fini(&arena);
    assert_non_null(psv_arena_alloc_text(&arena, 0));
    assert_non_null(psv_arena_calloc(&arena, 0));
    psv_arena_fini(&arena);
}

static void test_fast_path_allocates_no_heap_memory(void **state)
{
    (void)state;
    struct psv_arena arena;
    psv_arena_init(&arena, PLENTY);
    uint64_t before = psv_memory_allocation_count();
    for (int i = 0; i < 100; i++)
        assert_non_null(psv_arena_alloc(&arena, 40));
    assert_int_equal(psv_memory_allocation_count() - before, 1);
    assert_int_equal(arena.used_bytes, PSV_ARENA_BLOCK_BYTES);
    psv_arena_fini(&arena);
}

static void test_large_allocation_keeps_the_newest_block(void **state)
{
    (void)state;
    struct psv_arena arena;
    psv_arena_init(&arena, PLENTY);
    char *large_first = psv_arena_alloc(&arena, 100000); /* before there is any block */
    assert_non_null(large_first);
    memset(large_first, 1, 100000);
    char *small = psv_arena_alloc(&arena, 16);
    char *large = psv_arena_alloc(&arena, 9000);
    assert_int_equal((uintptr_t)large % 16, 0);
    memset(large, 2, 9000);
    char *next = psv_arena_alloc(&arena, 16);
    assert_in_range(next - small, 16, 64); /* neighbours */
    char *large_text = psv_arena_alloc_text(&arena, 9001);
    assert_non_null(large_text);
    memset(large_text, 3, 9001);
    psv_arena_fini(&arena);
}

static void test_limit(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        size_t max_bytes;
        size_t size;
        bool is_possible;
    } cases[] = {
        {ROW("nothing allowed"), 0, 1, false},
        {ROW("no room for a header"), 15, 1, false},
        {ROW("small arena, small block"), 256, 100, true},
        {ROW("small arena, too much"), 256, 256, false},
        {ROW("large within the limit"), 20000, 19000, true},
        {ROW("large beyond the limit"), 20000, 20000, false},
        {ROW("size that wraps around"), SIZE_MAX, SIZE_MAX, false},
        {ROW("size that wraps around with the header"), SIZE_MAX, SIZE_MAX - 40, false},
        {ROW("more than any object"), SIZE_MAX, SIZE_MAX / 2 + 1, false},
    };
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_arena arena;
        psv_arena_init(&arena, row->max_bytes);
        assert_int_equal(psv_arena_alloc(&arena, row->size) != NULL, row->is_possible);
        psv_arena_fini(&arena);
        assert_int_equal(psv_arena_alloc_text(&arena, row->size) != NULL, row->is_possible);
        assert_true(arena.used_bytes <= row->max_bytes);
        psv_arena_fini(&arena);
    }
}

static void test_limit_over_all_blocks(void **state)
{
    (void)state;
    struct psv_arena arena;
    psv_arena_init(&arena, 3 * PSV_ARENA_BLOCK_BYTES + 1000);
    size_t total = 0;
    while (psv_arena_alloc(&arena, 64) != NULL)
        total += 64;
    assert_in_range(total, 3 * PSV_ARENA_BLOCK_BYTES / 2, arena.max_bytes);
    assert_true(arena.used_bytes <= arena.max_bytes);
    assert_in_range(arena.used_bytes, 3 * PSV_ARENA_BLOCK_BYTES + 900,
                    arena.max_bytes); /* the last block is small */
    psv_arena_fini(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(psv_arena_alloc(&arena, 64)); /* as if new */
    psv_arena_fini(&arena);
}

static void test_calloc_and_copy(void **state)
{
    (void)state;
    struct psv_arena arena;
    psv_arena_init(&arena, PLENTY);
    memset(psv_arena_alloc(&arena, 500), 0xee, 500);
    psv_arena_reset(&arena);
    unsigned char *zeroes = psv_arena_calloc(&arena, 500);
    for (int i = 0; i < 500; i++)
        assert_int_equal(zeroes[i], 0);

    struct psv_bytes copy = psv_arena_copy(&arena, PSV_BYTES("hello"));
    assert_string_equal(copy.data, "hello");
    assert_int_equal(copy.len, 5);
    copy = psv_arena_copy(&arena, PSV_BYTES_EMPTY);
    assert_string_equal(copy.data, "");
    assert_int_equal(copy.len, 0);
    psv_arena_fini(&arena);

    psv_arena_init(&arena, 0);
    copy = psv_arena_copy(&arena, PSV_BYTES("hello"));
    assert_null(copy.data);
    assert_int_equal(copy.len, 0);
    assert_null(psv_arena_calloc(&arena, 1));
    psv_arena_fini(&arena);
}

static void test_grow(void **state)
{
    (void)state;
    struct psv_arena arena;
    psv_arena_init(&arena, PLENTY);
    char *memory = psv_arena_grow(&arena, NULL, 0, 10);
    assert_non_null(memory);
    memcpy(memory, "0123456789", 10);
    char *grown = psv_arena_grow(&arena, memory, 10, 200);
    assert_ptr_equal(grown, memory); /* the newest: in place */
    memset(grown + 10, 'x', 190);

    char *other = psv_arena_alloc(&arena, 8);
    memcpy(other, "neighbor", 8);
    grown = psv_arena_grow(&arena, memory, 200, 400);
    assert_ptr_not_equal(grown, memory);
    assert_memory_equal(grown, "0123456789xxx", 13);
    assert_memory_equal(other, "neighbor", 8);

    assert_ptr_equal(psv_arena_grow(&arena, grown, 400, 20), grown); /* gives the rest back */
    char *behind = psv_arena_alloc(&arena, 8);
    assert_in_range(behind - grown, 20, 64);
    assert_ptr_equal(psv_arena_grow(&arena, grown, 20, 10), grown); /* not the newest: just smaller */

    char *moved = psv_arena_grow(&arena, behind, 8, 50000); /* too large for the block */
    assert_non_null(moved);
    assert_ptr_not_equal(moved, behind);
    assert_null(psv_arena_grow(&arena, moved, 50000, PLENTY * 2));
    psv_arena_fini(&arena);
}

static char cleanup_order[16];
static void on_cleanup(void *context)
{
    strncat(cleanup_order, context, 1);
}

static struct psv_arena *nested_arena;
static void on_cleanup_nested(void *context)
{
    on_cleanup(context);
    char text[] = "n";
    char *copy = psv_arena_alloc(nested_arena, sizeof(text));
    assert_non_null(copy);
    memcpy(copy, text, sizeof(text));
    assert_int_equal(psv_arena_on_fini(nested_arena, on_cleanup, copy), 0);
}

static void test_cleanups(void **state)
{
    (void)state;
    struct psv_arena arena;
    char a[] = "a", b[] = "b", c[] = "c";
    psv_arena_init(&arena, PLENTY);
    nested_arena = &arena;
    cleanup_order[0] = '\0';
    assert_int_equal(psv_arena_on_fini(&arena, on_cleanup, a), 0);
    assert_int_equal(psv_arena_on_fini(&arena, on_cleanup_nested, b), 0);
    assert_int_equal(psv_arena_on_fini(&arena, on_cleanup, c), 0);
    psv_arena_reset(&arena);
    assert_string_equal(cleanup_order, "cbna");
    psv_arena_reset(&arena);
    assert_string_equal(cleanup_order, "cbna"); /* each once */
    assert_int_equal(psv_arena_on_fini(&arena, on_cleanup, a), 0);
    psv_arena_fini(&arena);
    assert_string_equal(cleanup_order, "cbnaa");

    psv_arena_init(&arena, 0);
    assert_int_equal(psv_arena_on_fini(&arena, on_cleanup, a), PSV_ENOMEM);
    psv_arena_fini(&arena);
    assert_string_equal(cleanup_order, "cbnaa");
}

static void test_reset_keeps_one_block(void **state)
{
    (void)state;
    struct psv_arena arena;
    psv_arena_init(&arena, PLENTY);
    psv_arena_reset(&arena); /* of an empty one */
    assert_int_equal(arena.used_bytes, 0);
    for (int i = 0; i < 10; i++) {
        assert_non_null(psv_arena_alloc(&arena, 2000));
        assert_non_null(psv_arena_alloc(&arena, 7000));
    }
    psv_arena_reset(&arena);
    assert_int_equal(arena.used_bytes, PSV_ARENA_BLOCK_BYTES);

    uint64_t before = psv_memory_allocation_count();
    for (int request = 0; request < 100; request++) {
        memset(psv_arena_alloc(&arena, 2000), 'x', 2000);
        memset(psv_arena_alloc_text(&arena, 1000), 'y', 1000);
        psv_arena_reset(&arena);
    }
    assert_int_equal(psv_memory_allocation_count(), before);
    psv_arena_fini(&arena);
}

static void test_reset_of_large_blocks_only(void **state)
{
    (void)state;
    struct psv_arena arena;
    psv_arena_init(&arena, PLENTY);
    assert_non_null(psv_arena_alloc(&arena, 50000));
    psv_arena_reset(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(psv_arena_alloc(&arena, 10));
    psv_arena_fini(&arena);
}

static int fill_arena(void *context)
{
    (void)context;
    struct psv_arena arena;
    psv_arena_init(&arena, PLENTY);
    int error = PSV_ENOMEM;
    char *list = psv_arena_alloc(&arena, 100);
    if (list == NULL)
        goto done;
    if (psv_arena_alloc(&arena, 9000) == NULL || psv_arena_calloc(&arena, 2000) == NULL)
        goto done;
    for (int i = 0; i < 5; i++) {
        if (psv_arena_copy(&arena, PSV_BYTES("text")).data == NULL ||
            psv_arena_alloc_text(&arena, 2000) == NULL)
            goto done;
    }
    if (psv_arena_grow(&arena, list, 100, 20000) == NULL)
        goto done;
    error = 0;
done:
    psv_arena_fini(&arena);
    return error;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_in_range(fail_each_allocation(fill_arena, NULL), 4, 10);
}

#ifdef PSV_ARENA_POISONS
static void test_unused_memory_is_poisoned(void **state)
{
    (void)state;
    struct psv_arena arena;
    psv_arena_init(&arena, PLENTY);
    char *memory = psv_arena_alloc(&arena, 32);
    assert_false(__asan_address_is_poisoned(memory));
    assert_false(__asan_address_is_poisoned(memory + 31));
    assert_true(__asan_address_is_poisoned(memory + 32));
    assert_true(__asan_address_is_poisoned(memory - 1));
    psv_arena_reset(&arena);
    assert_true(__asan_address_is_poisoned(memory));
    psv_arena_fini(&arena);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alignment_and_separation),
        cmocka_unit_test(test_empty_arena_gives_no_null_for_zero_bytes),
        cmocka_unit_test(test_fast_path_allocates_no_heap_memory),
        cmocka_unit_test(test_large_allocation_keeps_the_newest_block),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_limit_over_all_blocks),
        cmocka_unit_test(test_calloc_and_copy),
        cmocka_unit_test(test_grow),
        cmocka_unit_test(test_cleanups),
        cmocka_unit_test(test_reset_keeps_one_block),
        cmocka_unit_test(test_reset_of_large_blocks_only),
        cmocka_unit_test(test_out_of_memory),
#ifdef PSV_ARENA_POISONS
        cmocka_unit_test(test_unused_memory_is_poisoned),
#endif
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
