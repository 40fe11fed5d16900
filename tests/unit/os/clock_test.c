/* The clocks: units, direction, order of exact and coarse.
 *
 * SPDX-License-Identifier: MIT */
#include <time.h>

#include "table.h"

#include "os/clock.h"

static void test_monotonic(void **state)
{
    (void)state;
    uint64_t before = psv_clock_monotonic_ns();
    for (int i = 0; i < 10000; i++) {
        uint64_t coarse = psv_clock_monotonic_coarse_ns();
        uint64_t now = psv_clock_monotonic_ns();
        assert_true(now >= before);
        assert_true(coarse <= now);
        assert_true(now - coarse < 2 * PSV_NS_PER_S);
        before = now;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    assert_in_range(psv_clock_monotonic_ns() / PSV_NS_PER_S, (uint64_t)now.tv_sec, (uint64_t)now.tv_sec + 60);
}

static void test_unix(void **state)
{
    (void)state;
    uint64_t seconds = (uint64_t)time(NULL);
    assert_in_range(psv_clock_unix_us() / PSV_US_PER_S, seconds, seconds + 60);
    assert_in_range(psv_clock_unix_coarse_us() / PSV_US_PER_S, seconds - 1, seconds + 60);
}

static void test_thread_cpu(void **state)
{
    (void)state;
    uint64_t begin = psv_clock_thread_cpu_ns();
    uint64_t used;
    do {
        used = psv_clock_thread_cpu_ns() - begin; /* ends only because reading it uses time */
    } while (used < PSV_NS_PER_MS);
    assert_true(used < 60 * PSV_NS_PER_S);
}

static void test_sooner(void **state)
{
    (void)state;
    assert_true(psv_clock_sooner(0, 0) == 0);
    assert_true(psv_clock_sooner(0, 5) == 5);
    assert_true(psv_clock_sooner(5, 0) == 5);
    assert_true(psv_clock_sooner(5, 6) == 5);
    assert_true(psv_clock_sooner(6, 5) == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monotonic),
        cmocka_unit_test(test_unix),
        cmocka_unit_test(test_thread_cpu),
        cmocka_unit_test(test_sooner),
    };
    return cmocka_run_group_tests_name("os/clock", tests, NULL, NULL);
}
