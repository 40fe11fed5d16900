/* http2/guard.c: token buckets.
 *
 * SPDX-License-Identifier: MIT */
#include "http2/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define START (1000 * SECOND)

static const int bursts[] = {
#define X(id, burst, rate) burst,
    PSV_H2_GUARD_TABLE(X)
#undef X
};

static const int rates[] = {
#define X(id, burst, rate) rate,
    PSV_H2_GUARD_TABLE(X)
#undef X
};

static int take_all(struct psv_h2_guard *guard, unsigned kind, uint64_t now_ns)
{
    int taken = 0;

    while (psv_h2_guard_take(guard, (enum psv_h2_guard_kind)kind, now_ns)) {
        taken++;
        assert_in_range(taken, 1, 1000000);
    }
    return taken;
}

static void each_kind_has_its_burst_then_its_rate(void **state)
{
    struct psv_h2_guard guard;

    (void)state;
    psv_h2_guard_init(&guard, START);
    for (unsigned kind = 0; kind < PSV_H2_GUARD_COUNT; kind++) {
        assert_int_equal(take_all(&guard, kind, START), bursts[kind]);
    }
    for (unsigned kind = 0; kind < PSV_H2_GUARD_COUNT; kind++) {
        assert_int_equal(take_all(&guard, kind, START + SECOND - 1), 0);
    }
    for (unsigned kind = 0; kind < PSV_H2_GUARD_COUNT; kind++) {
        assert_int_equal(take_all(&guard, kind, START + SECOND), rates[kind]);
    }
    for (unsigned kind = 0; kind < PSV_H2_GUARD_COUNT; kind++) {
        assert_int_equal(take_all(&guard, kind, START + 1000000 * SECOND), bursts[kind]);
    }
}

static void fractions_of_a_second_are_not_lost(void **state)
{
    struct psv_h2_guard guard;
    int taken = 0;

    (void)state;
    psv_h2_guard_init(&guard, START);
    (void)take_all(&guard, PSV_H2_GUARD_PING, START);
    for (uint64_t tenth = 1; tenth <= 100; tenth++) {
        taken += take_all(&guard, PSV_H2_GUARD_PING, START + tenth * SECOND / 10);
    }
    assert_int_equal(taken, 10 * rates[PSV_H2_GUARD_PING]);
}

static void a_refund_fills_up_to_the_burst(void **state)
{
    struct psv_h2_guard guard;

    (void)state;
    psv_h2_guard_init(&guard, START);
    (void)take_all(&guard, PSV_H2_GUARD_WINDOW, START);
    psv_h2_guard_refund(&guard, PSV_H2_GUARD_WINDOW, 3);
    assert_int_equal(take_all(&guard, PSV_H2_GUARD_WINDOW, START), 3);
    psv_h2_guard_refund(&guard, PSV_H2_GUARD_WINDOW, 1000000);
    assert_int_equal(take_all(&guard, PSV_H2_GUARD_WINDOW, START), bursts[PSV_H2_GUARD_WINDOW]);
}

static void a_clock_that_goes_back_gives_nothing(void **state)
{
    struct psv_h2_guard guard;

    (void)state;
    psv_h2_guard_init(&guard, START);
    (void)take_all(&guard, PSV_H2_GUARD_PING, START);
    assert_int_equal(take_all(&guard, PSV_H2_GUARD_PING, START - 5 * SECOND), 0);
    assert_int_equal(take_all(&guard, PSV_H2_GUARD_PING, START + SECOND), rates[PSV_H2_GUARD_PING]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_burst_then_its_rate),
        cmocka_unit_test(fractions_of_a_second_are_not_lost),
        cmocka_unit_test(a_refund_fills_up_to_the_burst),
        cmocka_unit_test(a_clock_that_goes_back_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
