/* The panic: its text on descriptor 2, its hook.  The hook jumps back into the test, so the process survives.
 *
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "table.h"

#include "base/assert.h"
#include "base/refcount.h"

static jmp_buf back;
static struct {
    unsigned calls;
    char file[256];
    int line;
    char what[2048];
} seen;

static void hook(const char *file, int line, const char *what)
{
    seen.calls++;
    snprintf(seen.file, sizeof(seen.file), "%s", file);
    seen.line = line;
    snprintf(seen.what, sizeof(seen.what), "%s", what);
    longjmp(back, 1);
}

/* Runs the statement, which must panic, with standard error going to a pipe; `text` gets what was written
 * there. */
#define EXPECT_PANIC(statement, text)                                                                        \
    do {                                                                                                     \
        int pipe_fds[2];                                                                                     \
        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);                                                     \
        int saved_fd = dup(STDERR_FILENO);                                                                   \
        assert_int_equal(dup2(pipe_fds[1], STDERR_FILENO), STDERR_FILENO);                                   \
        volatile bool has_returned = false;                                                                  \
        seen.calls = 0;                                                                                      \
        psv_panic_set_hook(hook);                                                                            \
        if (setjmp(back) == 0) {                                                                             \
            statement;                                                                                       \
            has_returned = true;                                                                             \
        }                                                                                                    \
        psv_panic_set_hook(NULL);                                                                            \
        assert_int_equal(dup2(saved_fd, STDERR_FILENO), STDERR_FILENO);                                      \
        close(saved_fd);                                                                                     \
        close(pipe_fds[1]);                                                                                  \
        ssize_t text_len = read(pipe_fds[0], text, sizeof(text) - 1);                                        \
        text[text_len > 0 ? text_len : 0] = '\0';                                                            \
        close(pipe_fds[0]);                                                                                  \
        assert_false(has_returned);                                                                          \
        assert_int_equal(seen.calls, 1);                                                                     \
    } while (0)

static void test_panic_text(void **state)
{
    (void)state;
    char text[4096];
    EXPECT_PANIC(psv_panic("some/file.c", 4711, "the cat is out"), text);
    assert_string_equal(text, "phpsrv: panic at some/file.c:4711: the cat is out\n");
    assert_string_equal(seen.file, "some/file.c");
    assert_int_equal(seen.line, 4711);
    assert_string_equal(seen.what, "the cat is out");
}

static void test_panic_cuts_long_text(void **state)
{
    (void)state;
    static char what[1500];
    memset(what, 'x', sizeof(what) - 1);
    char text[4096];
    EXPECT_PANIC(psv_panic("f.c", -1, what), text);
    assert_int_equal(strlen(text), 1024);
    assert_int_equal(text[1023], '\n');
    assert_memory_equal(text, "phpsrv: panic at f.c:0: xxx", 27);
}

static void test_invariant(void **state)
{
    (void)state;
    char text[4096];
    int one = 1;
    INVARIANT(one == 1);
    EXPECT_PANIC(INVARIANT(one == 2), text);
    assert_string_equal(seen.what, "one == 2");
    assert_string_equal(seen.file, __FILE__);
    EXPECT_PANIC(UNREACHABLE("never here"), text);
    assert_string_equal(seen.what, "unreachable: never here");
}

static void test_check_magic(void **state)
{
    (void)state;
    char text[4096];
    struct {
        unsigned magic;
    } object = {0x1234u}, *none = NULL;
    CHECK_MAGIC(&object, 0x1234u);
    EXPECT_PANIC(CHECK_MAGIC(&object, 0x1235u), text);
    EXPECT_PANIC(CHECK_MAGIC(none, 0x1234u), text);
}

static void test_refcount_underflow_panics(void **state)
{
    (void)state;
    char text[4096];
    struct psv_refcount refs;
    psv_refcount_init(&refs);
    assert_true(psv_refcount_unref(&refs));
    EXPECT_PANIC(psv_refcount_ref(&refs), text);
    psv_refcount_init(&refs);
    assert_true(psv_refcount_unref(&refs));
    EXPECT_PANIC((void)psv_refcount_unref(&refs), text);
}

static void failing_hook(const char *file, int line, const char *what)
{
    (void)file;
    (void)line;
    (void)what;
    psv_panic("hook.c", 1, "the hook fails itself");
}

/* In a child: the process must end with SIGABRT, also when the hook panics. */
static int abort_signal_of(psv_panic_hook_fn *child_hook, char *ret_text, size_t text_size)
{
    int pipe_fds[2];
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_fds[1], STDERR_FILENO);
        psv_panic_set_hook(child_hook);
        psv_panic("child.c", 7, "end");
    }
    close(pipe_fds[1]);
    size_t len = 0;
    ssize_t count;
    while ((count = read(pipe_fds[0], ret_text + len, text_size - 1 - len)) > 0)
        len += (size_t)count;
    ret_text[len] = '\0';
    close(pipe_fds[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static void test_panic_aborts(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(abort_signal_of(NULL, text, sizeof(text)), SIGABRT);
    assert_string_equal(text, "phpsrv: panic at child.c:7: end\n");
    assert_int_equal(abort_signal_of(failing_hook, text, sizeof(text)), SIGABRT);
    assert_string_equal(text, "phpsrv: panic at child.c:7: end\n"
                              "phpsrv: panic at hook.c:1: the hook fails itself\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_panic_text),
        cmocka_unit_test(test_panic_cuts_long_text),
        cmocka_unit_test(test_invariant),
        cmocka_unit_test(test_check_magic),
        cmocka_unit_test(test_refcount_underflow_panics),
        cmocka_unit_test(test_panic_aborts),
    };
    return cmocka_run_group_tests_name("base/assert", tests, NULL, NULL);
}
