/* The notifier: written once until cleared, and no wake-up is lost between several wakers and a sleeper.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "limit.h"
#include "table.h"

#include "base/error.h"
#include "os/notifier.h"
#include "os/thread.h"

/* Lets a test act as a waker that comes in the middle of psv_notifier_clear: before or after its read. */
static struct {
    struct psv_notifier *notify_before;
    struct psv_notifier *notify_after;
    unsigned interruptions;
} hook;

static ssize_t hooked_read(int fd, void *out, size_t len)
{
    if (hook.interruptions > 0) {
        hook.interruptions--;
        errno = EINTR;
        return -1;
    }
    if (hook.notify_before != NULL)
        psv_notifier_notify(hook.notify_before);
    ssize_t count = read(fd, out, len);
    int saved = errno;
    if (hook.notify_after != NULL)
        psv_notifier_notify(hook.notify_after);
    errno = saved;
    return count;
}

#define read hooked_read
#include "os/notifier.c"
#undef read

static bool is_readable(const struct psv_notifier *notifier, int timeout_ms)
{
    struct pollfd watched = {.fd = notifier->fd, .events = POLLIN};
    return poll(&watched, 1, timeout_ms) == 1;
}

static void test_notify_and_clear(void **state)
{
    (void)state;
    struct psv_notifier notifier;
    assert_int_equal(psv_notifier_init(&notifier), 0);
    assert_true((fcntl(notifier.fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_false(is_readable(&notifier, 0));
    psv_notifier_clear(&notifier); /* of nothing: must not block */
    for (int round = 0; round < 3; round++) {
        errno = 5;
        psv_notifier_notify(&notifier);
        psv_notifier_notify(&notifier);
        assert_int_equal(errno, 5);
        assert_true(is_readable(&notifier, 0));
        psv_notifier_clear(&notifier);
        assert_false(is_readable(&notifier, 0));
    }
    psv_notifier_fini(&notifier);
    assert_int_equal(notifier.fd, -1);
    psv_notifier_fini(&notifier);
}

static void test_writes_only_when_not_pending(void **state)
{
    (void)state;
    struct psv_notifier notifier;
    assert_int_equal(psv_notifier_init(&notifier), 0);
    for (int i = 0; i < 10; i++)
        psv_notifier_notify(&notifier);
    uint64_t count = 0;
    assert_int_equal(read(notifier.fd, &count, sizeof(count)), sizeof(count));
    assert_int_equal(count, 1);
    psv_notifier_notify(&notifier); /* still pending: the sleeper has not cleared */
    assert_false(is_readable(&notifier, 0));
    psv_notifier_clear(&notifier);
    psv_notifier_notify(&notifier);
    assert_true(is_readable(&notifier, 0));
    psv_notifier_fini(&notifier);
}

/* Whenever a waker comes while the sleeper clears, the next one must be heard: the sleeper has looked for
 * work by then. */
static void test_notify_during_clear(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        bool is_notified;
        bool comes_before;
        bool comes_after;
        unsigned interruptions;
    } cases[] = {
        {ROW("before the read"), true, true, false, 0},
        {ROW("after the read"), true, false, true, 0},
        {ROW("both"), true, true, true, 0},
        {ROW("before the read of nothing"), false, true, false, 0},
        {ROW("after the read of nothing"), false, false, true, 0},
        {ROW("interrupted read"), true, false, false, 3},
    };
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_notifier notifier;
        assert_int_equal(psv_notifier_init(&notifier), 0);
        if (row->is_notified)
            psv_notifier_notify(&notifier);
        hook.notify_before = row->comes_before ? &notifier : NULL;
        hook.notify_after = row->comes_after ? &notifier : NULL;
        hook.interruptions = row->interruptions;
        psv_notifier_clear(&notifier);
        memset(&hook, 0, sizeof(hook));
        psv_notifier_notify(&notifier); /* the sleeper looked in between, and found nothing more */
        assert_true(is_readable(&notifier, 0));
        psv_notifier_clear(&notifier);
        assert_false(is_readable(&notifier, 0));
        psv_notifier_fini(&notifier);
    }
}

static void test_full_counter_is_readable(void **state)
{
    (void)state;
    struct psv_notifier notifier;
    assert_int_equal(psv_notifier_init(&notifier), 0);
    uint64_t most = UINT64_MAX - 1;
    assert_int_equal(write(notifier.fd, &most, sizeof(most)), sizeof(most));
    psv_notifier_notify(&notifier);
    assert_true(is_readable(&notifier, 0));
    psv_notifier_clear(&notifier);
    assert_false(is_readable(&notifier, 0));
    psv_notifier_fini(&notifier);
}

static void test_out_of_descriptors(void **state)
{
    (void)state;
    struct psv_notifier notifier;
    struct rlimit before = limit_to(RLIMIT_NOFILE, 0);
    int result = psv_notifier_init(&notifier);
    limit_back(RLIMIT_NOFILE, &before);
    assert_int_equal(result, PSV_ELIMIT);
    psv_notifier_fini(&notifier);
}

#define WAKERS 3
#define WAKES 20000

struct shared {
    struct psv_notifier notifier;
    _Atomic unsigned work[WAKERS]; /* relaxed on purpose: the notifier must publish it */
};

struct waker {
    struct shared *shared;
    unsigned index;
};

static void wake_often(void *argument)
{
    struct waker *self = argument;
    for (unsigned i = 1; i <= WAKES; i++) {
        atomic_store_explicit(&self->shared->work[self->index], i, memory_order_relaxed);
        psv_notifier_notify(&self->shared->notifier);
        if (i % 64 == self->index)
            sched_yield();
    }
}

/* The sleeper blocks without a time limit in effect: a lost wake-up is a poll that never returns. */
static void test_no_wake_up_is_lost(void **state)
{
    (void)state;
    static struct shared shared;
    struct waker wakers[WAKERS];
    struct psv_thread threads[WAKERS];
    assert_int_equal(psv_notifier_init(&shared.notifier), 0);
    for (unsigned i = 0; i < WAKERS; i++) {
        wakers[i] = (struct waker){&shared, i};
        struct psv_thread_options options = {.name = "waker", .function = wake_often, .argument = &wakers[i]};
        assert_int_equal(psv_thread_start(&threads[i], &options, NULL), 0);
    }
    unsigned done = 0;
    while (done < WAKERS) {
        assert_true(is_readable(&shared.notifier, 60000));
        psv_notifier_clear(&shared.notifier);
        done = 0;
        for (unsigned i = 0; i < WAKERS; i++)
            done += atomic_load_explicit(&shared.work[i], memory_order_relaxed) == WAKES;
    }
    for (unsigned i = 0; i < WAKERS; i++)
        assert_int_equal(psv_thread_join(&threads[i], 0), 0);
    psv_notifier_fini(&shared.notifier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notify_and_clear),    cmocka_unit_test(test_writes_only_when_not_pending),
        cmocka_unit_test(test_notify_during_clear), cmocka_unit_test(test_full_counter_is_readable),
        cmocka_unit_test(test_out_of_descriptors),  cmocka_unit_test(test_no_wake_up_is_lost),
    };
    return cmocka_run_group_tests_name("os/notifier", tests, NULL, NULL);
}
