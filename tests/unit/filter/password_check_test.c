/* The password checker: right and wrong, shared checks, the limits, what is remembered and for how long, who
 * leaves, and the end with checks under way.  The loop is played by poll(2).
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include <crypt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "filter/password_check.h"

#define NS_PER_S UINT64_C(1000000000)
#define WAIT_MS 20000

struct fixture {
    struct psv_password_checker checker;
    char hash[CRYPT_OUTPUT_SIZE];
};

struct waiting {
    struct psv_password_waiter waiter;
    unsigned answers;
    bool is_right;
};

static void on_answer(struct psv_password_waiter *waiter, bool is_right)
{
    struct waiting *waiting = CONTAINER_OF(waiter, struct waiting, waiter);
    waiting->answers++;
    waiting->is_right = is_right;
}

static int set_up(void **state)
{
    struct fixture *fixture = psv_calloc_aligned(CACHE_LINE_BYTES, sizeof(*fixture));
    struct crypt_data *data = psv_calloc_or_die(1, sizeof(*data));
    struct psv_error error;
    (void)snprintf(fixture->hash, sizeof(fixture->hash), "%s",
                   crypt_r("right", "$2b$04$abcdefghijklmnopqrstuu", data));
    psv_free(data);
    *state = fixture;
    return psv_password_checker_start(&fixture->checker, &error);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    int code = psv_password_checker_stop(&fixture->checker);
    psv_password_checker_fini(&fixture->checker);
    psv_free(fixture);
    return code;
}

static enum psv_password_answer ask(struct fixture *fixture, const char *password, unsigned client,
                                    uint64_t now_ns, struct waiting *waiting)
{
    struct psv_password_question question = {.hashes = {fixture->hash},
                                             .hashes_len = 1,
                                             .is_known = true,
                                             .user = PSV_BYTES("ann"),
                                             .password = psv_bytes_of(password)};
    memcpy(question.client.bytes, &client, sizeof(client));
    *waiting = (struct waiting){.waiter.on_answer = on_answer};
    psv_list_init(&waiting->waiter.link);
    return psv_password_checker_ask(&fixture->checker, &question, now_ns, &waiting->waiter);
}

static void collect_until(struct fixture *fixture, const struct waiting *waiting, uint64_t now_ns)
{
    while (waiting->answers == 0) {
        struct pollfd poll_fd = {.fd = fixture->checker.notifier.fd, .events = POLLIN};
        assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
        psv_password_checker_collect(&fixture->checker, now_ns);
    }
}

static void test_right_and_remembered(void **state)
{
    struct fixture *fixture = *state;
    struct waiting first, again;
    assert_int_equal(ask(fixture, "right", 1, 1, &first), PSV_PASSWORD_WAIT);
    assert_int_equal(ask(fixture, "right", 2, 1, &again), PSV_PASSWORD_WAIT);
    assert_int_equal(fixture->checker.checks_len, 1);
    collect_until(fixture, &first, 1);
    assert_true(first.is_right && again.is_right && again.answers == 1);
    assert_int_equal(fixture->checker.checks_len, 0);
    assert_int_equal(ask(fixture, "right", 3, 299 * NS_PER_S, &again), PSV_PASSWORD_RIGHT);
    assert_int_equal(ask(fixture, "right", 3, 302 * NS_PER_S, &again), PSV_PASSWORD_WAIT);
    collect_until(fixture, &again, 302 * NS_PER_S);
    assert_true(again.is_right);
}

static void test_wrong_is_never_remembered(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < 3; i++) {
        struct waiting waiting;
        assert_int_equal(ask(fixture, "wrong", 1, 1, &waiting), PSV_PASSWORD_WAIT);
        collect_until(fixture, &waiting, 1);
        assert_false(waiting.is_right);
    }
}

static void test_what_is_not_known_is_wrong(void **state)
{
    struct fixture *fixture = *state;
    struct waiting waiting = {.waiter.on_answer = on_answer};
    struct psv_password_question question = {.hashes = {fixture->hash, fixture->hash},
                                             .hashes_len = 2,
                                             .user = PSV_BYTES("bob"),
                                             .password = PSV_BYTES("right")};
    psv_list_init(&waiting.waiter.link);
    assert_int_equal(psv_password_checker_ask(&fixture->checker, &question, 1, &waiting.waiter),
                     PSV_PASSWORD_WAIT);
    collect_until(fixture, &waiting, 1);
    assert_false(waiting.is_right);
    question.is_known = true;
    waiting.answers = 0;
    assert_int_equal(psv_password_checker_ask(&fixture->checker, &question, 1, &waiting.waiter),
                     PSV_PASSWORD_WAIT);
    collect_until(fixture, &waiting, 1);
    assert_true(waiting.is_right);
}

static void test_limits(void **state)
{
    struct fixture *fixture = *state;
    static struct waiting waiting[70];
    char password[16];
    for (unsigned i = 0; i < 4; i++) {
        (void)snprintf(password, sizeof(password), "guess%u", i);
        assert_int_equal(ask(fixture, password, 7, 1, &waiting[i]), PSV_PASSWORD_WAIT);
    }
    assert_int_equal(ask(fixture, "one more", 7, 1, &waiting[69]), PSV_PASSWORD_CLIENT_BUSY);
    assert_int_equal(ask(fixture, "guess2", 7, 1, &waiting[4]), PSV_PASSWORD_WAIT); /* the same again */
    for (unsigned i = 0; i < 60; i++) {
        assert_int_equal(ask(fixture, "other", 100 + i, 1, &waiting[5 + i]), PSV_PASSWORD_WAIT);
        /* one question of everybody is one check */
        assert_int_equal(fixture->checker.checks_len, 5);
    }
    for (unsigned i = 0; i < 65; i++) {
        collect_until(fixture, &waiting[i], 1);
        assert_true(waiting[i].answers == 1 && !waiting[i].is_right);
    }
    assert_int_equal(fixture->checker.checks_len, 0);
}

static void test_full(void **state)
{
    struct fixture *fixture = *state;
    static struct waiting waiting[65];
    char password[16];
    for (unsigned i = 0; i < 65; i++) {
        (void)snprintf(password, sizeof(password), "guess%u", i);
        assert_int_equal(ask(fixture, password, 100 + i, 1, &waiting[i]),
                         i < 64 ? PSV_PASSWORD_WAIT : PSV_PASSWORD_BUSY);
    }
    for (unsigned i = 0; i < 64; i++) {
        collect_until(fixture, &waiting[i], 1);
    }
}

static void test_who_leaves_is_not_told(void **state)
{
    struct fixture *fixture = *state;
    struct waiting gone, stays;
    assert_int_equal(ask(fixture, "right", 1, 1, &gone), PSV_PASSWORD_WAIT);
    assert_int_equal(ask(fixture, "right", 1, 1, &stays), PSV_PASSWORD_WAIT);
    psv_password_waiter_cancel(&gone.waiter);
    psv_password_waiter_cancel(&gone.waiter);
    collect_until(fixture, &stays, 1);
    assert_int_equal(gone.answers, 0);
}

static void test_the_end_with_checks_under_way(void **state)
{
    struct fixture *fixture = *state;
    static struct waiting waiting[40];
    char password[16];
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(password, sizeof(password), "guess%u", i);
        (void)ask(fixture, password, 100 + i / 4, 1, &waiting[i]);
        psv_password_waiter_cancel(&waiting[i].waiter);
    }
}

static void test_without_memory(void **state)
{
    struct fixture *fixture = *state;
    struct waiting waiting;
    psv_memory_fail_after(1);
    assert_int_equal(ask(fixture, "right", 1, 1, &waiting), PSV_PASSWORD_BUSY);
    psv_memory_fail_after(0);
    assert_int_equal(fixture->checker.checks_len, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_right_and_remembered),
        TEST(test_wrong_is_never_remembered),
        TEST(test_what_is_not_known_is_wrong),
        TEST(test_limits),
        TEST(test_full),
        TEST(test_who_leaves_is_not_told),
        TEST(test_the_end_with_checks_under_way),
        TEST(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
