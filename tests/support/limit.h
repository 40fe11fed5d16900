/* Takes descriptors or address space away from the test's own process, and gives them back.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

/** From now on there is no more than `left` of RLIMIT_NOFILE or RLIMIT_AS; returns what limit_back() needs.
 * Nothing may fail in between: the runner would go on without. */
static inline struct rlimit limit_to(int resource, rlim_t left)
{
    struct rlimit before;

    assert_int_equal(getrlimit(resource, &before), 0);
    struct rlimit now = {.rlim_cur = left, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(resource, &now), 0);
    return before;
}

static inline void limit_back(int resource, const struct rlimit *before)
{
    assert_int_equal(setrlimit(resource, before), 0);
}
