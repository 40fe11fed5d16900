/* Runs an operation again and again with its first, second, ... allocation failing, until it gets through.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "table.h"

#include "base/error.h"
#include "base/memory.h"

/** One whole life: make, use, check, free.  0, or PSV_ENOMEM after cleaning up. */
typedef int fail_alloc_operation_fn(void *context);

/** A run in which an allocation failed must return PSV_ENOMEM; the last, undisturbed one 0.  Returns how many
 * failed: what the caller compares with 0, lest nothing was tested. */
static inline unsigned fail_each_allocation(fail_alloc_operation_fn *operation, void *context)
{
    for (unsigned number = 1;; number++) {
        uint64_t before = psv_memory_allocation_count();
        psv_memory_fail_after(number);
        int result = operation(context);
        psv_memory_fail_after(0);
        if (psv_memory_allocation_count() - before < number) {
            assert_int_equal(result, 0);
            return number - 1;
        }
        if (result != PSV_ENOMEM) {
            print_error("allocation %u failed, and the operation returned %d\n", number, result);
            fail();
        }
    }
}
