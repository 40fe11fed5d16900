/* The loop's mailbox: order, when the notifier is written, and that no part is left lying under random
 * schedules.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/mailbox.h"

#include <poll.h>
#include <pthread.h>

#include "exec_test.h"
#include "limit.h"

#include "base/error.h"

static struct psv_response_part parts[8];

static bool is_readable(const struct psv_mailbox *mailbox)
{
    struct pollfd poll_fd = {.fd = mailbox->notifier.fd, .events = POLLIN};

    return poll(&poll_fd, 1, 0) == 1;
}

static void test_order(void **state)
{
    struct psv_mailbox mailbox;

    (void)state;
    assert_int_equal(psv_mailbox_init(&mailbox, 4), 0);
    assert_null(psv_mailbox_take(&mailbox));
    for (unsigned i = 0; i < 4; i++) {
        psv_mailbox_post(&mailbox, &parts[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_ptr_equal(psv_mailbox_take(&mailbox), &parts[i]);
    }
    assert_null(psv_mailbox_take(&mailbox));
    psv_mailbox_fini(&mailbox);
}

static void test_the_notifier_is_for_sleepers_only(void **state)
{
    struct psv_mailbox mailbox;

    (void)state;
    assert_int_equal(psv_mailbox_init(&mailbox, 4), 0);
    psv_mailbox_post(&mailbox, &parts[0]);
    assert_false(is_readable(&mailbox)); /* the loop is awake */
    assert_false(psv_mailbox_prepare_sleep(&mailbox));
    psv_mailbox_post(&mailbox, &parts[1]);
    assert_false(is_readable(&mailbox)); /* and still is */
    assert_ptr_equal(psv_mailbox_take(&mailbox), &parts[0]);
    assert_ptr_equal(psv_mailbox_take(&mailbox), &parts[1]);

    assert_true(psv_mailbox_prepare_sleep(&mailbox));
    psv_mailbox_post(&mailbox, &parts[0]);
    psv_mailbox_post(&mailbox, &parts[1]);
    assert_true(is_readable(&mailbox));
    psv_mailbox_awake(&mailbox);
    psv_notifier_clear(&mailbox.notifier);
    assert_false(is_readable(&mailbox));
    psv_mailbox_post(&mailbox, &parts[2]);
    assert_false(is_readable(&mailbox));
    for (unsigned i = 0; i < 3; i++) {
        assert_ptr_equal(psv_mailbox_take(&mailbox), &parts[i]);
    }
    psv_mailbox_fini(&mailbox);
}

static void *post_four(void *context)
{
    for (unsigned i = 0; i < 4; i++) {
        psv_mailbox_post(context, &parts[i]);
    }
    return NULL;
}

static void test_a_full_ring_makes_workers_wait(void **state)
{
    struct psv_mailbox mailbox;
    pthread_t thread;

    (void)state;
    assert_int_equal(psv_mailbox_init(&mailbox, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, post_four, &mailbox), 0);
    WAIT_UNTIL(psv_ring_len(&mailbox.ring) == 2);
    usleep(20000); /* past the yields, into the sleep; nothing depends on it */
    for (unsigned i = 0; i < 4; i++) {
        struct psv_response_part *part;
        WAIT_UNTIL((part = psv_mailbox_take(&mailbox)) != NULL);
        assert_ptr_equal(part, &parts[i]);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    psv_mailbox_fini(&mailbox);
}

static int init_and_fini(void *context)
{
    struct psv_mailbox mailbox;

    (void)context;
    int code = psv_mailbox_init(&mailbox, 100);
    psv_mailbox_fini(&mailbox);
    return code;
}

static void test_init_fails_cleanly(void **state)
{
    struct psv_mailbox mailbox;

    (void)state;
    assert_int_equal(fail_each_allocation(init_and_fini, NULL), 1);
    struct rlimit before = limit_to(RLIMIT_NOFILE, 0);
    int code = psv_mailbox_init(&mailbox, 10);
    limit_back(RLIMIT_NOFILE, &before);
    assert_int_equal(code, PSV_ELIMIT);
    psv_mailbox_fini(&mailbox);
}

/* ---- random schedules */

#define POSTERS_MAX 3

struct poster {
    struct psv_mailbox *mailbox;
    pthread_t thread;
    unsigned index;
    uint64_t random;
    uint64_t posted;
    _Atomic uint64_t seen; /* by the loop */
    _Atomic bool *is_over;
};

/* A number that says who posted it and the how manieth it was. */
static struct psv_response_part *letter_of(const struct poster *poster)
{
    return (struct psv_response_part *)(uintptr_t)(poster->posted << 4 | (poster->index + 1));
}

static void *post_randomly(void *context)
{
    struct poster *poster = context;

    while (!atomic_load(poster->is_over)) {
        psv_mailbox_post(poster->mailbox, letter_of(poster));
        poster->posted++;
        if (test_random(&poster->random) % 3 == 0) {
            /* the loop falls asleep: this letter must wake it, no later one will */
            WAIT_UNTIL(atomic_load(&poster->seen) == poster->posted);
        }
    }
    return NULL;
}

static void drain(struct psv_mailbox *mailbox, struct poster *posters)
{
    struct psv_response_part *letter;

    while ((letter = psv_mailbox_take(mailbox)) != NULL) {
        uintptr_t number = (uintptr_t)letter;
        struct poster *poster = &posters[(number & 15) - 1];
        assert_true(number >> 4 == atomic_load(&poster->seen)); /* once, and in order */
        atomic_fetch_add(&poster->seen, 1);
    }
}

static uint64_t run_loop(struct psv_mailbox *mailbox, struct poster *posters, uint64_t until_ns)
{
    uint64_t sleeps = 0;

    while (psv_clock_monotonic_ns() < until_ns) {
        if (psv_mailbox_prepare_sleep(mailbox)) {
            struct pollfd poll_fd = {.fd = mailbox->notifier.fd, .events = POLLIN};
            /* as long as posters live, one of them posts again only after the loop took its letter */
            assert_int_equal(poll(&poll_fd, 1, (int)(TEST_PATIENCE_NS / PSV_NS_PER_MS)), 1);
            psv_mailbox_awake(mailbox);
            psv_notifier_clear(&mailbox->notifier);
            sleeps++;
        }
        drain(mailbox, posters);
    }
    return sleeps;
}

static void run_model(unsigned posters_len, size_t capacity, uint64_t run_ns)
{
    struct psv_mailbox mailbox;
    struct poster posters[POSTERS_MAX];
    _Atomic bool is_over = false;

    assert_int_equal(psv_mailbox_init(&mailbox, capacity), 0);
    for (unsigned i = 0; i < posters_len; i++) {
        posters[i] = (struct poster){
            .mailbox = &mailbox, .index = i, .random = psv_clock_monotonic_ns() + i + 1, .is_over = &is_over};
    }
    for (unsigned i = 0; i < posters_len; i++) {
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_randomly, &posters[i]), 0);
    }
    uint64_t sleeps = run_loop(&mailbox, posters, psv_clock_monotonic_ns() + run_ns);
    atomic_store(&is_over, true);
    for (unsigned i = 0; i < posters_len; i++) {
        bool is_joined = false;
        while (!is_joined) { /* it may wait for room or for its letter's being seen */
            drain(&mailbox, posters);
            is_joined = pthread_tryjoin_np(posters[i].thread, NULL) == 0;
        }
    }
    drain(&mailbox, posters);
    for (unsigned i = 0; i < posters_len; i++) {
        assert_true(posters[i].posted == atomic_load(&posters[i].seen));
        assert_true(posters[i].posted > 0);
    }
    assert_true(sleeps > 0);
    psv_mailbox_fini(&mailbox);
}

static void test_each_part_once_and_no_lost_wakeup(void **state)
{
    static const struct {
        TABLE_ROW;
        unsigned posters;
        size_t capacity;
    } cases[] = {
        {ROW("one"), 1, 8},
        {ROW("two, tiny ring"), 2, 1},
        {ROW("three"), 3, 64},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        run_model(row->posters, row->capacity, test_run_ns() / ARRAY_SIZE(cases));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_the_notifier_is_for_sleepers_only),
        cmocka_unit_test(test_a_full_ring_makes_workers_wait),
        cmocka_unit_test(test_init_fails_cleanly),
        cmocka_unit_test(test_each_part_once_and_no_lost_wakeup),
    };
    return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
