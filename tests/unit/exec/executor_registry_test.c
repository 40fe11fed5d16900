/* The list of executors.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/executor_registry.h"

#include "table.h"

static void test_registered_ones_are_found(void **state)
{
    static const struct psv_executor first = {.name = "first"};
    static const struct psv_executor second = {.name = "second"};

    (void)state;
    assert_null(psv_executor_find("first"));
    assert_null(psv_executor_at(0));
    psv_executor_register(&first);
    psv_executor_register(&second);
    psv_executor_register(&psv_executor_stub);
    assert_ptr_equal(psv_executor_find("first"), &first);
    assert_ptr_equal(psv_executor_find("second"), &second);
    assert_ptr_equal(psv_executor_find("stub"), &psv_executor_stub);
    assert_null(psv_executor_find("firs"));
    assert_null(psv_executor_find(""));
    assert_ptr_equal(psv_executor_at(1), &second);
    assert_null(psv_executor_at(3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_registered_ones_are_found)};
    return cmocka_run_group_tests_name("executor_registry", tests, NULL, NULL);
}
