/* Anonymous mappings: sizes, growth, and what happens without address space.
 *
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "limit.h"
#include "table.h"

#include "base/error.h"
#include "os/mapping.h"

static void test_whole_pages_of_zeros(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const struct {
        TABLE_ROW;
        size_t bytes;
        size_t capacity;
    } cases[] = {
        {ROW("a byte"), 1, page},
        {ROW("a page"), page, page},
        {ROW("a byte more"), page + 1, 2 * page},
        {ROW("many"), 100 * page - 1, 100 * page},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_mapping mapping;
        assert_int_equal(psv_mapping_open(&mapping, row->bytes), 0);
        assert_int_equal(mapping.capacity, row->capacity);
        assert_int_equal(mapping.data[0], 0);
        assert_int_equal(mapping.data[row->capacity - 1], 0);
        memset(mapping.data, 'x', mapping.capacity);
        psv_mapping_close(&mapping);
        assert_null(mapping.data);
        psv_mapping_close(&mapping);
    }
}

static void test_growing_keeps_what_is_there(void **state)
{
    struct psv_mapping mapping;

    (void)state;
    assert_int_equal(psv_mapping_open(&mapping, 10), 0);
    size_t page = mapping.capacity;
    memset(mapping.data, 'x', page);
    assert_int_equal(psv_mapping_grow(&mapping, 5), 0); /* it is large enough */
    assert_int_equal(mapping.capacity, page);
    assert_int_equal(psv_mapping_grow(&mapping, 50 * page + 1), 0);
    assert_int_equal(mapping.capacity, 51 * page);
    assert_int_equal(mapping.data[0], 'x');
    assert_int_equal(mapping.data[page - 1], 'x');
    assert_int_equal(mapping.data[page], 0);
    psv_mapping_close(&mapping);
}

static void test_without_address_space(void **state)
{
    struct psv_mapping mapping = {0}, other = {0};

    (void)state;
    assert_int_equal(psv_mapping_open(&mapping, 10), 0);
    mapping.data[0] = 'x';
    size_t capacity = mapping.capacity;
    assert_int_equal(psv_mapping_open(&other, SIZE_MAX), PSV_ENOMEM);
    assert_int_equal(psv_mapping_grow(&mapping, SIZE_MAX), PSV_ENOMEM);
    struct rlimit before = limit_to(RLIMIT_AS, 0);
    int opened = psv_mapping_open(&other, 1);
    int grown = psv_mapping_grow(&mapping, capacity + 1);
    limit_back(RLIMIT_AS, &before);
    assert_int_equal(opened, PSV_ENOMEM);
    assert_int_equal(grown, PSV_ENOMEM);
    assert_null(other.data);
    assert_int_equal(mapping.capacity, capacity);
    assert_int_equal(mapping.data[0], 'x');
    psv_mapping_close(&mapping);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_pages_of_zeros),
        cmocka_unit_test(test_growing_keeps_what_is_there),
        cmocka_unit_test(test_without_address_space),
    };
    return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
