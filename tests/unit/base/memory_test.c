/* The door to the heap and its failure injection.
 *
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "table.h"

#include "base/assert.h"
#include "base/memory.h"

/* Read through volatile, lest the compiler refuses sizes that it knows to be impossible. */
static volatile size_t huge = (size_t)PTRDIFF_MAX + 1;

static void test_allocate(void **state)
{
    (void)state;
    char *text = psv_malloc(4);
    assert_non_null(text);
    memcpy(text, "abc", 4);
    text = psv_realloc(text, 400);
    assert_non_null(text);
    assert_string_equal(text, "abc");
    assert_null(psv_free(text));
    assert_null(psv_free(NULL));

    unsigned char *zeroes = psv_calloc(10, 3);
    assert_non_null(zeroes);
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(zeroes[i], 0);
    psv_free(zeroes);
}

static void test_sizes_at_the_edges(void **state)
{
    (void)state;
    void *memory = psv_malloc(0);
    assert_non_null(memory);
    memory = psv_realloc(memory, 0);
    assert_non_null(memory);
    psv_free(memory);
    memory = psv_calloc(0, 8);
    assert_non_null(memory);
    psv_free(memory);
    memory = psv_calloc_aligned(64, 0);
    assert_non_null(memory);
    psv_free(memory);

    memory = psv_malloc(8);
    assert_null(psv_malloc(huge));
    assert_null(psv_calloc(huge, 1));
    assert_null(psv_calloc(huge, 4)); /* the product wraps around */
    assert_null(psv_realloc(memory, huge));
    assert_null(psv_calloc_aligned(16, huge));
    assert_null(psv_strndup("x", SIZE_MAX));
    psv_free(memory); /* realloc left it alone */
}

static void test_copies(void **state)
{
    (void)state;
    char *copy = psv_memdup("a\0b", 3);
    assert_memory_equal(copy, "a\0b", 3);
    psv_free(copy);
    copy = psv_memdup(NULL, 0);
    assert_non_null(copy);
    psv_free(copy);
    copy = psv_strndup("hello", 3);
    assert_string_equal(copy, "hel");
    psv_free(copy);
    copy = psv_strndup(NULL, 0);
    assert_string_equal(copy, "");
    psv_free(copy);
}

static void test_aligned(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        size_t alignment;
    } cases[] = {{ROW("1"), 1}, {ROW("8"), 8}, {ROW("64"), 64}, {ROW("4096"), 4096}};
    TABLE_FOR_EACH(row, cases)
    {
        unsigned char *memory = psv_calloc_aligned(row->alignment, 100);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % row->alignment, 0);
        for (size_t i = 0; i < 100; i++)
            assert_int_equal(memory[i], 0);
        psv_free(memory);
    }
}

static void *allocate(unsigned kind)
{
    switch (kind) {
    case 0:
        return psv_malloc(1);
    case 1:
        return psv_calloc(1, 1);
    case 2:
        return psv_realloc(NULL, 1);
    case 3:
        return psv_memdup("x", 1);
    case 4:
        return psv_strndup("x", 1);
    default:
        return psv_calloc_aligned(64, 1);
    }
}

static void test_fail_after(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 6; kind++) {
        psv_memory_fail_after(1);
        assert_null(allocate(kind));
        void *memory = allocate(kind); /* once only */
        assert_non_null(memory);
        psv_free(memory);
    }
    psv_memory_fail_after(3);
    void *first = psv_malloc(1);
    void *second = psv_malloc(1);
    void *third = psv_malloc(1);
    void *fourth = psv_malloc(1);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(third);
    assert_non_null(fourth);
    psv_free(first);
    psv_free(second);
    psv_free(fourth);

    psv_memory_fail_after(1);
    psv_memory_fail_after(0);
    first = psv_malloc(1);
    assert_non_null(first);
    psv_free(first);
}

static void *allocate_on_thread(void *argument)
{
    uint64_t *ret_count = argument;
    void *memory = psv_malloc(1);
    *ret_count = memory != NULL ? psv_memory_allocation_count() : 0;
    psv_free(memory);
    return NULL;
}

static void test_each_thread_counts_for_itself(void **state)
{
    (void)state;
    uint64_t before = psv_memory_allocation_count();
    uint64_t other_count = 0;
    pthread_t thread;
    psv_memory_fail_after(1);
    assert_int_equal(pthread_create(&thread, NULL, allocate_on_thread, &other_count), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(other_count, 1); /* its first, and it did not fail */
    assert_int_equal(psv_memory_allocation_count(), before);
    assert_null(psv_malloc(1));
    assert_int_equal(psv_memory_allocation_count(), before + 1);
}

static jmp_buf back;

static void jump_back(const char *file, int line, const char *what)
{
    (void)file;
    (void)line;
    (void)what;
    longjmp(back, 1);
}

static void test_or_die(void **state)
{
    (void)state;
    void *memory = psv_calloc_or_die(2, 8);
    assert_non_null(memory);
    psv_free(memory);

    volatile bool has_returned = false;
    psv_panic_set_hook(jump_back);
    if (setjmp(back) == 0) {
        psv_memory_fail_after(1);
        psv_free(psv_calloc_or_die(1, 1));
        has_returned = true;
    }
    psv_panic_set_hook(jump_back);
    if (setjmp(back) == 0) {
        psv_free(psv_calloc_aligned(48, 1)); /* no power of two */
        has_returned = true;
    }
    psv_panic_set_hook(NULL);
    assert_false(has_returned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocate),   cmocka_unit_test(test_sizes_at_the_edges),
        cmocka_unit_test(test_copies),     cmocka_unit_test(test_aligned),
        cmocka_unit_test(test_fail_after), cmocka_unit_test(test_each_thread_counts_for_itself),
        cmocka_unit_test(test_or_die),
    };
    return cmocka_run_group_tests_name("base/memory", tests, NULL, NULL);
}
