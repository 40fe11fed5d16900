/* Signals through a descriptor, and the process's facts.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "limit.h"
#include "table.h"

#include "base/error.h"
#include "fail_alloc.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/process.h"
#include "os/thread.h"

static int take_soon(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&watched, 1, 60000), 1);
    return psv_process_take_signal(fd);
}

static void do_nothing(void *argument)
{
    (void)argument;
}

static void test_signals(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        int number;
    } cases[] = {
        {ROW("SIGTERM"), SIGTERM}, {ROW("SIGINT"), SIGINT},   {ROW("SIGHUP"), SIGHUP},
        {ROW("SIGUSR1"), SIGUSR1}, {ROW("SIGUSR2"), SIGUSR2},
    };
    struct psv_error error = {0};
    sigset_t before;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    psv_process_block_signals(false);
    int fd = psv_process_open_signals(false, &error);
    assert_true(fd >= 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(psv_process_take_signal(fd), PSV_EAGAIN);
    TABLE_FOR_EACH(row, cases)
    {
        assert_string_equal(psv_process_signal_name(row->number), row->name);
        assert_int_equal(kill(getpid(), row->number), 0); /* would end us, were it not blocked */
        assert_int_equal(take_soon(fd), row->number);
        assert_int_equal(psv_process_take_signal(fd), PSV_EAGAIN);
    }
    assert_string_equal(psv_process_signal_name(SIGCHLD), "signal");

    /* also while another thread lives, which blocks everything */
    struct psv_thread thread;
    struct psv_thread_options options = {.name = "idle", .function = do_nothing};
    assert_int_equal(psv_thread_start(&thread, &options, NULL), 0);
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(take_soon(fd), SIGTERM);
    assert_int_equal(psv_thread_join(&thread, 0), 0);
    close(fd);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void test_who_sent_it(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        int code; /* that a handler has seen */
        bool is_terminal;
    } cases[] = {
        {ROW("terminal"), SI_KERNEL, true},
        {ROW("process"), SI_USER, false},
        {ROW("thread"), SI_TKILL, false},
        {ROW("queued"), SI_QUEUE, false},
    };
    struct psv_error error = {0};
    sigset_t before;
    bool is_terminal = true;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    psv_process_block_signals(false);
    int fd = psv_process_open_signals(false, &error);
    assert_true(fd >= 0);
    assert_int_equal(kill(getpid(), SIGINT), 0);
    assert_int_equal(psv_process_take_signal_of(fd, &is_terminal), SIGINT);
    assert_false(is_terminal);
    TABLE_FOR_EACH(row, cases)
    {
        const siginfo_t info = {.si_signo = SIGINT, .si_code = row->code};
        psv_process_pass_signal(pthread_self(), &info);
        assert_int_equal(psv_process_take_signal_of(fd, &is_terminal), SIGINT);
        assert_int_equal(is_terminal, row->is_terminal);
    }
    close(fd);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void test_signal_failures(void **state)
{
    (void)state;
    struct psv_error error = {0};
    struct rlimit before = limit_to(RLIMIT_NOFILE, 0);
    int result = psv_process_open_signals(false, &error);
    struct psv_process_facts facts;
    int facts_result = psv_process_read_facts(&facts);
    limit_back(RLIMIT_NOFILE, &before);
    assert_int_equal(result, PSV_ELIMIT);
    assert_string_equal(error.message, "cannot receive signals: Too many open files");
    assert_int_equal(facts_result, PSV_ELIMIT);
    assert_int_equal(psv_process_take_signal(-1), PSV_EIO);
}

static void test_sigpipe(void **state)
{
    (void)state;
    int fds[2];
    psv_process_ignore_sigpipe();
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(psv_fd_write_all(fds[1], "x", 1), PSV_EGONE);
    close(fds[1]);
}

#define TAIL "S 1 2 3 4 5 6 7 8 9 10 100 200 13 14 15 16 17 0 12345 4096000 250 18446744073709551615 1\n"

static void test_parse_stat(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes text;
        int result;
    } cases[] = {
        {ROW("plain"), PSV_BYTES_INIT("77 (phpsrv) " TAIL), 0},
        {ROW("name with blanks and parentheses"), PSV_BYTES_INIT("77 (a) S (b c) d) " TAIL), 0},
        {ROW("resident is the last"),
         PSV_BYTES_INIT("77 (x) S 1 2 3 4 5 6 7 8 9 10 100 200 13 14 15 16 17 0 12345 4096000 250\n"), 0},
        {ROW("cut off"),
         PSV_BYTES_INIT("77 (x) S 1 2 3 4 5 6 7 8 9 10 100 200 13 14 15 16 17 0 12345 4096000"), PSV_ESYNTAX},
        {ROW("not a number"),
         PSV_BYTES_INIT("77 (x) S 1 2 3 4 5 6 7 8 9 10 x 200 13 14 15 16 17 0 12345 4096000 250\n"),
         PSV_ESYNTAX},
        {ROW("no name"), PSV_BYTES_INIT("77 S 1 2"), PSV_ESYNTAX},
        {ROW("empty"), {NULL, 0}, PSV_ESYNTAX},
    };
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_process_stat stat = {.threads = 4711};
        assert_int_equal(psv_process_parse_stat(row->text, &stat), row->result);
        if (row->result != 0) {
            assert_int_equal(stat.threads, 4711);
            continue;
        }
        assert_int_equal(stat.user_ticks, 100);
        assert_int_equal(stat.system_ticks, 200);
        assert_int_equal(stat.threads, 17);
        assert_int_equal(stat.start_ticks, 12345);
        assert_int_equal(stat.virtual_bytes, 4096000);
        assert_int_equal(stat.resident_pages, 250);
    }
}

static void test_parse_boot_time(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes text;
        int result;
        uint64_t unix_s;
    } cases[] = {
        {ROW("among others"), PSV_BYTES_INIT("cpu 1 2\nbtime 1700000000\nprocesses 3\n"), 0, 1700000000},
        {ROW("absent"), PSV_BYTES_INIT("cpu 1 2\n"), PSV_ESYNTAX, 0},
        {ROW("malformed"), PSV_BYTES_INIT("btime now\n"), PSV_ESYNTAX, 0},
        {ROW("empty"), PSV_BYTES_INIT(""), PSV_ESYNTAX, 0},
    };
    TABLE_FOR_EACH(row, cases)
    {
        uint64_t unix_s = 7;
        assert_int_equal(psv_process_parse_boot_time(row->text, &unix_s), row->result);
        assert_true(unix_s == (row->result == 0 ? row->unix_s : 7));
    }
}

static void wait_for_word(void *argument)
{
    _Atomic uint32_t *word = argument;
    while (atomic_load(word) == 0)
        psv_futex_wait(word, 0, 0);
}

static void test_facts(void **state)
{
    (void)state;
    struct psv_process_facts before;
    struct psv_process_facts after;
    uint64_t now_us = psv_clock_unix_us();
    assert_int_equal(psv_process_read_facts(&before), 0);
    assert_true(before.resident_bytes > 100000);
    assert_true(before.virtual_bytes >= before.resident_bytes);
    assert_true(before.threads >= 1); /* a sanitizer has its own */
    /* the machine's start is known to a second only */
    assert_in_range(before.start_unix_us, now_us - 600 * PSV_US_PER_S, now_us + 2 * PSV_US_PER_S);
    assert_true(before.cpu_us < 600 * PSV_US_PER_S);
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(before.max_fds == limit.rlim_cur);

    _Atomic uint32_t word = 0;
    struct psv_thread thread;
    struct psv_thread_options options = {.name = "facts", .function = wait_for_word, .argument = &word};
    assert_int_equal(psv_thread_start(&thread, &options, NULL), 0);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    uint64_t busy_until = psv_clock_thread_cpu_ns() + 30 * PSV_NS_PER_MS;
    while (psv_clock_thread_cpu_ns() < busy_until)
        continue;
    assert_int_equal(psv_process_read_facts(&after), 0);
    assert_int_equal(after.threads, before.threads + 1);
    assert_int_equal(after.open_fds, before.open_fds + 2);
    assert_true(after.cpu_us > before.cpu_us);
    close(fds[0]);
    close(fds[1]);
    atomic_store(&word, 1);
    psv_futex_wake(&word, 1);
    assert_int_equal(psv_thread_join(&thread, 0), 0);
}

static int read_facts(void *context)
{
    return psv_process_read_facts(context);
}

static void test_facts_out_of_memory(void **state)
{
    (void)state;
    struct psv_process_facts facts;
    assert_in_range(fail_each_allocation(read_facts, &facts), 2, 30);
}

static void test_own_memory(void **state)
{
    (void)state;
    const size_t grown = 64u << 20;
    uint64_t before = psv_process_own_memory(getpid());
    char *memory = malloc(grown);
    assert_non_null(memory);
    memset(memory, 1, grown);
    uint64_t after = psv_process_own_memory(getpid());
    free(memory);
    assert_true(before > 0 && after >= before + grown * 9 / 10);
    assert_int_equal(psv_process_own_memory(-1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_memory),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_who_sent_it),
        cmocka_unit_test(test_signal_failures),
        cmocka_unit_test(test_sigpipe),
        cmocka_unit_test(test_parse_stat),
        cmocka_unit_test(test_parse_boot_time),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_facts_out_of_memory),
    };
    return cmocka_run_group_tests_name("os/process", tests, NULL, NULL);
}
