/* The log as a whole: many threads, files, stuck readers, reopening.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "json_check.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "os/clock.h"
#include "os/fd.h"

#define THREADS 4
#define LINES_PER_THREAD 3000

static char folder[] = "/tmp/psv_log_test_XXXXXX";
static char error_path[64];
static char access_path[64];

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(error_path, sizeof(error_path), "%s/error.log", folder);
    (void)snprintf(access_path, sizeof(access_path), "%s/access.log", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(error_path);
    (void)unlink(access_path);
    return rmdir(folder);
}

static void start(const struct psv_log_options *options)
{
    struct psv_error error = {.message = ""};
    if (psv_log_start(options, &error) != 0) {
        fail_msg("%s", error.message);
    }
}

static void read_file(const char *path, struct psv_buffer *ret)
{
    psv_buffer_init(ret, 64 << 20);
    assert_int_equal(psv_fd_read_file(path, ret), 0);
}

static unsigned long number_after(struct psv_bytes line, const char *key)
{
    char text[4096];
    (void)snprintf(text, sizeof(text), "%.*s", PSV_BYTES_ARG(line));
    const char *at = strstr(text, key);
    if (at == NULL) {
        fail_msg("no %s in %s", key, text);
        return 0;
    }
    return strtoul(at + strlen(key), NULL, 10);
}

static void log_access(struct psv_bytes line)
{
    char *out = psv_log_access_begin();
    if (out != NULL) {
        memcpy(out, line.data, line.len);
        psv_log_access_end(out, line.len);
    }
}

/* ---- standard error, redirected */

static int saved_stderr = -1;

static void redirect_stderr(int fd)
{
    assert_int_equal(fflush(stderr), 0);
    saved_stderr = dup(STDERR_FILENO);
    assert_true(saved_stderr >= 0);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
}

static void restore_stderr(void)
{
    assert_int_equal(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
    saved_stderr = psv_fd_close(saved_stderr);
}

static void without_a_thread_lines_go_to_standard_error(void **state)
{
    (void)state;
    int fds[2];
    char text[512];
    assert_int_equal(pipe(fds), 0);
    redirect_stderr(fds[1]);
    PSV_LOG(PSV_LOG_WARN, "test.early", PSV_LOG_U64("number", 7));
    PSV_LOG(PSV_LOG_DEBUG, "test.silent");
    log_access(PSV_BYTES("nowhere to go"));
    psv_log_reopen();
    restore_stderr();
    (void)psv_fd_close(fds[1]);
    ssize_t len = read(fds[0], text, sizeof(text) - 1);
    assert_true(len > 25);
    text[len] = '\0';
    assert_string_equal(text + 24, " WARN  test.early number=7\n");
    (void)psv_fd_close(fds[0]);
}

/* ---- many threads */

static void *write_lines(void *argument)
{
    uint64_t thread = (uint64_t)(uintptr_t)argument;
    char access[64];
    for (uint64_t i = 0; i < LINES_PER_THREAD; i++) {
        PSV_LOG(PSV_LOG_INFO, "test.line", PSV_LOG_U64("thread", thread), PSV_LOG_U64("number", i),
                PSV_LOG_TEXT("text", "a \"b\"\n\xff"));
        int len = snprintf(access, sizeof(access), "thread=%u number=%u", (unsigned)thread, (unsigned)i);
        log_access((struct psv_bytes){access, (size_t)len});
    }
    return NULL;
}

static void write_from_threads(void)
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, (void *)i), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

/* Numbers of each thread rise; returns how many lines there are. */
static uint64_t check_order(struct psv_bytes text, const char *thread_key, const char *number_key,
                            bool is_json)
{
    unsigned long next[THREADS] = {0};
    uint64_t lines = 0;
    struct psv_bytes line;
    while (psv_bytes_split(&text, '\n', &line)) {
        if (line.len == 0 || memmem(line.data, line.len, "log.dropped", 11) != NULL) {
            continue;
        }
        assert_true(!is_json || json_is_valid(line.data, line.len));
        unsigned long thread = number_after(line, thread_key);
        unsigned long number = number_after(line, number_key);
        assert_true(thread < THREADS);
        assert_true(number >= next[thread]);
        next[thread] = number + 1;
        lines++;
    }
    return lines;
}

static void every_line_is_written_or_counted(void **state)
{
    (void)state;
    /* With a large ring and with one that overflows all the time. */
    static const size_t rings[] = {1 << 15, 1024, 64, 1};
    for (size_t i = 0; i < ARRAY_SIZE(rings); i++) {
        int64_t metric = psv_metric_value(PSV_METRIC_LOG_DROPPED);
        start(&(struct psv_log_options){.min_level = PSV_LOG_INFO,
                                        .format = PSV_LOG_FORMAT_JSON,
                                        .error_path = error_path,
                                        .access_path = access_path,
                                        .ring_lines = rings[i]});
        write_from_threads();
        psv_log_stop();
        struct psv_buffer error;
        struct psv_buffer access;
        read_file(error_path, &error);
        read_file(access_path, &access);
        uint64_t written = check_order(psv_buffer_bytes(&error), "\"thread\":", "\"number\":", true) +
                           check_order(psv_buffer_bytes(&access), "thread=", "number=", false);
        print_message("ring of %zu: %lu written, %lu dropped\n", rings[i], (unsigned long)written,
                      (unsigned long)psv_log_dropped());
        assert_int_equal(written + psv_log_dropped(), 2 * THREADS * LINES_PER_THREAD);
        assert_int_equal(psv_metric_value(PSV_METRIC_LOG_DROPPED) - metric, psv_log_dropped());
        if (rings[i] > 2 * THREADS * LINES_PER_THREAD) {
            assert_int_equal(psv_log_dropped(), 0);
        }
        psv_buffer_fini(&error);
        psv_buffer_fini(&access);
        assert_int_equal(unlink(error_path), 0);
        assert_int_equal(unlink(access_path), 0);
    }
}

static void one_file_for_both_keeps_the_order(void **state)
{
    (void)state;
    start(&(struct psv_log_options){
        .min_level = PSV_LOG_INFO, .error_path = error_path, .access_path = error_path, .ring_lines = 2000});
    for (uint64_t i = 0; i < 300; i++) {
        if (i % 2 == 0) {
            PSV_LOG(PSV_LOG_INFO, "test.line", PSV_LOG_U64("thread", 0), PSV_LOG_U64("number", i));
        } else {
            char line[64];
            int len = snprintf(line, sizeof(line), "thread=0 number=%u", (unsigned)i);
            log_access((struct psv_bytes){line, (size_t)len});
        }
    }
    psv_log_stop();
    struct psv_buffer text;
    read_file(error_path, &text);
    assert_int_equal(check_order(psv_buffer_bytes(&text), "thread=", "number=", false), 300);
    psv_buffer_fini(&text);
    assert_int_equal(unlink(error_path), 0);
}

/* A line that is none gives its place back; the longest one fits. */
static void access_lines_of_any_length(void **state)
{
    (void)state;
    start(&(struct psv_log_options){
        .min_level = PSV_LOG_INFO, .error_path = error_path, .access_path = access_path, .ring_lines = 1});
    for (int i = 0; i < 100; i++) {
        char *out = psv_log_access_begin();
        assert_non_null(out);
        assert_null(psv_log_access_begin()); /* this one is dropped, and counted */
        psv_log_access_end(out, 0);
    }
    assert_int_equal(psv_log_dropped(), 100);
    char *out = psv_log_access_begin();
    assert_non_null(out);
    memset(out, 'x', PSV_LOG_LINE_BYTES - 1);
    psv_log_access_end(out, PSV_LOG_LINE_BYTES - 1);
    psv_log_stop();
    struct psv_buffer text;
    read_file(access_path, &text);
    assert_int_equal(text.len, PSV_LOG_LINE_BYTES);
    assert_memory_equal(text.data + text.len - 3, "xx\n", 3);
    psv_buffer_fini(&text);
    assert_int_equal(unlink(error_path), 0);
    assert_int_equal(unlink(access_path), 0);
}

static void levels(void **state)
{
    (void)state;
    start(&(struct psv_log_options){.min_level = PSV_LOG_WARN, .error_path = error_path, .ring_lines = 64});
    PSV_LOG(PSV_LOG_INFO, "test.unseen");
    PSV_LOG(PSV_LOG_WARN, "test.seen");
    psv_log_set_min_level(PSV_LOG_DEBUG);
    PSV_LOG(PSV_LOG_DEBUG, "test.seen_later");
    log_access(PSV_BYTES("the access log is off"));
    psv_log_stop();
    psv_log_set_min_level(PSV_LOG_INFO);
    struct psv_buffer text;
    read_file(error_path, &text);
    assert_int_equal(psv_buffer_append_byte(&text, '\0'), 0);
    assert_null(strstr(text.data, "unseen"));
    assert_non_null(strstr(text.data, " WARN  test.seen\n"));
    assert_non_null(strstr(text.data, " DEBUG test.seen_later\n"));
    assert_null(strstr(text.data, "access"));
    assert_null(strstr(text.data, "\033[")); /* a file is no terminal */
    psv_buffer_fini(&text);
    assert_int_equal(unlink(error_path), 0);
}

/* ---- a reader that does not read */

static void *read_all(void *argument)
{
    const int *fd = argument;
    struct psv_buffer *text = psv_calloc(1, sizeof(*text));
    psv_buffer_init(text, 64 << 20);
    char part[4096];
    ssize_t len;
    while ((len = read(*fd, part, sizeof(part))) > 0) {
        if (psv_buffer_append(text, part, (size_t)len) != 0) {
            break;
        }
    }
    return text;
}

static void a_stuck_reader_stops_nobody(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    redirect_stderr(fds[1]);
    (void)psv_fd_close(fds[1]);
    start(&(struct psv_log_options){.min_level = PSV_LOG_INFO, .error_path = "stderr", .ring_lines = 256});

    /* Far more than pipe and ring hold: this loop only ends because nobody waits. */
    uint64_t lines = 0;
    while (psv_log_dropped() < 500) {
        PSV_LOG(PSV_LOG_INFO, "test.line", PSV_LOG_U64("thread", 0), PSV_LOG_U64("number", lines++));
    }
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_all, &fds[0]), 0);
    psv_log_stop();
    restore_stderr(); /* closes the last writing end: the reader ends */
    void *result = NULL;
    assert_int_equal(pthread_join(reader, &result), 0);
    struct psv_buffer *text = result;

    assert_int_equal(check_order(psv_buffer_bytes(text), "thread=", "number=", false) + psv_log_dropped(),
                     lines);
    uint64_t reported = 0;
    struct psv_bytes rest = psv_buffer_bytes(text);
    struct psv_bytes line;
    while (psv_bytes_split(&rest, '\n', &line)) {
        if (memmem(line.data, line.len, " WARN  log.dropped ", 19) != NULL) {
            reported += number_after(line, "count=");
        }
    }
    assert_int_equal(reported, psv_log_dropped());
    psv_buffer_fini(text);
    psv_free(text);
    (void)psv_fd_close(fds[0]);
}

/* Somebody made the shared descriptor non-blocking: lines wait instead of getting lost. */
static void a_non_blocking_pipe_loses_nothing(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(psv_fd_set_nonblock(fds[1], true), 0);
    redirect_stderr(fds[1]);
    (void)psv_fd_close(fds[1]);
    start(&(struct psv_log_options){.min_level = PSV_LOG_INFO, .error_path = "stderr", .ring_lines = 4096});
    for (uint64_t i = 0; i < 4000; i++) {
        PSV_LOG(PSV_LOG_INFO, "test.line", PSV_LOG_U64("thread", 0), PSV_LOG_U64("number", i),
                PSV_LOG_TEXT("padding", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
    }
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_all, &fds[0]), 0);
    psv_log_stop();
    restore_stderr();
    void *result = NULL;
    assert_int_equal(pthread_join(reader, &result), 0);
    struct psv_buffer *text = result;
    assert_int_equal(check_order(psv_buffer_bytes(text), "thread=", "number=", false), 4000);
    assert_int_equal(psv_log_dropped(), 0);
    psv_buffer_fini(text);
    psv_free(text);
    (void)psv_fd_close(fds[0]);
}

/* ---- files */

static void reopening_makes_a_new_file(void **state)
{
    (void)state;
    char moved[80];
    (void)snprintf(moved, sizeof(moved), "%s.1", error_path);
    start(&(struct psv_log_options){
        .min_level = PSV_LOG_INFO, .error_path = error_path, .access_path = access_path, .ring_lines = 64});
    assert_int_equal(rename(error_path, moved), 0);
    assert_int_equal(unlink(access_path), 0);
    psv_log_reopen();
    while (access(error_path, F_OK) != 0 || access(access_path, F_OK) != 0) {
        (void)usleep(1000);
    }
    PSV_LOG(PSV_LOG_INFO, "test.after");
    log_access(PSV_BYTES("access after"));
    psv_log_stop();
    struct psv_buffer text;
    read_file(error_path, &text);
    assert_non_null(memmem(text.data, text.len, "test.after\n", 11));
    psv_buffer_fini(&text);
    read_file(access_path, &text);
    assert_memory_equal(text.data, "access after\n", text.len);
    psv_buffer_fini(&text);
    assert_int_equal(unlink(moved), 0);
    assert_int_equal(unlink(error_path), 0);
    assert_int_equal(unlink(access_path), 0);
}

static void a_failed_reopen_keeps_the_file(void **state)
{
    (void)state;
    char moved[80];
    (void)snprintf(moved, sizeof(moved), "%s.1", error_path);
    start(&(struct psv_log_options){.min_level = PSV_LOG_INFO, .error_path = error_path, .ring_lines = 64});
    assert_int_equal(rename(error_path, moved), 0);
    assert_int_equal(mkdir(error_path, 0700), 0); /* cannot be opened for writing, not even by root */
    psv_log_reopen();
    PSV_LOG(PSV_LOG_INFO, "test.still_here");
    psv_log_stop();
    struct psv_buffer text;
    read_file(moved, &text);
    assert_non_null(memmem(text.data, text.len, "test.still_here\n", 16));
    assert_non_null(memmem(text.data, text.len, " ERROR log.reopen_failed reason=", 32));
    psv_buffer_fini(&text);
    assert_int_equal(unlink(moved), 0);
    assert_int_equal(rmdir(error_path), 0);
}

static void starts_that_fail(void **state)
{
    (void)state;
    struct psv_error error = {.message = ""};
    struct psv_log_options options = {
        .min_level = PSV_LOG_INFO, .error_path = "/nonexistent/error.log", .ring_lines = 64};
    assert_int_equal(psv_log_start(&options, &error), PSV_EIO);
    assert_string_equal(error.message,
                        "cannot open the log file \"/nonexistent/error.log\": No such file or directory");
    options.error_path = "";
    assert_int_equal(psv_log_start(&options, &error), PSV_EINVAL);
    options.error_path = error_path;
    options.access_path = "/nonexistent/access.log";
    assert_int_equal(psv_log_start(&options, &error), PSV_EIO);
    options.access_path = NULL;
    unsigned failures = 0;
    int result = PSV_ENOMEM;
    for (uint64_t countdown = 1; result != 0; countdown++) {
        psv_memory_fail_after(countdown);
        result = psv_log_start(&options, &error);
        psv_memory_fail_after(0);
        assert_true(result == 0 || result == PSV_ENOMEM);
        failures += result != 0;
    }
    assert_true(failures >= 3);
    assert_int_equal(psv_log_start(&options, &error), PSV_EEXIST);
    psv_log_stop();
    psv_log_stop(); /* harmless */
    assert_int_equal(unlink(error_path), 0);
}

static void fill_pipe(int fd)
{
    static const char blanks[4096];
    assert_int_equal(psv_fd_set_nonblock(fd, true), 0);
    while (write(fd, blanks, sizeof(blanks)) > 0) {
    }
    assert_int_equal(psv_fd_set_nonblock(fd, false), 0);
}

/* The last test of the program: the log thread is given up. */
static void a_stop_does_not_wait_for_ever(void **state)
{
    (void)state;
    static int fds[2]; /* stays open: the thread hangs in it */
    assert_int_equal(pipe(fds), 0);
    fill_pipe(fds[1]);
    redirect_stderr(fds[1]);
    start(&(struct psv_log_options){.min_level = PSV_LOG_INFO, .error_path = "stderr", .ring_lines = 16});
    while (psv_log_dropped() < 10) {
        PSV_LOG(PSV_LOG_INFO, "test.line");
    }
    uint64_t before_ns = psv_clock_monotonic_ns();
    psv_log_stop();
    uint64_t took_ns = psv_clock_monotonic_ns() - before_ns;
    uint64_t dropped = psv_log_dropped();
    PSV_LOG(PSV_LOG_INFO, "test.afterwards"); /* directly, and the pipe is full: given up as well */
    uint64_t dropped_directly = psv_log_dropped() - dropped;
    struct psv_error error;
    int restart = psv_log_start(&(struct psv_log_options){.error_path = "stderr", .ring_lines = 1}, &error);
    restore_stderr();
    assert_true(took_ns < 60 * PSV_NS_PER_S);
    assert_int_equal(dropped_directly, 1);
    assert_int_equal(restart, PSV_EEXIST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_thread_lines_go_to_standard_error),
        cmocka_unit_test(every_line_is_written_or_counted),
        cmocka_unit_test(one_file_for_both_keeps_the_order),
        cmocka_unit_test(access_lines_of_any_length),
        cmocka_unit_test(levels),
        cmocka_unit_test(a_stuck_reader_stops_nobody),
        cmocka_unit_test(a_non_blocking_pipe_loses_nothing),
        cmocka_unit_test(reopening_makes_a_new_file),
        cmocka_unit_test(a_failed_reopen_keeps_the_file),
        cmocka_unit_test(starts_that_fail),
        cmocka_unit_test(a_stop_does_not_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
