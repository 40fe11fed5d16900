/* Tests of net/timer.c with a clock of the test's own.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include "net/timer.h"

#define MS UINT64_C(1000000)

struct fixture {
    struct psv_timer_wheel wheel;
    struct psv_timer_queue quick; /* 1 ms */
    struct psv_timer_queue slow;  /* 1 s */
    struct psv_timer_queue never;
    uint64_t tick_ns; /* what the loop was asked for */
    unsigned ticks_set;
    struct psv_timer *expired[8];
    unsigned expired_len;
    bool restarts;
};

static void set_tick(void *context, uint64_t at_ns)
{
    struct fixture *fixture = context;

    fixture->tick_ns = at_ns;
    fixture->ticks_set++;
}

static void on_expire(struct psv_timer *timer, void *context)
{
    struct fixture *fixture = context;

    assert_false(psv_timer_is_running(timer));
    fixture->expired[fixture->expired_len++] = timer;
    if (fixture->restarts) {
        psv_timer_start(&fixture->quick, timer, timer->deadline_ns);
    }
}

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.tick_ns = 0};
    psv_timer_wheel_init(&fixture.wheel, set_tick, &fixture);
    psv_timer_queue_init(&fixture.quick, &fixture.wheel, 1 * MS, on_expire, &fixture);
    psv_timer_queue_init(&fixture.slow, &fixture.wheel, 1000 * MS, on_expire, &fixture);
    psv_timer_queue_init(&fixture.never, &fixture.wheel, 0, on_expire, &fixture);
    *state = &fixture;
    return 0;
}

static void test_expire_in_order_and_not_before_their_time(void **state)
{
    struct fixture *fixture = *state;
    struct psv_timer timers[3];

    for (unsigned i = 0; i < ARRAY_SIZE(timers); i++) {
        psv_timer_init(&timers[i]);
        psv_timer_start(&fixture->slow, &timers[i], i * 100 * MS);
    }
    psv_timer_wheel_run(&fixture->wheel, 1000 * MS - 1);
    assert_int_equal(fixture->expired_len, 0);
    psv_timer_wheel_run(&fixture->wheel, 1100 * MS);
    assert_int_equal(fixture->expired_len, 2);
    assert_ptr_equal(fixture->expired[0], &timers[0]);
    assert_ptr_equal(fixture->expired[1], &timers[1]);
    assert_true(psv_timer_is_running(&timers[2]));
    assert_true(fixture->tick_ns >= 1200 * MS && fixture->tick_ns <= 1210 * MS);
    psv_timer_stop(&timers[2]);
    psv_timer_wheel_run(&fixture->wheel, 5000 * MS);
    assert_int_equal(fixture->expired_len, 2);
}

static void test_the_tick_suits_the_shortest(void **state)
{
    struct fixture *fixture = *state;
    struct psv_timer slow;
    struct psv_timer quick;

    psv_timer_init(&slow);
    psv_timer_init(&quick);
    psv_timer_start(&fixture->slow, &slow, 0);
    assert_true(fixture->tick_ns >= 1000 * MS && fixture->tick_ns <= 1010 * MS);
    psv_timer_start(&fixture->quick, &quick, 0);
    assert_true(fixture->tick_ns >= 1 * MS && fixture->tick_ns <= 1 * MS + 1 * MS / 8);
    psv_timer_wheel_run(&fixture->wheel, fixture->tick_ns);
    assert_int_equal(fixture->expired_len, 1);
    assert_true(fixture->tick_ns >= 1000 * MS && fixture->tick_ns <= 1010 * MS);
}

static void test_an_owner_may_want_it_more_exactly(void **state)
{
    struct fixture *fixture = *state;
    struct psv_timer timer;

    fixture->slow.slack_ns = 1 * MS;
    psv_timer_init(&timer);
    psv_timer_start(&fixture->slow, &timer, 0);
    assert_true(fixture->tick_ns >= 1000 * MS && fixture->tick_ns <= 1001 * MS);
}

/* A connection restarts its timer with every request: the clock is left alone. */
static void test_restarts_set_no_ticks(void **state)
{
    struct fixture *fixture = *state;
    struct psv_timer timer;

    psv_timer_init(&timer);
    for (uint64_t now = 0; now < 1000; now++) {
        psv_timer_start(&fixture->slow, &timer, now * MS / 2);
    }
    assert_int_equal(fixture->ticks_set, 1);
    psv_timer_wheel_run(&fixture->wheel, fixture->tick_ns); /* too early by now: the next tick is set */
    assert_int_equal(fixture->expired_len, 0);
    assert_int_equal(fixture->ticks_set, 2);
    psv_timer_wheel_run(&fixture->wheel, fixture->tick_ns);
    assert_int_equal(fixture->expired_len, 1);
}

static void test_a_callback_may_start_it_again(void **state)
{
    struct fixture *fixture = *state;
    struct psv_timer timer;

    psv_timer_init(&timer);
    fixture->restarts = true;
    psv_timer_start(&fixture->quick, &timer, 0);
    psv_timer_wheel_run(&fixture->wheel, 1 * MS);
    assert_int_equal(fixture->expired_len, 1);
    assert_true(psv_timer_is_running(&timer));
    psv_timer_wheel_run(&fixture->wheel, 2 * MS);
    assert_int_equal(fixture->expired_len, 2);
}

static void test_no_duration_is_never(void **state)
{
    struct fixture *fixture = *state;
    struct psv_timer timer;

    psv_timer_init(&timer);
    psv_timer_start(&fixture->slow, &timer, 0);
    psv_timer_start(&fixture->never, &timer, 0); /* leaves the other queue, too */
    assert_false(psv_timer_is_running(&timer));
    psv_timer_wheel_run(&fixture->wheel, UINT64_MAX / 2);
    assert_int_equal(fixture->expired_len, 0);
}

#define TIMER_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, NULL)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TIMER_TEST(test_expire_in_order_and_not_before_their_time),
        TIMER_TEST(test_the_tick_suits_the_shortest),
        TIMER_TEST(test_an_owner_may_want_it_more_exactly),
        TIMER_TEST(test_restarts_set_no_ticks),
        TIMER_TEST(test_a_callback_may_start_it_again),
        TIMER_TEST(test_no_duration_is_never),
    };
    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
