/* The growing buffer: content, maximum, all-or-nothing.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "table.h"

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "fail_alloc.h"

static void test_append(void **state)
{
    (void)state;
    struct psv_buffer buffer;
    psv_buffer_init(&buffer, 1 << 20);
    assert_int_equal(psv_buffer_bytes(&buffer).len, 0);
    assert_int_equal(psv_buffer_append(&buffer, NULL, 0), 0);
    assert_int_equal(psv_buffer_append(&buffer, "ab", 2), 0);
    assert_int_equal(psv_buffer_append_bytes(&buffer, PSV_BYTES("cd")), 0);
    assert_int_equal(psv_buffer_append_bytes(&buffer, PSV_BYTES_EMPTY), 0);
    assert_int_equal(psv_buffer_append_byte(&buffer, 'e'), 0);
    assert_int_equal(psv_buffer_printf(&buffer, "-%d-%s", 42, "x"), 0);
    assert_bytes_equal(psv_buffer_bytes(&buffer), "abcde-42-x");
    psv_buffer_clear(&buffer);
    assert_int_equal(buffer.len, 0);
    assert_true(buffer.capacity > 0);
    psv_buffer_fini(&buffer);
    assert_null(buffer.data);
    assert_int_equal(psv_buffer_append_byte(&buffer, 'z'), 0); /* usable again */
    assert_bytes_equal(psv_buffer_bytes(&buffer), "z");
    psv_buffer_fini(&buffer);
}

static void test_growth_is_amortised(void **state)
{
    (void)state;
    struct psv_buffer buffer;
    psv_buffer_init(&buffer, 1 << 20);
    uint64_t before = psv_memory_allocation_count();
    for (int i = 0; i < 1 << 20; i++)
        assert_int_equal(psv_buffer_append_byte(&buffer, (char)i), 0);
    assert_in_range(psv_memory_allocation_count() - before, 1, 16);
    for (int i = 0; i < 1 << 20; i += 4099)
        assert_int_equal(buffer.data[i], (char)i);
    assert_int_equal(buffer.capacity, 1 << 20);
    psv_buffer_fini(&buffer);
}

static void test_maximum(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        size_t max_bytes;
        size_t first;
        size_t second;
        int result;
    } cases[] = {
        {ROW("nothing allowed, nothing given"), 0, 0, 0, 0},
        {ROW("nothing allowed"), 0, 0, 1, PSV_ELIMIT},
        {ROW("exactly full"), 10, 4, 6, 0},
        {ROW("one too many"), 10, 4, 7, PSV_ELIMIT},
        {ROW("one too many for a full one"), 10, 10, 1, PSV_ELIMIT},
        {ROW("length that would wrap around"), 10, 4, SIZE_MAX - 2, PSV_ELIMIT},
        {ROW("maximum above the first capacity"), 1000, 999, 1, 0},
    };
    static const char data[1000] = "abcdefghij";
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_buffer buffer;
        psv_buffer_init(&buffer, row->max_bytes);
        assert_int_equal(psv_buffer_append(&buffer, data, row->first), 0);
        assert_int_equal(psv_buffer_append(&buffer, data, row->second), row->result);
        assert_int_equal(buffer.len, row->result == 0 ? row->first + row->second : row->first);
        assert_true(buffer.capacity <= row->max_bytes);
        psv_buffer_fini(&buffer);
    }
    struct psv_buffer buffer;
    psv_buffer_init(&buffer, SIZE_MAX);
    assert_int_equal(psv_buffer_reserve(&buffer, SIZE_MAX), PSV_ENOMEM);
    assert_int_equal(psv_buffer_append_byte(&buffer, 'x'), 0);
    psv_buffer_fini(&buffer);
    psv_buffer_init(&buffer, 0);
    assert_int_equal(psv_buffer_append_byte(&buffer, 'x'), PSV_ELIMIT);
    psv_buffer_fini(&buffer);
}

static void test_printf(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        size_t max_bytes;
        size_t before;
        size_t text;
        int result;
    } cases[] = {
        {ROW("nothing into nothing"), 0, 0, 0, 0},
        {ROW("one into nothing"), 0, 0, 1, PSV_ELIMIT},
        {ROW("room for text and NUL"), 100, 10, 89, 0},
        {ROW("room for the text, none for the NUL"), 100, 10, 90, 0},
        {ROW("one too long"), 100, 10, 91, PSV_ELIMIT},
        {ROW("first allocation"), 5000, 0, 3, 0},
        {ROW("longer than the capacity"), 5000, 10, 3000, 0},
        {ROW("ends with the capacity"), 5000, 10, 246, 0},
        {ROW("exactly the maximum after growth"), 5000, 10, 4990, 0},
    };
    static char xs[5001];
    memset(xs, 'x', sizeof(xs));
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_buffer buffer;
        psv_buffer_init(&buffer, row->max_bytes);
        assert_int_equal(psv_buffer_append(&buffer, xs, row->before), 0);
        assert_int_equal(psv_buffer_printf(&buffer, "%.*s", (int)row->text, xs), row->result);
        size_t expected = row->before + (row->result == 0 ? row->text : 0);
        assert_int_equal(buffer.len, expected);
        assert_memory_equal(expected > 0 ? buffer.data : xs, xs, expected);
        psv_buffer_fini(&buffer);
    }
}

static void test_printf_that_fails(void **state)
{
    (void)state;
    static const wchar_t unprintable[] = {0x20ac, 0}; /* in the C locale */
    struct psv_buffer buffer;
    psv_buffer_init(&buffer, 100);
    assert_int_equal(psv_buffer_printf(&buffer, "%ls", unprintable), PSV_EINVAL);
    assert_int_equal(buffer.len, 0);
    psv_buffer_fini(&buffer);
}

static jmp_buf back;
static void jump_back(const char *file, int line, const char *what)
{
    (void)file;
    (void)line;
    (void)what;
    longjmp(back, 1);
}

static void test_consume(void **state)
{
    (void)state;
    struct psv_buffer buffer;
    psv_buffer_init(&buffer, 100);
    psv_buffer_consume(&buffer, 0); /* of nothing */
    assert_int_equal(psv_buffer_append(&buffer, "abcdef", 6), 0);
    psv_buffer_consume(&buffer, 0);
    psv_buffer_consume(&buffer, 2);
    assert_bytes_equal(psv_buffer_bytes(&buffer), "cdef");
    psv_buffer_consume(&buffer, 4);
    assert_int_equal(buffer.len, 0);
    volatile bool has_returned = false;
    psv_panic_set_hook(jump_back);
    if (setjmp(back) == 0) {
        psv_buffer_consume(&buffer, 1);
        has_returned = true;
    }
    psv_panic_set_hook(NULL);
    assert_false(has_returned);
    psv_buffer_fini(&buffer);
}

static void test_reserve(void **state)
{
    (void)state;
    struct psv_buffer buffer;
    psv_buffer_init(&buffer, 10000);
    assert_int_equal(psv_buffer_reserve(&buffer, 5000), 0);
    assert_true(buffer.capacity >= 5000);
    char *data = buffer.data;
    memcpy(buffer.data, "xyz", 3);
    buffer.len += 3;
    assert_int_equal(psv_buffer_reserve(&buffer, 4997), 0);
    assert_ptr_equal(buffer.data, data);
    assert_int_equal(psv_buffer_reserve(&buffer, 9998), PSV_ELIMIT);
    assert_bytes_equal(psv_buffer_bytes(&buffer), "xyz");
    psv_buffer_fini(&buffer);
}

static int fill(void *context)
{
    (void)context;
    struct psv_buffer buffer;
    psv_buffer_init(&buffer, 2000);
    static const char text[1500] = "text";
    size_t before = 0;
    int error = psv_buffer_append_byte(&buffer, 'a');
    if (error == 0) {
        before = buffer.len;
        error = psv_buffer_append(&buffer, text, sizeof(text));
    }
    if (error == 0) {
        before = buffer.len;
        error = psv_buffer_printf(&buffer, "%0499d", 7); /* full to the byte: formatted aside */
    }
    if (error == 0) {
        assert_int_equal(buffer.len, 2000);
        assert_int_equal(buffer.data[1999], '7');
    } else {
        assert_int_equal(buffer.len, before);
    }
    psv_buffer_fini(&buffer);
    return error;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_int_equal(fail_each_allocation(fill, NULL), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_growth_is_amortised),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_printf),
        cmocka_unit_test(test_printf_that_fails),
        cmocka_unit_test(test_consume),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("base/buffer", tests, NULL, NULL);
}
