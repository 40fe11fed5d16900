/* The pool of worker threads; see worker.h.  A worker thread runs the executor; the loop only counts and
 * interrupts. Knows no runtime but through struct psv_executor.
 *
 * Life of a slot: the pool starts a thread; when its runtime state is broken the thread stops the runtime,
 * starts its successor and ends; the successor joins it first.  So one thread per slot has a runtime at any
 * time, and joining the newest joins all.
 *
 * SPDX-License-Identifier: MIT */
#include "worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "exec/body_decoder.h"
#include "exec/job.h"
#include "exec/queue.h"
#include "exec/worker_state.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "os/clock.h"
#include "os/crash.h"
#include "os/thread.h"

/* A runtime that broke sooner than this after its start is likely to break again: wait before the next try.
 */
#define HEALTHY_NS (UINT64_C(1) * PSV_NS_PER_S)
#define BACKOFF_FIRST_NS (UINT64_C(10) * PSV_NS_PER_MS)
#define BACKOFF_MAX_NS (UINT64_C(5) * PSV_NS_PER_S)

/* ---- jobs [worker] */

/* QUEUED -> RUNNING and known to interrupts, in one step. */
static bool take_job(struct psv_worker *worker, struct psv_job *job)
{
    CHECK_MAGIC(job, PSV_JOB_MAGIC);
    pthread_mutex_lock(&worker->lock);
    /* relaxed: try_start publishes it to a loop that finds the job running */
    atomic_store_explicit(&job->worker_plus_1, worker->index + 1, memory_order_relaxed);
    bool is_started = psv_job_try_start(job);
    if (is_started) {
        job->started_ns = psv_clock_monotonic_ns();
        psv_queue_note_begin(worker->pool->queue, worker->index, job->started_ns);
        worker->job = job;
        worker->life.requests++;
    }
    pthread_mutex_unlock(&worker->lock);
    if (is_started && job->wants_usage) {
        job->cpu_started_ns = psv_clock_thread_cpu_ns();
    }
    if (is_started) {
        psv_crash_note(worker->id, job->message.request_id, job->message.script_filename);
    }
    return is_started;
}

/* True when this thread is to end although nothing is broken. */
static bool has_served_its_time(struct psv_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    bool is_given_up = worker->is_given_up;
    pthread_mutex_unlock(&worker->lock);
    if (is_given_up) {
        return true;
    }
    /* acquire: pairs with the clear by the last one that was replaced */
    worker->is_recycled =
        worker->jobs_max > 0 && worker->jobs >= worker->jobs_max &&
        !atomic_flag_test_and_set_explicit(&worker->pool->is_recycling, memory_order_acquire);
    return worker->is_recycled;
}

static void answer_probe(struct psv_worker *worker)
{
    struct psv_worker_pool *pool = worker->pool;
    const struct psv_executor *executor = pool->executor;
    unsigned asked = PSV_PROBE_ASKED;

    /* acquire: pairs with the exchange that asks; one worker gets it */
    if (!atomic_compare_exchange_strong_explicit(&pool->probe_state, &asked, PSV_PROBE_TAKEN,
                                                 memory_order_acquire, memory_order_relaxed)) {
        return;
    }
    bool is_right = executor->probe == NULL || executor->probe(worker->state);

    if (!is_right) {
        PSV_LOG(PSV_LOG_ERROR, "worker.probe_failed", PSV_LOG_U64("worker", worker->id));
    }
    /* three facts for people and balancers; nothing else hangs on their order */
    atomic_store_explicit(&pool->probe_was_right, is_right, memory_order_relaxed);
    atomic_store_explicit(&pool->probe_done_ns, psv_clock_monotonic_ns(), memory_order_relaxed);
    atomic_store_explicit(&pool->probe_state, PSV_PROBE_NONE, memory_order_release);
}

/* What the queue handed out, made ready to run; NULL: it was no job, or one that is over already. */
static struct psv_job *begin_job(struct psv_worker *worker, struct psv_job *job)
{
    if (UNLIKELY(job == worker->pool->probe)) {
        /* release: pairs with the exchange before the next push */
        atomic_store_explicit(&worker->pool->probe_is_queued, false, memory_order_release);
        answer_probe(worker);
        return NULL;
    }
    if (!take_job(worker, job)) {
        psv_sink_release_unused(&job->sink);
        return NULL;
    }
    atomic_fetch_add_explicit(&worker->pool->busy, 1, memory_order_relaxed); /* a number for people */
    if (LIKELY(job->decoder == NULL) || psv_job_decode_body(job)) {
        return job;
    }
    psv_job_fail(job);
    psv_worker_end_job(worker, job);
    return NULL;
}

/* Whether this worker gets no more jobs, for another reason than the queue's. */
static bool is_at_its_end(struct psv_worker *worker)
{
    if (UNLIKELY(worker->ends_check) && has_served_its_time(worker)) {
        psv_worker_script_retire(worker, PSV_SCRIPT_STOPS);
        return true;
    }
    return worker->pool->script != NULL && psv_worker_script_wants_end(worker);
}

struct psv_job *psv_worker_next_job_until(struct psv_worker *worker, uint64_t deadline_ns,
                                          bool *ret_is_timeout)
{
    struct psv_worker_pool *pool = worker->pool;
    enum psv_queue_pop why = PSV_QUEUE_NUDGED;

    INVARIANT(worker->job == NULL); /* written by this thread only */
    *ret_is_timeout = false;
    if (UNLIKELY(atomic_load_explicit(&worker->life.is_candidate, memory_order_relaxed))) {
        psv_worker_renew_wait(worker);
    }
    while (!is_at_its_end(worker)) {
        /* here and not in the queue's order: behind a thousand requests the answer would come too late,
         * although PHP works as fast as it can (relaxed: seen a job later it is as good) */
        if (UNLIKELY(atomic_load_explicit(&pool->probe_state, memory_order_relaxed) == PSV_PROBE_ASKED)) {
            answer_probe(worker);
        }
        uint64_t until_ns = psv_clock_sooner(deadline_ns, worker->life.until_ns);
        struct psv_job *job = psv_queue_pop_until(pool->queue, worker->index, until_ns, &why);
        if (job != NULL) {
            job = begin_job(worker, job);
            if (job != NULL) {
                return job;
            }
        } else if (why == PSV_QUEUE_STOPPED) {
            psv_worker_script_retire(worker, PSV_SCRIPT_STOPS);
            return NULL;
        } else if (why == PSV_QUEUE_TIMEOUT && deadline_ns != 0 && psv_clock_monotonic_ns() >= deadline_ns) {
            *ret_is_timeout = true;
            return NULL;
        }
    }
    return NULL;
}

struct psv_job *psv_worker_next_job(struct psv_worker *worker)
{
    bool is_timeout;

    return psv_worker_next_job_until(worker, 0, &is_timeout);
}

static void note_times(struct psv_worker *worker, const struct psv_job *job)
{
    struct psv_worker_meter *meter = &worker->meter;

    psv_histogram_cells_observe(false, &meter->run_seconds, PSV_BOUNDS_DURATION,
                                job->finished_ns - job->started_ns);
    psv_histogram_cells_observe(false, &meter->wait_seconds, PSV_BOUNDS_DURATION,
                                job->started_ns - MIN(job->queued_ns, job->started_ns));
}

void psv_worker_end_job(struct psv_worker *worker, struct psv_job *job)
{
    INVARIANT(worker->job == job);
    psv_crash_forget(worker->id);
    pthread_mutex_lock(&worker->lock);
    /* with the lock, as the clock of psv_worker_pool_busy_ns: the sum of both never goes back */
    job->finished_ns = psv_clock_monotonic_ns();
    worker->busy_ns += job->finished_ns - job->started_ns;
    worker->job = NULL;
    bool is_given_up = worker->is_given_up;
    worker->jobs++;
    pthread_mutex_unlock(&worker->lock);
    psv_queue_note_end(worker->pool->queue, worker->index, job->finished_ns - job->started_ns);
    if (worker->pool->script != NULL) {
        note_times(worker, job);
    }
    worker->ends_check = is_given_up || (worker->jobs_max > 0 && worker->jobs >= worker->jobs_max);
    psv_job_note_responded(job, job->finished_ns); /* the release ends its response, if nothing has */
    if (!is_given_up) {                            /* else it was counted out already */
        atomic_fetch_sub_explicit(&worker->pool->busy, 1, memory_order_relaxed);
    }
    psv_sink_release(&job->sink);
}

unsigned psv_worker_id(const struct psv_worker *worker)
{
    return worker->id;
}

/* ---- life of a thread [worker] */

bool psv_worker_pool_is_stopping(const struct psv_worker_pool *pool)
{
    /* acquire pairs with the release in set_stopping; nothing else hangs on it */
    return atomic_load_explicit(&pool->stop_word, memory_order_acquire) != 0;
}

void psv_worker_pool_pause(struct psv_worker_pool *pool, uint64_t wait_ns)
{
    uint64_t until_ns = psv_clock_monotonic_ns() + wait_ns;

    while (!psv_worker_pool_is_stopping(pool) &&
           psv_futex_wait(&pool->stop_word, 0, until_ns) != PSV_ETIMEOUT) {
    }
}

/* Waits as long as the slot's failures demand; false when the pool stops meanwhile. */
static bool back_off(struct psv_worker *worker)
{
    if (worker->failures > 1) {
        unsigned doublings = MIN(worker->failures - 2, 10u);
        psv_worker_pool_pause(worker->pool, MIN(BACKOFF_FIRST_NS << doublings, BACKOFF_MAX_NS));
    }
    return !psv_worker_pool_is_stopping(worker->pool);
}

void psv_worker_report_boot(struct psv_worker *worker, int code, const struct psv_error *error)
{
    struct psv_worker_pool *pool = worker->pool;

    if (worker->has_reported_boot) {
        return;
    }
    worker->has_reported_boot = true;
    pthread_mutex_lock(&pool->life_lock);
    if (code == PSV_OK) {
        pool->boot_ready++;
    } else if (pool->boot_failed++ == 0) {
        pool->boot_error = *error;
        pool->boot_error.code = code;
    }
    pthread_cond_signal(&pool->boot_change);
    pthread_mutex_unlock(&pool->life_lock);
}

static int start_runtime(struct psv_worker *worker, struct psv_error *reterr)
{
    void *state = NULL;
    int code = worker->pool->executor->thread_start(worker, &state, reterr);

    if (code == PSV_OK) {
        pthread_mutex_lock(&worker->lock);
        worker->state = state;
        pthread_mutex_unlock(&worker->lock);
        atomic_fetch_add_explicit(&worker->pool->alive, 1, memory_order_relaxed);
        psv_metric_inc(PSV_METRIC_WORKERS_STARTED);
    }
    return code;
}

static int run_runtime(struct psv_worker *worker)
{
    const struct psv_executor *executor = worker->pool->executor;
    uint64_t began_ns = psv_clock_monotonic_ns();
    int code = executor->run(worker, worker->state);

    if (worker->job != NULL) { /* run() broke down within a job: its client must get an answer */
        psv_job_fail(worker->job);
        psv_worker_end_job(worker, worker->job);
    }
    psv_queue_note_leave(worker->pool->queue, worker->index);
    if (!worker->is_given_up) { /* without a job nobody gives it up: no lock */
        atomic_fetch_sub_explicit(&worker->pool->alive, 1, memory_order_relaxed);
    }
    executor->thread_stop(worker->state); /* without a job nobody interrupts: no lock */
    /* a script has its own way to wait (worker_script.c) */
    bool is_broken =
        code != PSV_OK && worker->pool->script == NULL && psv_clock_monotonic_ns() - began_ns < HEALTHY_NS;
    worker->failures = is_broken ? worker->failures + 1 : 1;
    return code;
}

/* Starts the slot's next thread; true when it took over or the pool stops: then the calling thread just ends.
 */
static bool start_successor(struct psv_worker *worker)
{
    struct psv_worker_pool *pool = worker->pool;
    struct psv_error error = {.code = PSV_OK};
    char name[16];
    bool is_done = true;

    snprintf(name, sizeof(name), "php-%u", worker->id);
    const struct psv_thread_options options = {
        .name = name, .stack_bytes = pool->stack_bytes, .function = psv_worker_thread, .argument = worker};
    pthread_mutex_lock(&pool->life_lock);
    if (!psv_worker_pool_is_stopping(pool)) {
        unsigned next = worker->newest ^ 1;
        is_done = psv_thread_start(&worker->threads[next], &options, &error) == PSV_OK;
        worker->newest = is_done ? next : worker->newest;
    }
    pthread_mutex_unlock(&pool->life_lock);
    if (!is_done) {
        PSV_LOG(PSV_LOG_ERROR, "worker.thread_failed", PSV_LOG_U64("worker", worker->id),
                PSV_LOG_TEXT("reason", error.message));
    }
    return is_done;
}

static void join_predecessor(struct psv_worker *worker)
{
    pthread_mutex_lock(&worker->pool->life_lock);
    struct psv_thread *predecessor = &worker->threads[worker->newest ^ 1];
    pthread_mutex_unlock(&worker->pool->life_lock);
    /* it started this thread as its last act; nobody else joins it, and without a deadline it cannot time out
     */
    INVARIANT(psv_thread_join(predecessor, 0) == PSV_OK);
}

/* Nobody needs this slot any more: its worker was given up and has come back after all, or a new set has
 * taken over, or was to. */
static void give_slot_back(struct psv_worker *worker)
{
    if (worker->is_given_up) {
        PSV_LOG(PSV_LOG_WARN, "worker.came_back", PSV_LOG_U64("worker", worker->id));
    }
    pthread_mutex_lock(&worker->pool->life_lock);
    worker->is_given_up = false;
    worker->is_used = false;
    pthread_mutex_unlock(&worker->pool->life_lock);
}

static void note_replacement(struct psv_worker *worker, int code)
{
    if (code == PSV_OK) {
        psv_metric_inc(PSV_METRIC_WORKERS_RECYCLED);
        PSV_LOG(PSV_LOG_DEBUG, "worker.recycled", PSV_LOG_U64("worker", worker->id),
                PSV_LOG_U64("requests", worker->jobs));
    } else {
        psv_metric_inc(PSV_METRIC_WORKERS_RESTARTED);
        PSV_LOG(PSV_LOG_WARN, "worker.replaced", PSV_LOG_U64("worker", worker->id),
                PSV_LOG_U64("failures", worker->failures));
    }
}

/* After its start, successful or not: the next one may be replaced. */
static void end_recycling(struct psv_worker *worker)
{
    if (worker->is_recycled) {
        worker->is_recycled = false;
        /* release: pairs with the acquire in has_served_its_time */
        atomic_flag_clear_explicit(&worker->pool->is_recycling, memory_order_release);
    }
}

/* About max_requests, another number each time: workers that began together do not end together. */
static uint64_t choose_jobs_max(const struct psv_worker_pool *pool)
{
    uint64_t spread = pool->max_requests / 10;
    uint64_t random;

    if (spread == 0) {
        return pool->max_requests;
    }
    psv_random_fill(&random, sizeof(random));
    return pool->max_requests - spread + random % (2 * spread + 1);
}

void psv_worker_thread(void *argument)
{
    struct psv_worker *worker = argument;
    struct psv_worker_pool *pool = worker->pool;
    struct psv_error error = {.code = PSV_OK};

    join_predecessor(worker);
    while (back_off(worker)) {
        bool is_first = worker->failures == 0;
        int code = start_runtime(worker, &error);
        end_recycling(worker);
        worker->jobs = 0;
        worker->ends_check = false;
        worker->jobs_max = choose_jobs_max(pool);
        if (is_first && (code != PSV_OK || pool->script == NULL)) {
            psv_worker_report_boot(worker, code, &error);
        }
        if (code != PSV_OK) {
            if (is_first) {
                return;
            }
            if (atomic_load_explicit(&worker->life.is_candidate, memory_order_relaxed)) {
                psv_worker_renew_fail(worker, &error);
                give_slot_back(worker);
                return;
            }
            worker->failures++;
            PSV_LOG(PSV_LOG_ERROR, "worker.start_failed", PSV_LOG_U64("worker", worker->id),
                    PSV_LOG_TEXT("reason", error.message));
            continue;
        }
        code = run_runtime(worker);
        if (psv_worker_pool_is_stopping(pool)) {
            return;
        }
        if (worker->is_given_up || atomic_load_explicit(&worker->life.is_retired, memory_order_acquire)) {
            give_slot_back(worker);
            return;
        }
        if (worker->life.has_given_up || psv_queue_is_over(pool->queue) ||
            (code == PSV_OK && !worker->is_recycled)) {
            return; /* the start fails, or there is nothing left to do */
        }
        note_replacement(worker, code);
        if (start_successor(worker)) {
            return;
        }
        worker->failures =
            MAX(worker->failures, 2); /* no thread to be had: go on with this one, a little later */
    }
}
