/* Reports of fatal signals; see crash.h.  The handler calls async-signal-safe functions only, but for
 * backtrace(3), whose library is loaded beforehand.
 *
 * SPDX-License-Identifier: MIT */
#include "crash.h"

#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/text_parse.h"

#define STACK_BYTES ((size_t)64 * 1024)
#define FRAMES_MAX 64
#define LINE_BYTES 1024

#define HAS_SANITIZER (HAS_ADDRESS_SANITIZER || HAS_THREAD_SANITIZER)

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};

static struct {
    _Atomic bool is_active;
    struct psv_bytes request_id;
    struct psv_bytes script;
} notes[PSV_CRASH_NOTES];

static bool writes_json;
static atomic_flag is_reporting = ATOMIC_FLAG_INIT;
static _Thread_local void *stack;

void psv_crash_note(unsigned number, struct psv_bytes request_id, struct psv_bytes script)
{
    if (number < PSV_CRASH_NOTES) {
        notes[number].request_id = request_id;
        notes[number].script = script;
        /* release: the handler of another thread reads the texts after the flag */
        atomic_store_explicit(&notes[number].is_active, true, memory_order_release);
    }
}

void psv_crash_forget(unsigned number)
{
    if (number < PSV_CRASH_NOTES) {
        atomic_store_explicit(&notes[number].is_active, false, memory_order_relaxed);
    }
}

/* ---- the report */

struct line {
    char text[LINE_BYTES];
    size_t len;
};

/* Bytes that could break the line, or end a text of JSON, become '?'. */
static void add_clean(struct line *line, struct psv_bytes text)
{
    for (size_t i = 0; i < text.len && line->len < sizeof(line->text) - 4; i++) {
        char c = text.data[i];
        line->text[line->len++] = c < 0x20 || c == 0x7f || c == '"' || c == '\\' ? '?' : c;
    }
}

static void add(struct line *line, const char *text)
{
    size_t len = MIN(strlen(text), sizeof(line->text) - 4 - line->len);

    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static void add_field(struct line *line, const char *key, struct psv_bytes value)
{
    add(line, writes_json ? ",\"" : " ");
    add(line, key);
    add(line, writes_json ? "\":\"" : "=");
    add_clean(line, value);
    add(line, writes_json ? "\"" : "");
}

static void begin(struct line *line, const char *event)
{
    line->len = 0;
    add(line, writes_json ? "{\"level\":\"error\",\"event\":\"" : "ERROR ");
    add(line, event);
    add(line, writes_json ? "\"" : "");
}

static void finish(struct line *line)
{
    add(line, writes_json ? "}" : "");
    line->text[line->len++] = '\n';
    (void)!write(STDERR_FILENO, line->text, line->len);
}

static void report_notes(struct line *line)
{
    char digits[24];

    for (unsigned i = 0; i < PSV_CRASH_NOTES; i++) {
        if (!atomic_load_explicit(&notes[i].is_active, memory_order_acquire)) {
            continue;
        }
        begin(line, "server.crashed_while");
        add_field(line, "worker", (struct psv_bytes){digits, psv_format_u64(digits, i)});
        add_field(line, "request_id", notes[i].request_id);
        add_field(line, "script", notes[i].script);
        finish(line);
    }
}

static void report(int number)
{
    static struct line line; /* one report at a time; the stack may be the alternate one */
    static void *frames[FRAMES_MAX];
    char thread_name[16 + 1] = "";
    char digits[24];
    const char *name = sigabbrev_np(number);

    (void)prctl(PR_GET_NAME, thread_name);
    begin(&line, "server.crashed");
    add_field(&line, "signal", psv_bytes_of(name != NULL ? name : "?"));
    add_field(&line, "thread", psv_bytes_of(thread_name));
    add_field(&line, "pid", (struct psv_bytes){digits, psv_format_u64(digits, (uint64_t)getpid())});
    finish(&line);
    report_notes(&line);
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
}

static void on_fatal(int number)
{
    if (!atomic_flag_test_and_set(&is_reporting)) {
        report(number);
    }
    /* SA_RESETHAND: this time it ends the process */
    (void)raise(number);
}

void psv_crash_init(bool is_json)
{
    void *frame;

    writes_json = is_json;
    if (HAS_SANITIZER) {
        return;
    }
    (void)backtrace(&frame, 1); /* loads what it needs, which must not happen in a handler */
    struct sigaction action = {.sa_handler = on_fatal, .sa_flags = SA_ONSTACK | (int)SA_RESETHAND};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_SIZE(fatal_signals); i++) {
        (void)sigaction(fatal_signals[i], &action, NULL);
    }
    psv_crash_thread_start();
}

void psv_crash_thread_start(void)
{
    if (HAS_SANITIZER || stack != NULL) {
        return;
    }
    void *memory = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return; /* reports of overflown stacks are lost, nothing else */
    }
    stack_t alternate = {.ss_sp = memory, .ss_size = STACK_BYTES};
    if (sigaltstack(&alternate, NULL) != 0) {
        (void)munmap(memory, STACK_BYTES);
        return;
    }
    stack = memory;
}

void psv_crash_thread_stop(void)
{
    if (stack == NULL) {
        return;
    }
    const stack_t none = {.ss_flags = SS_DISABLE};
    (void)sigaltstack(&none, NULL);
    (void)munmap(stack, STACK_BYTES);
    stack = NULL;
}
