/* The executor without a runtime: what the server itself costs, and what black-box tests talk to when there
 * is no PHP. Every path answers "ok"; paths below /stub/ do what the table says (README.md describes them).
 * [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "executor_registry.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text_parse.h"
#include "exec/queue.h"
#include "os/clock.h"
#include "os/thread.h"

#define BLOCK_BYTES 16384

struct stub_thread {
    _Atomic uint32_t is_interrupted; /* futex word that sleeps wait on; set only while a job runs */
    char block[BLOCK_BYTES];         /* "abc...z" over and over */
};

/* What an action returns: 0, or PSV_EAGAIN when the thread is to be replaced. */
typedef int stub_action_fn(struct stub_thread *thread, struct psv_job *job);

static const struct psv_field text_fields[] = {
    {PSV_BYTES_INIT("Content-Type"), PSV_BYTES_INIT("text/plain; charset=utf-8"), PSV_FIELD_CONTENT_TYPE},
};

/* ---- helpers */

/* The number behind `name` in the query, or otherwise. */
static uint64_t query_number(const struct psv_job *job, struct psv_bytes name, uint64_t otherwise)
{
    struct psv_bytes rest = psv_job_message(job)->query;
    struct psv_bytes pair;
    uint64_t number;

    while (psv_bytes_split(&rest, '&', &pair)) {
        size_t equals = psv_bytes_find(pair, '=');
        if (psv_bytes_equal(psv_bytes_first(pair, equals), name) &&
            psv_parse_u64(psv_bytes_from(pair, equals + 1), &number) == PSV_OK) {
            return number;
        }
    }
    return otherwise;
}

#define QUERY_NUMBER(job, name, otherwise) query_number((job), PSV_BYTES(name), (otherwise))

static int respond(struct psv_job *job, unsigned status)
{
    return psv_job_respond(job, status, text_fields, ARRAY_SIZE(text_fields));
}

static int write_text(struct psv_job *job, struct psv_bytes text)
{
    return psv_job_write(job, text.data, text.len);
}

/* A response that could not be made is failed, one that nobody waits for is left alone. */
static int conclude(struct psv_job *job, int code)
{
    if (code != PSV_OK && code != PSV_EGONE) {
        psv_job_fail(job);
    }
    return PSV_OK;
}

static int write_filler(struct stub_thread *thread, struct psv_job *job, uint64_t len)
{
    int code = PSV_OK;

    for (uint64_t offset = 0; offset < len && code == PSV_OK;) {
        /* the pattern goes on where the last block ended: no block length divides 26 */
        size_t start = (size_t)(offset % 26);
        size_t part = (size_t)MIN((uint64_t)(BLOCK_BYTES - start), len - offset);
        code = psv_job_write(job, thread->block + start, part);
        offset += part;
    }
    return code;
}

/* False when interrupted. */
static bool sleep_ms(struct stub_thread *thread, uint64_t ms)
{
    uint64_t until_ns = psv_clock_monotonic_ns() + MIN(ms, UINT64_C(86400000)) * PSV_NS_PER_MS;

    if (ms == 0) {
        return true;
    }
    /* acquire pairs with the release in interrupt; nothing else hangs on it */
    while (atomic_load_explicit(&thread->is_interrupted, memory_order_acquire) == 0) {
        if (psv_futex_wait(&thread->is_interrupted, 0, until_ns) == PSV_ETIMEOUT) {
            return true;
        }
    }
    return false;
}

/* ---- actions */

static int answer_ok(struct stub_thread *thread, struct psv_job *job)
{
    (void)thread;
    int code = respond(job, 200);
    return conclude(job, code == PSV_OK ? psv_job_write(job, "ok\n", 3) : code);
}

static int write_fields(struct psv_job *job)
{
    const struct psv_message *message = psv_job_message(job);
    int code = PSV_OK;

    for (unsigned i = 0; i < message->fields_len && code == PSV_OK; i++) {
        const struct psv_bytes line[] = {message->fields[i].name, PSV_BYTES(": "), message->fields[i].value,
                                         PSV_BYTES("\n")};
        for (size_t k = 0; k < ARRAY_SIZE(line) && code == PSV_OK; k++) {
            code = write_text(job, line[k]);
        }
    }
    return code;
}

static int write_request_body(struct psv_job *job)
{
    char block[4096];
    size_t len;
    int code = PSV_OK;

    while (code == PSV_OK && (len = psv_job_body_read(job, block, sizeof(block))) > 0) {
        code = psv_job_write(job, block, len);
    }
    return code;
}

static int echo(struct stub_thread *thread, struct psv_job *job)
{
    const struct psv_message *message = psv_job_message(job);
    const struct psv_bytes line[] = {message->method, PSV_BYTES(" "),    message->target,
                                     PSV_BYTES(" "),  message->protocol, PSV_BYTES("\n")};

    (void)thread;
    int code = respond(job, 200);
    for (size_t i = 0; i < ARRAY_SIZE(line) && code == PSV_OK; i++) {
        code = write_text(job, line[i]);
    }
    if (code == PSV_OK) {
        code = write_fields(job);
    }
    if (code == PSV_OK) {
        code = write_text(job, PSV_BYTES("\n"));
    }
    return conclude(job, code == PSV_OK ? write_request_body(job) : code);
}

static int sleep_then_answer(struct stub_thread *thread, struct psv_job *job)
{
    bool is_whole = sleep_ms(thread, QUERY_NUMBER(job, "ms", 100));
    int code = respond(job, 200);

    return conclude(job, code == PSV_OK
                             ? write_text(job, is_whole ? PSV_BYTES("slept\n") : PSV_BYTES("interrupted\n"))
                             : code);
}

static int send_bytes(struct stub_thread *thread, struct psv_job *job)
{
    int code = respond(job, 200);

    return conclude(job, code == PSV_OK ? write_filler(thread, job, QUERY_NUMBER(job, "n", 1024)) : code);
}

static int stream(struct stub_thread *thread, struct psv_job *job)
{
    uint64_t count = QUERY_NUMBER(job, "n", 3);
    uint64_t bytes = QUERY_NUMBER(job, "bytes", 0);
    uint64_t pause_ms = QUERY_NUMBER(job, "ms", 0);
    int code = respond(job, 200);

    for (uint64_t i = 0; i < count && code == PSV_OK; i++) {
        char line[32] = "part ";
        size_t len = 5 + psv_format_u64(line + 5, i);
        line[len++] = '\n';
        code = psv_job_write(job, line, len);
        if (code == PSV_OK) {
            code = write_filler(thread, job, bytes);
        }
        if (code == PSV_OK) {
            code = psv_job_flush(job);
        }
        if (code == PSV_OK && !sleep_ms(thread, pause_ms)) {
            break;
        }
    }
    return conclude(job, code);
}

static int answer_status(struct stub_thread *thread, struct psv_job *job)
{
    unsigned status = (unsigned)MIN(QUERY_NUMBER(job, "code", 200), UINT64_C(9999));

    (void)thread;
    int code = respond(job, status);
    return conclude(job, code == PSV_OK ? write_text(job, PSV_BYTES("status\n")) : code);
}

static int promise(struct stub_thread *thread, struct psv_job *job)
{
    char digits[20];
    size_t digits_len = psv_format_u64(digits, QUERY_NUMBER(job, "length", 0));
    const struct psv_field fields[] = {
        text_fields[0],
        {PSV_BYTES("Content-Length"), {digits, digits_len}, PSV_FIELD_CONTENT_LENGTH},
    };
    uint64_t flushes = QUERY_NUMBER(job, "flush", 0);
    int code = psv_job_respond(job, 200, fields, ARRAY_SIZE(fields));

    if (code == PSV_OK && flushes != 0) {
        code = psv_job_flush(job);
    }
    return conclude(job, code == PSV_OK ? write_filler(thread, job, QUERY_NUMBER(job, "n", 0)) : code);
}

static int finish_early(struct stub_thread *thread, struct psv_job *job)
{
    int code = respond(job, 200);

    if (code == PSV_OK) {
        code = write_text(job, PSV_BYTES("finished\n"));
    }
    conclude(job, code);
    psv_job_finish(job);
    sleep_ms(thread, QUERY_NUMBER(job, "ms", 100));
    return PSV_OK;
}

static int fail(struct stub_thread *thread, struct psv_job *job)
{
    uint64_t bytes = QUERY_NUMBER(job, "n", 0);

    if (bytes > 0 && respond(job, 200) == PSV_OK && write_filler(thread, job, bytes) == PSV_OK) {
        (void)!psv_job_flush(job);
    }
    psv_job_fail(job);
    return PSV_OK;
}

/* Without an answer: the worker has to see to it that the client gets one. */
static int break_thread(struct stub_thread *thread, struct psv_job *job)
{
    (void)thread;
    (void)job;
    return PSV_EAGAIN;
}

static const struct stub_route {
    struct psv_bytes path;
    stub_action_fn *action;
} routes[] = {
    {PSV_BYTES_INIT("/stub/echo"), echo},
    {PSV_BYTES_INIT("/stub/sleep"), sleep_then_answer},
    {PSV_BYTES_INIT("/stub/bytes"), send_bytes},
    {PSV_BYTES_INIT("/stub/stream"), stream},
    {PSV_BYTES_INIT("/stub/status"), answer_status},
    {PSV_BYTES_INIT("/stub/promise"), promise},
    {PSV_BYTES_INIT("/stub/finish"), finish_early},
    {PSV_BYTES_INIT("/stub/fail"), fail},
    {PSV_BYTES_INIT("/stub/break"), break_thread},
};

static stub_action_fn *find_action(struct psv_bytes target)
{
    if (LIKELY(!psv_bytes_starts_with(target, PSV_BYTES("/stub/")))) {
        return answer_ok;
    }
    struct psv_bytes path = psv_bytes_first(target, psv_bytes_find(target, '?'));
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
        if (psv_bytes_equal(routes[i].path, path)) {
            return routes[i].action;
        }
    }
    return answer_ok;
}

/* ---- the executor */

static int process_start(const struct psv_config *config, struct psv_error *reterr)
{
    (void)config;
    (void)reterr;
    return PSV_OK;
}

static int thread_start(struct psv_worker *worker, void **ret_state, struct psv_error *reterr)
{
    (void)worker;
    struct stub_thread *thread = psv_malloc(sizeof(*thread));

    if (thread == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for a stub worker");
    }
    atomic_init(&thread->is_interrupted, 0);
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        thread->block[i] = (char)('a' + i % 26);
    }
    *ret_state = thread;
    return PSV_OK;
}

static int run(struct psv_worker *worker, void *state)
{
    struct stub_thread *thread = state;
    struct psv_job *job;

    while ((job = psv_worker_next_job(worker)) != NULL) {
        int code = find_action(psv_job_message(job)->target)(thread, job);
        if (code != PSV_OK) {
            return code; /* the pool ends the job */
        }
        psv_worker_end_job(worker, job);
        /* relaxed: interrupts come while a job runs only, and none does now */
        atomic_store_explicit(&thread->is_interrupted, 0, memory_order_relaxed);
    }
    return PSV_OK;
}

static void interrupt(void *state)
{
    struct stub_thread *thread = state;

    atomic_store_explicit(&thread->is_interrupted, 1,
                          memory_order_release); /* pairs with the acquire in sleep_ms */
    psv_futex_wake(&thread->is_interrupted, 1);
}

static void thread_stop(void *state)
{
    psv_free(state);
}

static void process_stop(void) {}

static size_t facts(struct psv_executor_fact *out, size_t max)
{
    (void)out;
    (void)max;
    return 0;
}

const struct psv_executor psv_executor_stub = {
    .name = "stub",
    .help = "answers every request with \"ok\", runs no PHP",
    .process_start = process_start,
    .thread_start = thread_start,
    .run = run,
    .interrupt = interrupt,
    .thread_stop = thread_stop,
    .process_stop = process_stop,
    .facts = facts,
    .metrics = NULL,
};
