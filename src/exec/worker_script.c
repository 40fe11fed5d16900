/* Worker mode as the waist sees it: a worker that boots one script and hands it requests until it has had
 * enough of them; see phpsrv/executor.h.  Knows no runtime.  [worker]
 *
 * Two waits are kept apart: that of a thread whose runtime broke (worker.c) and that of a script which does
 * not boot, or crashes as soon as it has (here).  The first is not used for scripts.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "exec/queue.h"
#include "exec/worker_state.h"
#include "observe/log.h"
#include "os/clock.h"

/* A script that ends before it has asked for a request is run again after a while: the longer the more often
 * that has happened in a row. */
#define BACKOFF_NS (UINT64_C(100) * PSV_NS_PER_MS)
#define BACKOFF_MAX_NS (UINT64_C(1) * PSV_NS_PER_S)
/* One that crashes before it was handed a request, so soon after its boot began, is about to do it again:
 * after so many in a row it waits as well.  One that a request has crashed does not, or whoever knows such a
 * request could keep all others waiting; what holds it back is the cost of its own boots. */
#define QUICK_NS (UINT64_C(1) * PSV_NS_PER_S)
#define QUICK_CRASHES_FREE 2

static pthread_mutex_t pools_lock = PTHREAD_MUTEX_INITIALIZER;
static struct psv_worker_pool *pools; /* those with a script */

const struct psv_worker_script *psv_worker_script(const struct psv_worker *worker)
{
    return worker->pool->script;
}

/* ---- the pools */

void psv_worker_pools_add(struct psv_worker_pool *pool)
{
    pthread_mutex_lock(&pools_lock);
    pool->next = pools;
    pools = pool;
    pthread_mutex_unlock(&pools_lock);
}

void psv_worker_pools_remove(struct psv_worker_pool *pool)
{
    pthread_mutex_lock(&pools_lock);
    struct psv_worker_pool **place = &pools;
    while (*place != NULL && *place != pool) {
        place = &(*place)->next;
    }
    if (*place != NULL) {
        *place = pool->next;
    }
    pthread_mutex_unlock(&pools_lock);
}

void psv_worker_pool_reboot(struct psv_worker_pool *pool)
{
    /* release: pairs with the loads of epoch below */
    atomic_fetch_add_explicit(&pool->epoch, 1, memory_order_release);
    psv_queue_nudge(pool->queue);
}

void psv_worker_scripts_reboot(const char *why)
{
    pthread_mutex_lock(&pools_lock);
    for (struct psv_worker_pool *pool = pools; pool != NULL; pool = pool->next) {
        PSV_LOG(PSV_LOG_INFO, "worker.scripts_reboot", PSV_LOG_TEXT("name", pool->script->name),
                PSV_LOG_TEXT("reason", why));
        psv_worker_pool_reboot(pool);
    }
    pthread_mutex_unlock(&pools_lock);
}

static void set_count(_Atomic unsigned *count, bool *was, bool is)
{
    if (*was != is) { /* relaxed: written with the lock, read as a number */
        atomic_fetch_add_explicit(count, is ? 1u : UINT32_MAX, memory_order_relaxed);
        *was = is;
    }
}

void psv_worker_script_count(struct psv_worker *worker, bool is_serving, bool is_failing)
{
    struct psv_worker_pool *pool = worker->pool;
    bool was_served = atomic_load_explicit(&pool->serving, memory_order_relaxed) > 0;

    set_count(&pool->serving, &worker->life.is_serving, is_serving);
    set_count(&pool->failing, &worker->life.is_failing, is_failing);
    if (was_served && atomic_load_explicit(&pool->serving, memory_order_relaxed) == 0) {
        pool->unserved_ns = psv_clock_monotonic_ns();
    }
}

static void count(struct psv_worker *worker, bool is_serving, bool is_failing)
{
    pthread_mutex_lock(&worker->pool->life_lock);
    psv_worker_script_count(worker, is_serving, is_failing);
    pthread_mutex_unlock(&worker->pool->life_lock);
}

static void add(_Atomic uint64_t *counter)
{
    /* relaxed: this thread alone writes it */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* ---- how long it may go on */

/* Between nine tenths of limit and all of it, another number each time: scripts that began together do not
 * end together.  0 = no limit. */
static uint64_t choose_limit(uint64_t limit)
{
    uint64_t spread = limit / 10;
    uint64_t random = 0;

    if (spread > 0) {
        psv_random_fill(&random, sizeof(random));
    }
    return limit - random % (spread + 1);
}

static bool is_retired(const struct psv_worker *worker)
{
    /* acquire: pairs with the store by the one who retires it, before its nudge */
    return atomic_load_explicit(&worker->life.is_retired, memory_order_acquire);
}

static enum psv_script_reason find_reason(struct psv_worker *worker)
{
    const struct psv_worker_life *life = &worker->life;

    if (psv_queue_is_over(worker->pool->queue)) {
        return PSV_SCRIPT_STOPS;
    }
    if (is_retired(worker) ||
        life->epoch != atomic_load_explicit(&worker->pool->epoch, memory_order_acquire)) {
        return PSV_SCRIPT_RESTARTS;
    }
    if (life->requests_max != 0 && life->requests >= life->requests_max) {
        return PSV_SCRIPT_HAS_SERVED;
    }
    if (life->until_ns != 0 && psv_clock_monotonic_ns() >= life->until_ns) {
        return PSV_SCRIPT_HAS_AGED;
    }
    return PSV_SCRIPT_GOES_ON;
}

bool psv_worker_script_wants_end(struct psv_worker *worker)
{
    if (worker->life.reason == PSV_SCRIPT_GOES_ON) {
        worker->life.reason = find_reason(worker);
    }
    return worker->life.reason != PSV_SCRIPT_GOES_ON;
}

void psv_worker_script_retire(struct psv_worker *worker, enum psv_script_reason reason)
{
    if (worker->life.reason == PSV_SCRIPT_GOES_ON) {
        worker->life.reason = reason;
    }
}

enum psv_script_reason psv_worker_script_reason(const struct psv_worker *worker)
{
    return worker->life.reason;
}

/* ---- what the runtime tells */

void psv_worker_script_begin(struct psv_worker *worker)
{
    const struct psv_worker_script *script = worker->pool->script;
    struct psv_worker_life *life = &worker->life;
    uint64_t now_ns = psv_clock_monotonic_ns();

    life->began_ns = now_ns;
    life->is_ready = false;
    life->reason = PSV_SCRIPT_GOES_ON;
    life->requests_max = choose_limit(script->max_requests);
    life->until_ns =
        script->time_max_ms == 0 ? 0 : now_ns + choose_limit(script->time_max_ms) * PSV_NS_PER_MS;
    life->error[0] = '\0';
    life->exit_status = 0;
    life->has_bailed = false;
    /* acquire pairs with the release in psv_worker_pool_reboot: what it boots from now on is new enough */
    life->epoch = atomic_load_explicit(&worker->pool->epoch, memory_order_acquire);
    pthread_mutex_lock(&worker->lock);
    life->requests = 0;
    life->boot_began_ns = now_ns;
    life->is_overdue = false;
    pthread_mutex_unlock(&worker->lock);
}

/* From here on nobody interrupts the boot; returns when it began, 0 when it is over already. */
static uint64_t leave_boot(struct psv_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    uint64_t began_ns = worker->life.boot_began_ns;
    worker->life.boot_began_ns = 0;
    pthread_mutex_unlock(&worker->lock);
    return began_ns;
}

void psv_worker_script_ready(struct psv_worker *worker)
{
    struct psv_worker_pool *pool = worker->pool;
    struct psv_worker_life *life = &worker->life;

    if (life->is_ready) {
        return;
    }
    uint64_t boot_ns = psv_clock_monotonic_ns() - leave_boot(worker);
    psv_histogram_cells_observe(false, &worker->meter.boot_seconds, PSV_BOUNDS_DURATION, boot_ns);
    pthread_mutex_lock(&worker->lock);
    life->boot_ns = boot_ns;
    pthread_mutex_unlock(&worker->lock);
    life->is_ready = true;
    life->has_booted = true;
    life->boot_failures = 0;
    pthread_mutex_lock(&pool->life_lock);
    if (atomic_load_explicit(&life->is_candidate, memory_order_relaxed)) {
        psv_worker_renew_ready(worker);
    } else {
        psv_worker_script_count(worker, !is_retired(worker), false);
    }
    pthread_mutex_unlock(&pool->life_lock);
    psv_worker_report_boot(worker, PSV_OK, NULL);
}

bool psv_worker_script_begin_idle(struct psv_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->life.is_idling = true;
    pthread_mutex_unlock(&worker->lock);
    if (!psv_queue_is_over(worker->pool->queue)) {
        return true; /* an interrupt that comes with the stop is later than this, and hits */
    }
    psv_worker_script_end_idle(worker);
    return false;
}

void psv_worker_script_end_idle(struct psv_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->life.is_idling = false;
    pthread_mutex_unlock(&worker->lock);
}

void psv_worker_script_note_error(struct psv_worker *worker, struct psv_bytes text)
{
    (void)snprintf(worker->life.error, sizeof(worker->life.error), "%.*s", PSV_BYTES_ARG(text));
}

void psv_worker_script_note_exit(struct psv_worker *worker, int exit_status, bool has_bailed)
{
    worker->life.exit_status = exit_status;
    worker->life.has_bailed = has_bailed;
}

void psv_worker_script_note_memory(struct psv_worker *worker, uint64_t bytes)
{
    atomic_store_explicit(&worker->meter.memory_bytes, bytes, memory_order_relaxed); /* a number */
}

/* ---- the end */

static bool is_leaving(const struct psv_worker *worker)
{
    return worker->ends_check || is_retired(worker) || psv_queue_is_over(worker->pool->queue) ||
           psv_worker_pool_is_stopping(worker->pool);
}

static void set_backing_off(struct psv_worker *worker, bool is_backing_off)
{
    pthread_mutex_lock(&worker->lock);
    worker->life.is_backing_off = is_backing_off;
    pthread_mutex_unlock(&worker->lock);
}

static void back_off(struct psv_worker *worker, unsigned times)
{
    uint64_t squared = (uint64_t)MIN(times, 10u) * MIN(times, 10u);
    uint64_t wait_ns = MIN(squared * BACKOFF_NS, BACKOFF_MAX_NS);

    PSV_LOG(PSV_LOG_INFO, "worker.backs_off", PSV_LOG_U64("worker", worker->id),
            PSV_LOG_TEXT("name", worker->pool->script->name),
            PSV_LOG_U64("wait_ms", wait_ns / PSV_NS_PER_MS));
    set_backing_off(worker, true);
    psv_worker_pool_pause(worker->pool, wait_ns);
    set_backing_off(worker, false);
}

static const char *describe_end(const struct psv_worker *worker, char *out, size_t size)
{
    const struct psv_worker_life *life = &worker->life;

    if (life->is_overdue) { /* written by the loop while it booted, which is over */
        (void)snprintf(out, size, "it took longer than %" PRIu64 " ms%s%s",
                       worker->pool->script->boot_timeout_ms, life->error[0] != '\0' ? ": " : "",
                       life->error);
    } else if (life->error[0] != '\0') {
        (void)snprintf(out, size, "%s", life->error);
    } else if (life->has_bailed) {
        (void)snprintf(out, size, "a fatal error");
    } else if (life->exit_status != 0) {
        (void)snprintf(out, size, "exit status %d", life->exit_status);
    } else {
        (void)snprintf(out, size, "it ran to its end");
    }
    return out;
}

/* Whether it is to be run again, after a while. */
static bool bear_failed_boot(struct psv_worker *worker)
{
    struct psv_worker_pool *pool = worker->pool;
    struct psv_worker_life *life = &worker->life;
    struct psv_error error;
    char reason[320];

    life->boot_failures++;
    add(&worker->meter.boot_failures);
    (void)describe_end(worker, reason, sizeof(reason));
    PSV_LOG(PSV_LOG_ERROR, "worker.boot_failed", PSV_LOG_U64("worker", worker->id),
            PSV_LOG_TEXT("name", pool->script->name), PSV_LOG_TEXT("script", pool->script->path),
            PSV_LOG_U64("failures", life->boot_failures), PSV_LOG_TEXT("reason", reason));
    bool is_candidate = atomic_load_explicit(&life->is_candidate, memory_order_relaxed);
    if (is_candidate || (!worker->has_reported_boot && pool->boot_failures_max > 0 &&
                         life->boot_failures >= pool->boot_failures_max)) {
        life->has_given_up = true;
        int code =
            psv_error_set(&error, PSV_EIO, "%s has not reached frankenphp_handle_request()%s: %s",
                          pool->script->path, life->boot_failures > 1 ? ", again and again" : "", reason);
        if (is_candidate) {
            psv_worker_renew_fail(worker, &error);
        } else {
            psv_worker_report_boot(worker, code, &error);
        }
        return false;
    }
    if (pool->boot_failures_max == 0) { /* the start does not wait for it */
        psv_worker_report_boot(worker, PSV_OK, NULL);
    }
    back_off(worker, life->boot_failures);
    return true;
}

static void bear_crash(struct psv_worker *worker, uint64_t lived_ns)
{
    const struct psv_worker_script *script = worker->pool->script;
    struct psv_worker_life *life = &worker->life;
    char reason[320];

    add(&worker->meter.crashes);
    PSV_LOG(PSV_LOG_WARN, "worker.script_failed", PSV_LOG_U64("worker", worker->id),
            PSV_LOG_TEXT("name", script->name), PSV_LOG_TEXT("script", script->path),
            PSV_LOG_I64("exit_status", life->exit_status), PSV_LOG_BOOL("fatal", life->has_bailed),
            PSV_LOG_U64("requests", life->requests),
            PSV_LOG_TEXT("reason", describe_end(worker, reason, sizeof(reason))));
    bool is_quick = life->requests == 0 && lived_ns < QUICK_NS;
    life->quick_crashes = is_quick ? life->quick_crashes + 1 : 0;
    if (life->quick_crashes > QUICK_CRASHES_FREE) {
        back_off(worker, life->quick_crashes - QUICK_CRASHES_FREE);
    }
}

static void note_restart(struct psv_worker *worker)
{
    static const char *const reasons[] = {
        [PSV_SCRIPT_GOES_ON] = "it has ended by itself",
        [PSV_SCRIPT_STOPS] = "stop",
        [PSV_SCRIPT_RESTARTS] = "restart",
        [PSV_SCRIPT_HAS_SERVED] = "max_requests",
        [PSV_SCRIPT_HAS_AGED] = "time_max",
        [PSV_SCRIPT_HAS_GROWN] = "memory_bytes_max",
    };

    worker->life.quick_crashes = 0;
    add(&worker->meter.restarts);
    PSV_LOG(PSV_LOG_DEBUG, "worker.script_restarts", PSV_LOG_U64("worker", worker->id),
            PSV_LOG_TEXT("name", worker->pool->script->name), PSV_LOG_U64("requests", worker->life.requests),
            PSV_LOG_TEXT("reason", reasons[worker->life.reason]));
}

bool psv_worker_script_end(struct psv_worker *worker, enum psv_script_end how)
{
    struct psv_worker_life *life = &worker->life;
    bool was_ready = life->is_ready;

    psv_queue_note_leave(worker->pool->queue, worker->index);
    (void)leave_boot(worker);
    psv_worker_script_end_idle(worker); /* a fatal error in it */
    if (is_leaving(worker)) {
        count(worker, false, false);
        return false;
    }
    count(worker, false, !was_ready);
    if (!was_ready) {
        if (!bear_failed_boot(worker)) {
            count(worker, false, false);
            return false;
        }
    } else if (how == PSV_SCRIPT_FAILED) {
        bear_crash(worker, psv_clock_monotonic_ns() - life->began_ns);
    } else {
        note_restart(worker);
    }
    return !is_leaving(worker);
}
