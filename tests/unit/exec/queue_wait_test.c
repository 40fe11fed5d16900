/* The job queue's sleepers who do not wait for ever: deadlines, nudges, and that no job and no wake-up is
 * lost with them under random schedules.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/queue.h"

#include "queue_model.h"

#define WORKERS_MAX 5
#define ASLEEP 1 /* PARKING_ASLEEP */
#define AWAY 3   /* PARKING_AWAY */

/* ---- by the hand */

static struct psv_queue queue;

struct sleeper {
    pthread_t thread;
    unsigned index;
    uint64_t deadline_ns;
    struct psv_job *job;
    enum psv_queue_pop why;
};

static void *run_sleeper(void *context)
{
    struct sleeper *sleeper = context;

    sleeper->job = psv_queue_pop_until(&queue, sleeper->index, sleeper->deadline_ns, &sleeper->why);
    return NULL;
}

static void start_sleeper(struct sleeper *sleeper, unsigned index)
{
    *sleeper = (struct sleeper){.index = index};
    assert_int_equal(pthread_create(&sleeper->thread, NULL, run_sleeper, sleeper), 0);
    WAIT_UNTIL(atomic_load(&queue.parkings[index].state) == ASLEEP);
}

static void test_a_deadline_ends_the_wait(void **state)
{
    enum psv_queue_pop why = PSV_QUEUE_STOPPED;

    (void)state;
    assert_int_equal(psv_queue_init(&queue, 4, 2, 0, 2), 0);
    uint64_t begin_ns = psv_clock_monotonic_ns();
    assert_null(psv_queue_pop_until(&queue, 0, begin_ns + 20 * PSV_NS_PER_MS, &why));
    assert_int_equal(why, PSV_QUEUE_TIMEOUT);
    assert_true(psv_clock_monotonic_ns() >= begin_ns + 20 * PSV_NS_PER_MS);
    why = PSV_QUEUE_STOPPED;
    assert_null(psv_queue_pop_until(&queue, 0, 1, &why)); /* long past */
    assert_int_equal(why, PSV_QUEUE_TIMEOUT);
    assert_int_equal(atomic_load(&queue.idle_len), 1); /* it has not been put there twice */
    assert_int_equal(psv_queue_push(&queue, job_of(7)), 0);
    assert_ptr_equal(psv_queue_pop_until(&queue, 0, 1, &why), job_of(7)); /* jobs come first */
    psv_queue_stop(&queue);
    assert_null(psv_queue_pop_until(&queue, 0, 1, &why));
    assert_int_equal(why, PSV_QUEUE_STOPPED);
    psv_queue_fini(&queue);
}

static void test_who_is_away_hands_the_wake_to_the_next(void **state)
{
    enum psv_queue_pop why;
    struct sleeper below;

    (void)state;
    assert_int_equal(psv_queue_init(&queue, 4, 2, 0, 2), 0);
    start_sleeper(&below, 0);
    assert_null(psv_queue_pop_until(&queue, 1, 1, &why)); /* lies on top now */
    assert_int_equal(atomic_load(&queue.parkings[1].state), AWAY);
    assert_int_equal(atomic_load(&queue.idle_len), 2);
    assert_int_equal(psv_queue_push(&queue, job_of(1)), 0);
    assert_int_equal(pthread_join(below.thread, NULL), 0);
    assert_ptr_equal(below.job, job_of(1));
    assert_int_equal(atomic_load(&queue.idle_len), 0);
    /* nobody sleeps: the one that was away finds the job by itself */
    assert_null(psv_queue_pop_until(&queue, 1, 1, &why));
    assert_int_equal(psv_queue_push(&queue, job_of(2)), 0);
    assert_int_equal(atomic_load(&queue.is_waking), 0); /* nobody was woken, and nobody is thought to be */
    assert_ptr_equal(psv_queue_pop_until(&queue, 1, 0, &why), job_of(2));
    psv_queue_stop(&queue);
    psv_queue_fini(&queue);
}

static void test_a_nudge_reaches_each_once(void **state)
{
    struct sleeper sleepers[3];
    enum psv_queue_pop why = PSV_QUEUE_STOPPED;

    (void)state;
    assert_int_equal(psv_queue_init(&queue, 4, 4, 0, 4), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(sleepers); i++) {
        start_sleeper(&sleepers[i], i);
    }
    psv_queue_nudge(&queue);
    for (unsigned i = 0; i < ARRAY_SIZE(sleepers); i++) {
        assert_int_equal(pthread_join(sleepers[i].thread, NULL), 0);
        assert_null(sleepers[i].job);
        assert_int_equal(sleepers[i].why, PSV_QUEUE_NUDGED);
    }
    /* one that did not sleep learns it when it looks for a job and there is none */
    assert_int_equal(psv_queue_push(&queue, job_of(1)), 0);
    assert_ptr_equal(psv_queue_pop_until(&queue, 3, 0, &why), job_of(1));
    assert_null(psv_queue_pop_until(&queue, 3, 0, &why));
    assert_int_equal(why, PSV_QUEUE_NUDGED);
    assert_null(psv_queue_pop_until(&queue, 3, 1, &why));
    assert_int_equal(why, PSV_QUEUE_TIMEOUT);
    psv_queue_fini(&queue);
}

/* Who sleeps while it is nudged may have to end: it takes nothing that was pushed after the nudge, even if
 * that is what wakes it. */
static void test_what_comes_after_a_nudge_is_for_others(void **state)
{
    struct sleeper sleeper;
    enum psv_queue_pop why = PSV_QUEUE_STOPPED;

    (void)state;
    assert_int_equal(psv_queue_init(&queue, 4, 2, 0, 2), 0);
    start_sleeper(&sleeper, 0);
    atomic_fetch_add(&queue.nudges, 1); /* psv_queue_nudge(), before it has woken anybody */
    assert_int_equal(psv_queue_push(&queue, job_of(1)), 0);
    assert_int_equal(pthread_join(sleeper.thread, NULL), 0);
    assert_null(sleeper.job);
    assert_int_equal(sleeper.why, PSV_QUEUE_NUDGED);
    assert_ptr_equal(psv_queue_pop_until(&queue, 1, 0, &why), job_of(1));
    psv_queue_fini(&queue);
}

static void test_a_plain_wait_sleeps_through_nudges(void **state)
{
    struct psv_job *job;

    (void)state;
    assert_int_equal(psv_queue_init(&queue, 4, 1, 0, 1), 0);
    psv_queue_nudge(&queue);
    assert_int_equal(psv_queue_push(&queue, job_of(1)), 0);
    job = pop_wait(&queue, 0);
    assert_ptr_equal(job, job_of(1));
    psv_queue_stop(&queue);
    assert_null(pop_wait(&queue, 0));
    assert_true(psv_queue_is_over(&queue));
    psv_queue_fini(&queue);
}

/* Jobs of 10 us, one that is at it (for ever: the test's own pace is no matter), one that sleeps. */
static void test_little_work_wakes_nobody(void **state)
{
    uint64_t now_ns = psv_clock_monotonic_ns();
    struct sleeper sleeper;

    (void)state;
    assert_int_equal(psv_queue_init(&queue, 16, 2, 0, 2), 0);
    start_sleeper(&sleeper, 0);
    psv_queue_note_begin(&queue, 1, now_ns + 60 * PSV_NS_PER_S);
    psv_queue_note_end(&queue, 1, 10000);
    for (uintptr_t number = 1; number <= 4; number++) {
        assert_int_equal(psv_queue_push(&queue, job_of(number)), 0);
    }
    assert_int_equal(atomic_load(&queue.wakes), 0);
    assert_true(psv_queue_is_held_back(&queue));
    assert_int_equal(psv_queue_push(&queue, job_of(5)), 0); /* 50 us */
    assert_int_equal(pthread_join(sleeper.thread, NULL), 0);
    assert_ptr_equal(sleeper.job, job_of(1));
    assert_int_equal(atomic_load(&queue.wakes), 1);
    psv_queue_fini(&queue);
}

/* Each way in which the one who was at it is so no more. */
static void test_somebody_is_woken_when_nobody_is_at_it(void **state)
{
    enum { STALLS, FELL_ASLEEP, LEFT, LONG_JOBS };
    static const struct {
        TABLE_ROW;
        int way;
    } cases[] = {
        {ROW("nothing is taken any more"), STALLS},
        {ROW("it found no job"), FELL_ASLEEP},
        {ROW("it ended"), LEFT},
        {ROW("jobs take longer now"), LONG_JOBS},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        enum psv_queue_pop why;
        struct sleeper sleeper;
        assert_int_equal(psv_queue_init(&queue, 16, 2, 0, 2), 0);
        start_sleeper(&sleeper, 0);
        psv_queue_note_begin(&queue, 1, psv_clock_monotonic_ns() + 60 * PSV_NS_PER_S);
        psv_queue_note_end(&queue, 1, 10000);
        if (row->way == FELL_ASLEEP) {
            assert_null(psv_queue_pop_until(&queue, 1, 1, &why));
        } else if (row->way == LONG_JOBS) {
            psv_queue_note_end(&queue, 1, PSV_NS_PER_MS);
        }
        assert_int_equal(psv_queue_push(&queue, job_of(1)), 0);
        if (row->way == STALLS) {
            assert_int_equal(atomic_load(&queue.wakes), 0);
            psv_queue_relieve(&queue);
        } else if (row->way == LEFT) {
            assert_int_equal(atomic_load(&queue.wakes), 0);
            psv_queue_note_leave(&queue, 1);
        }
        assert_int_equal(pthread_join(sleeper.thread, NULL), 0);
        assert_ptr_equal(sleeper.job, job_of(1));
        psv_queue_fini(&queue);
    }
}

/* ---- random schedules */

static struct queue_model model;

static struct {
    _Atomic uint64_t timeouts;
    _Atomic uint64_t nudges; /* that were sent */
    _Atomic uint32_t wanted; /* what the last nudge was for: workers must learn it */
    _Atomic uint32_t seen[WORKERS_MAX];
    unsigned workers;
} waits;

/* Nudges, and waits until each worker has learned why: also those without a deadline, who may just have been
 * falling asleep. */
static void *nudge(void *context)
{
    struct model_thread *self = context;

    while (!atomic_load(&model.is_over)) {
        uint32_t wanted = atomic_fetch_add(&waits.wanted, 1) + 1;
        psv_queue_nudge(&model.queue);
        atomic_fetch_add(&waits.nudges, 1);
        for (unsigned i = 0; i < waits.workers; i++) {
            WAIT_UNTIL(atomic_load(&waits.seen[i]) >= wanted);
        }
        pause_randomly(&self->random);
    }
    return NULL;
}

/* Half of the waits are without a deadline: when a wake-up is lost while all are in one of those, a job lies
 * there, or a nudge is not seen, and WAIT_UNTIL finds that. */
static uint64_t choose_deadline_ns(struct model_thread *self)
{
    switch (test_random(&self->random) % 4) {
    case 0:
        return 1;
    case 1:
        return psv_clock_monotonic_ns() + test_random(&self->random) % 50000;
    default:
        return 0;
    }
}

static void *consume(void *context)
{
    struct model_thread *self = context;

    for (;;) {
        enum psv_queue_pop why = PSV_QUEUE_STOPPED;
        atomic_store(&waits.seen[self->index], atomic_load(&waits.wanted));
        struct psv_job *job = psv_queue_pop_until(&model.queue, self->index, choose_deadline_ns(self), &why);
        if (job == NULL && why == PSV_QUEUE_STOPPED) {
            return NULL;
        }
        if (job != NULL) {
            psv_queue_note_begin(&model.queue, self->index, psv_clock_monotonic_ns());
            psv_queue_note_end(&model.queue, self->index, test_random(&self->random) % 20000);
            queue_model_count(&model, job);
        }
        atomic_fetch_add(&waits.timeouts, job == NULL && why == PSV_QUEUE_TIMEOUT);
        pause_randomly(&self->random);
    }
}

static void run_model(unsigned producers, unsigned workers, unsigned awake_max, size_t capacity,
                      uint64_t run_ns)
{
    struct model_thread threads[WORKERS_MAX + 4];
    unsigned len = 0;

    memset(&waits, 0, sizeof(waits));
    waits.workers = workers;
    queue_model_init(&model, workers, awake_max, capacity);
    for (; len < workers + producers + 1; len++) {
        model_thread_start(&threads[len], &model, len,
                           len < workers               ? consume
                           : len < workers + producers ? queue_model_produce
                                                       : nudge);
    }
    uint64_t until_ns = psv_clock_monotonic_ns() + run_ns;
    while (psv_clock_monotonic_ns() < until_ns || atomic_load(&model.pushed) == 0 ||
           atomic_load(&waits.timeouts) == 0 || atomic_load(&waits.nudges) < 2) {
        usleep(1000);
    }
    atomic_store(&model.is_over, true);
    for (unsigned i = workers; i < len; i++) {
        assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
    }
    /* nobody pushes any more: what is inside must get out by itself */
    WAIT_UNTIL(atomic_load(&model.popped) == atomic_load(&model.pushed));
    psv_queue_stop(&model.queue);
    for (unsigned i = 0; i < workers; i++) {
        assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
    }
    queue_model_fini(&model);
}

static void test_deadlines_and_nudges_lose_nothing(void **state)
{
    static const struct {
        TABLE_ROW;
        unsigned producers;
        unsigned workers;
        unsigned awake_max;
        size_t capacity;
    } cases[] = {
        {ROW("one and one"), 1, 1, 1, 4},
        {ROW("one loop, three workers"), 1, 3, 3, 100},
        {ROW("two loops, two workers, tiny ring"), 2, 2, 2, 1},
        {ROW("three loops, five workers"), 3, 5, 5, 16},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        run_model(row->producers, row->workers, row->awake_max, row->capacity,
                  test_run_ns() / ARRAY_SIZE(cases));
    }
}

static _Atomic uint32_t returns;

static void *count_nudges(void *context)
{
    enum psv_queue_pop why = PSV_QUEUE_NUDGED;

    (void)context;
    while (psv_queue_pop_until(&queue, 0, 0, &why) == NULL && why == PSV_QUEUE_NUDGED) {
        atomic_fetch_add(&returns, 1);
    }
    return NULL;
}

/* Nudges just when the worker is about to fall asleep: it must not sleep through it. */
static void test_a_nudge_reaches_who_falls_asleep(void **state)
{
    pthread_t thread;
    uint64_t random = 4711;
    uint64_t until_ns = psv_clock_monotonic_ns() + test_run_ns() / 2;

    (void)state;
    assert_int_equal(psv_queue_init(&queue, 4, 1, 0, 1), 0);
    atomic_store(&returns, 0);
    assert_int_equal(pthread_create(&thread, NULL, count_nudges, NULL), 0);
    for (uint32_t i = 1; psv_clock_monotonic_ns() < until_ns; i++) {
        for (volatile uint64_t spins = test_random(&random) % 100; spins > 0; spins--) {
        }
        psv_queue_nudge(&queue);
        for (unsigned spins = 0; spins < 10000 && atomic_load(&returns) != i; spins++) {
        }
        WAIT_UNTIL(atomic_load(&returns) == i);
    }
    psv_queue_stop(&queue);
    assert_int_equal(pthread_join(thread, NULL), 0);
    psv_queue_fini(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_deadline_ends_the_wait),
        cmocka_unit_test(test_who_is_away_hands_the_wake_to_the_next),
        cmocka_unit_test(test_a_nudge_reaches_each_once),
        cmocka_unit_test(test_what_comes_after_a_nudge_is_for_others),
        cmocka_unit_test(test_a_plain_wait_sleeps_through_nudges),
        cmocka_unit_test(test_little_work_wakes_nobody),
        cmocka_unit_test(test_somebody_is_woken_when_nobody_is_at_it),
        cmocka_unit_test(test_a_nudge_reaches_who_falls_asleep),
        cmocka_unit_test(test_deadlines_and_nudges_lose_nothing),
    };
    return cmocka_run_group_tests_name("queue_wait", tests, NULL, NULL);
}
