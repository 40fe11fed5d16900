/* The ring of samples behind /status.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/macros.h"
#include "handler/history.h"

#define S UINT64_C(1000000000)

static struct psv_history history;
static uint64_t now_ns = 100 * S;

static void serve(unsigned times, unsigned status, uint64_t duration_ns)
{
    const struct psv_metric_request request = {.status = status, .duration_ns = duration_ns};
    for (unsigned i = 0; i < times; i++) {
        psv_metric_request_end_site(0, &request);
    }
}

static void pass(unsigned seconds, uint64_t queue_len, unsigned busy)
{
    for (unsigned i = 0; i < seconds; i++) {
        now_ns += S;
        psv_history_tick(&history, now_ns, queue_len, busy);
    }
}

static void samples(void **state)
{
    (void)state;
    struct psv_history_minute minute;
    serve(7, 200, 1000); /* before: in no sample */
    psv_history_init(&history, now_ns);
    psv_history_read_minute(&history, now_ns, &minute);
    assert_int_equal(minute.requests, 0);
    assert_int_equal(minute.duration_ns, 0);
    serve(10, 200, 2000000);
    serve(5, 503, 900 * UINT64_C(1000000));
    pass(3, 4, 2);
    assert_int_equal(history.len, 0);
    pass(2, 1, 1);
    assert_int_equal(history.len, 1);
    const struct psv_history_sample *sample = psv_history_at(&history, 0);
    assert_int_equal(sample->duration_ns, 5 * S);
    assert_int_equal(sample->requests, 15);
    assert_int_equal(sample->errors, 5);
    assert_int_equal(sample->queue_max, 4);
    assert_int_equal(sample->busy_max, 2);
    assert_true(sample->memory_bytes > 100000);
    assert_true(psv_history_rate(sample->requests, sample->duration_ns) == 3.0);
    assert_in_range(psv_history_quantile_ns(sample, 990), 500 * UINT64_C(1000000), S);
    assert_in_range(psv_history_quantile_ns(sample, 500), 1000000, 2500000);
    /* the maximum begins anew, and what is in no sample yet belongs to the minute */
    serve(1, 500, 1);
    pass(2, 0, 0);
    psv_history_read_minute(&history, now_ns, &minute);
    assert_int_equal(minute.requests, 16);
    assert_int_equal(minute.errors, 6);
    assert_int_equal(minute.duration_ns, 7 * S);
    pass(3, 0, 0);
    assert_int_equal(psv_history_at(&history, 1)->queue_max, 0);
    assert_int_equal(psv_history_at(&history, 1)->requests, 1);
}

static void it_goes_round(void **state)
{
    (void)state;
    struct psv_history_minute minute;
    for (unsigned i = 0; i < 3 * PSV_HISTORY_SAMPLES; i++) {
        serve(i, 200, 1);
        pass(5, i, 0);
    }
    assert_int_equal(history.len, PSV_HISTORY_SAMPLES);
    for (unsigned i = 0; i < PSV_HISTORY_SAMPLES; i++) {
        assert_int_equal(psv_history_at(&history, i)->requests, 2 * PSV_HISTORY_SAMPLES + i);
        assert_int_equal(psv_history_at(&history, i)->queue_max, 2 * PSV_HISTORY_SAMPLES + i);
    }
    psv_history_read_minute(&history, now_ns, &minute);
    uint64_t expected = 0;
    for (unsigned i = 0; i < 11; i++) {
        expected += 3 * PSV_HISTORY_SAMPLES - 1 - i;
    }
    assert_int_equal(minute.requests, expected);
    assert_in_range(minute.duration_ns, 55 * S, 60 * S);
}

static void a_loop_that_was_late(void **state)
{
    (void)state;
    serve(30, 200, 1);
    now_ns += 29 * S;
    pass(1, 0, 0);
    const struct psv_history_sample *sample = psv_history_at(&history, history.len - 1);
    assert_int_equal(sample->duration_ns, 30 * S);
    assert_true(psv_history_rate(sample->requests, sample->duration_ns) == 1.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(samples), cmocka_unit_test(it_goes_round),
                                       cmocka_unit_test(a_loop_that_was_late)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
