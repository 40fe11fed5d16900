/* The job queue: order, capacity, stopping, who is woken, and that no job and no wake-up is lost under random
 * schedules.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/queue.h"

#include "queue_model.h"

#define WORKERS_MAX 8

static void test_order_and_exact_capacity(void **state)
{
    struct psv_queue queue;

    (void)state;
    assert_int_equal(psv_queue_init(&queue, 3, 1, 0, 1), 0);
    for (unsigned round = 0; round < 10; round++) {
        assert_false(psv_queue_is_full(&queue));
        for (uintptr_t i = 1; i <= 3; i++) {
            assert_int_equal(psv_queue_push(&queue, job_of(i)), 0);
            assert_int_equal(psv_queue_len(&queue), i);
        }
        assert_true(psv_queue_is_full(&queue));
        assert_int_equal(psv_queue_push(&queue, job_of(4)), PSV_EFULL);
        for (uintptr_t i = 1; i <= 3; i++) {
            assert_ptr_equal(pop_wait(&queue, 0), job_of(i));
        }
    }
    psv_queue_fini(&queue);
}

static void test_a_stopped_queue_is_emptied_first(void **state)
{
    struct psv_queue queue;

    (void)state;
    assert_int_equal(psv_queue_init(&queue, 10, 1, 0, 1), 0);
    assert_int_equal(psv_queue_push(&queue, job_of(1)), 0);
    assert_int_equal(psv_queue_push(&queue, job_of(2)), 0);
    psv_queue_stop(&queue);
    assert_int_equal(psv_queue_push(&queue, job_of(3)), PSV_ESTOPPING);
    assert_ptr_equal(pop_wait(&queue, 0), job_of(1));
    assert_ptr_equal(pop_wait(&queue, 0), job_of(2));
    assert_null(pop_wait(&queue, 0));
    assert_null(pop_wait(&queue, 0));
    psv_queue_stop(&queue);
    psv_queue_fini(&queue);
}

static int init_and_fini(void *context)
{
    struct psv_queue queue;

    (void)context;
    int code = psv_queue_init(&queue, 100, 4, 0, 4);
    psv_queue_fini(&queue); /* also after a failure */
    return code;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_int_equal(fail_each_allocation(init_and_fini, NULL), 2);
}

/* ---- a queue with workers that the test holds by the hand */

struct crew;

/* The number of a job that gives up the processor, as one does that waits for a database. */
#define SLEEPING_JOB 1000

struct crew_member {
    struct crew *crew;
    unsigned index;
    pthread_t thread;
    _Atomic uintptr_t running; /* the job, 0 = none */
    _Atomic bool may_go_on;
    unsigned done;
};

struct crew {
    struct psv_queue queue;
    unsigned members_len;
    struct crew_member members[WORKERS_MAX];
};

static void *run_member(void *context)
{
    struct crew_member *member = context;
    struct psv_job *job;

    while ((job = pop_wait(&member->crew->queue, member->index)) != NULL) {
        atomic_store(&member->running, (uintptr_t)job);
        WAIT_UNTIL(atomic_load(&member->may_go_on));
        atomic_store(&member->may_go_on, false);
        if ((uintptr_t)job == SLEEPING_JOB) {
            usleep(1000);
        }
        member->done++;
        atomic_store(&member->running, 0);
    }
    return NULL;
}

static bool is_asleep(struct crew_member *member)
{
    return atomic_load(&member->crew->queue.parkings[member->index].state) == 1; /* PARKING_ASLEEP */
}

/* Members go to sleep in the order of their numbers: the last one lies on top. */
static void crew_start(struct crew *crew, unsigned members_len, unsigned awake_max)
{
    memset(crew, 0, sizeof(*crew));
    assert_int_equal(psv_queue_init(&crew->queue, 1000, members_len, 0, awake_max), 0);
    crew->members_len = members_len;
    for (unsigned i = 0; i < members_len; i++) {
        struct crew_member *member = &crew->members[i];
        member->crew = crew;
        member->index = i;
        assert_int_equal(pthread_create(&member->thread, NULL, run_member, member), 0);
        WAIT_UNTIL(is_asleep(member));
        assert_int_equal(atomic_load(&crew->queue.idle_len), i + 1);
    }
}

static void crew_stop(struct crew *crew)
{
    psv_queue_stop(&crew->queue);
    for (unsigned i = 0; i < crew->members_len; i++) {
        assert_int_equal(pthread_join(crew->members[i].thread, NULL), 0);
    }
    assert_int_equal(psv_queue_len(&crew->queue), 0);
    assert_int_equal(atomic_load(&crew->queue.idle_len), 0);
    psv_queue_fini(&crew->queue);
}

static void test_the_last_to_sleep_is_the_first_to_wake(void **state)
{
    struct crew crew;

    (void)state;
    crew_start(&crew, 4, 4);
    for (uintptr_t i = 1; i <= 4; i++) {
        assert_int_equal(psv_queue_push(&crew.queue, job_of(i)), 0);
        WAIT_UNTIL(atomic_load(&crew.members[4 - i].running) == i);
    }
    /* the one that finishes is on top again, and gets the next job and the one after that */
    for (uintptr_t i = 5; i <= 7; i++) {
        atomic_store(&crew.members[2].may_go_on, true);
        WAIT_UNTIL(is_asleep(&crew.members[2]));
        assert_int_equal(psv_queue_push(&crew.queue, job_of(i)), 0);
        WAIT_UNTIL(atomic_load(&crew.members[2].running) == i);
    }
    for (unsigned i = 0; i < 4; i++) {
        atomic_store(&crew.members[i].may_go_on, true);
    }
    crew_stop(&crew);
    assert_int_equal(crew.members[2].done, 4);
}

static void test_parallelism_grows_while_the_first_one_blocks(void **state)
{
    struct crew crew;

    (void)state;
    crew_start(&crew, WORKERS_MAX, WORKERS_MAX);
    for (uintptr_t i = 1; i <= WORKERS_MAX; i++) {
        assert_int_equal(psv_queue_push(&crew.queue, job_of(i)), 0);
    }
    /* nobody finishes: all must have been woken, each by the one before it or by a push */
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        WAIT_UNTIL(atomic_load(&crew.members[i].running) != 0);
    }
    assert_true(atomic_load(&crew.queue.wakes) <= WORKERS_MAX);
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        atomic_store(&crew.members[i].may_go_on, true);
    }
    crew_stop(&crew);
}

static void test_busy_workers_cost_no_system_calls(void **state)
{
    struct crew crew;

    (void)state;
    crew_start(&crew, 1, 1);
    assert_int_equal(psv_queue_push(&crew.queue, job_of(1)), 0);
    WAIT_UNTIL(atomic_load(&crew.members[0].running) == 1);
    uint64_t before = atomic_load(&crew.queue.wakes);
    assert_true(before <= 1);
    for (uintptr_t i = 2; i <= 500; i++) {
        assert_int_equal(psv_queue_push(&crew.queue, job_of(i)), 0);
    }
    for (uintptr_t i = 1; i <= 500; i++) {
        WAIT_UNTIL(atomic_load(&crew.members[0].running) == i);
        atomic_store(&crew.members[0].may_go_on, true);
    }
    assert_true(atomic_load(&crew.queue.wakes) == before);
    crew_stop(&crew);
}

static unsigned count_running(struct crew *crew)
{
    unsigned running = 0;

    for (unsigned i = 0; i < crew->members_len; i++) {
        running += atomic_load(&crew->members[i].running) != 0;
    }
    return running;
}

static void release_all(struct crew *crew)
{
    while (psv_queue_len(&crew->queue) > 0 || count_running(crew) > 0) {
        for (unsigned i = 0; i < crew->members_len; i++) {
            atomic_store(&crew->members[i].may_go_on, true);
        }
        sched_yield();
    }
    for (unsigned i = 0; i < crew->members_len; i++) {
        WAIT_UNTIL(is_asleep(&crew->members[i]));
        atomic_store(&crew->members[i].may_go_on, false);
    }
}

static void test_an_addition_wakes_nobody_until_the_kick(void **state)
{
    struct crew crew;

    (void)state;
    crew_start(&crew, 2, 2);
    for (uintptr_t i = 1; i <= 3; i++) {
        assert_int_equal(psv_queue_add(&crew.queue, job_of(i)), 0);
    }
    assert_int_equal(atomic_load(&crew.queue.wakes), 0);
    assert_int_equal(atomic_load(&crew.queue.idle_len), 2);
    psv_queue_kick(&crew.queue);
    WAIT_UNTIL(count_running(&crew) == 2); /* the first wakes the second */
    assert_int_equal(psv_queue_len(&crew.queue), 1);
    release_all(&crew);
    crew_stop(&crew);
}

static void test_no_more_awake_than_asked_for(void **state)
{
    struct crew crew;

    (void)state;
    crew_start(&crew, 4, 2);
    for (uintptr_t i = 1; i <= 6; i++) {
        assert_int_equal(psv_queue_push(&crew.queue, job_of(i)), 0);
    }
    WAIT_UNTIL(count_running(&crew) == 2);
    assert_int_equal(psv_queue_taken(&crew.queue), 2);
    assert_int_equal(atomic_load(&crew.queue.idle_len), 2);
    assert_true(psv_queue_is_held_back(&crew.queue));
    /* both may wait for something: the owner of the queue sees no progress and sends another one */
    psv_queue_relieve(&crew.queue);
    WAIT_UNTIL(count_running(&crew) == 3);
    assert_int_equal(atomic_load(&crew.queue.idle_len), 1);
    psv_queue_relieve(&crew.queue);
    WAIT_UNTIL(count_running(&crew) == 4);
    assert_false(psv_queue_is_held_back(&crew.queue)); /* nobody is left to be sent */
    release_all(&crew);
    crew_stop(&crew);
}

static void test_jobs_that_wait_lift_the_bound(void **state)
{
    struct crew crew;

    (void)state;
    crew_start(&crew, 4, 1);
    assert_int_equal(psv_queue_push(&crew.queue, job_of(SLEEPING_JOB)), 0);
    WAIT_UNTIL(count_running(&crew) == 1);
    release_all(&crew);
    for (uintptr_t i = 1; i <= 4; i++) {
        assert_int_equal(psv_queue_push(&crew.queue, job_of(i)), 0);
    }
    WAIT_UNTIL(count_running(&crew) == 4);
    release_all(&crew);
    crew_stop(&crew);
}

/* ---- random schedules */

static void *consume(void *context)
{
    struct model_thread *self = context;
    struct queue_model *model = self->model;
    struct psv_job *job;

    while ((job = pop_wait(&model->queue, self->index)) != NULL) {
        queue_model_count(model, job);
        pause_randomly(&self->random);
    }
    return NULL;
}

static void run_model(unsigned producers, unsigned workers, unsigned awake_max, size_t capacity,
                      uint64_t run_ns, bool stops_early)
{
    static struct queue_model model;
    struct model_thread threads[WORKERS_MAX];

    queue_model_init(&model, workers, awake_max, capacity);
    for (unsigned i = 0; i < producers + workers; i++) {
        model_thread_start(&threads[i], &model, i, i >= workers ? queue_model_produce : consume);
    }
    uint64_t until_ns = psv_clock_monotonic_ns() + run_ns;
    while (psv_clock_monotonic_ns() < until_ns || atomic_load(&model.pushed) == 0) {
        usleep(1000);
    }
    if (stops_early) { /* in the middle of pushes */
        psv_queue_stop(&model.queue);
        atomic_store(&model.has_stopped_early, true);
    }
    atomic_store(&model.is_over, true);
    for (unsigned i = workers; i < producers + workers; i++) {
        assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
    }
    if (!stops_early) {
        /* nobody pushes any more: what is inside must get out by itself */
        WAIT_UNTIL(atomic_load(&model.popped) == atomic_load(&model.pushed));
        psv_queue_stop(&model.queue);
    }
    for (unsigned i = 0; i < workers; i++) {
        assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
    }
    queue_model_fini(&model);
}

static void test_each_job_once_and_no_lost_wakeup(void **state)
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
        {ROW("two loops, five workers, at most two awake"), 2, 5, 2, 16},
        {ROW("one loop, four workers, one awake"), 1, 4, 1, 4},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        run_model(row->producers, row->workers, row->awake_max, row->capacity,
                  test_run_ns() / ARRAY_SIZE(cases), false);
    }
}

static void test_stopping_loses_nothing_that_was_accepted(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        run_model(2, 3, round % 2 == 0 ? 3 : 1, 8, test_run_ns() / 200, true);
    }
}

static void *consume_nothing(void *context)
{
    struct model_thread *self = context;

    INVARIANT(pop_wait(&self->model->queue, self->index) == NULL);
    return NULL;
}

/* Stops just when workers are about to fall asleep: none may sleep through it. */
static void test_stopping_reaches_those_who_fall_asleep(void **state)
{
    static struct queue_model model;
    struct model_thread threads[2];
    uint64_t random = 4711;
    uint64_t until_ns = psv_clock_monotonic_ns() + test_run_ns() / 2;

    (void)state;
    while (psv_clock_monotonic_ns() < until_ns) {
        assert_int_equal(psv_queue_init(&model.queue, 4, ARRAY_SIZE(threads), 0, ARRAY_SIZE(threads)), 0);
        for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
            model_thread_start(&threads[i], &model, i, consume_nothing);
        }
        if (test_random(&random) % 2 == 0) {
            while (atomic_load(&model.queue.idle_len) == 0) {
            }
        }
        for (volatile uint64_t spins = test_random(&random) % 300; spins > 0; spins--) {
        }
        psv_queue_stop(&model.queue);
        for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
            assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
        }
        psv_queue_fini(&model.queue);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_exact_capacity),
        cmocka_unit_test(test_a_stopped_queue_is_emptied_first),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_the_last_to_sleep_is_the_first_to_wake),
        cmocka_unit_test(test_parallelism_grows_while_the_first_one_blocks),
        cmocka_unit_test(test_busy_workers_cost_no_system_calls),
        cmocka_unit_test(test_an_addition_wakes_nobody_until_the_kick),
        cmocka_unit_test(test_no_more_awake_than_asked_for),
        cmocka_unit_test(test_jobs_that_wait_lift_the_bound),
        cmocka_unit_test(test_each_job_once_and_no_lost_wakeup),
        cmocka_unit_test(test_stopping_loses_nothing_that_was_accepted),
        cmocka_unit_test(test_stopping_reaches_those_who_fall_asleep),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
