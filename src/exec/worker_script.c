/* Worker mode as the waist sees it: a worker that boots one script and hands it requests; see
 * phpsrv/executor.h.  Knows no runtime.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "base/random.h"
#include "exec/queue.h"
#include "exec/worker_state.h"
#include "observe/log.h"
#include "os/clock.h"
#include "os/thread.h"

/* A script that ends before it has asked for a request is run again after a while: the longer the more often
 * that has happened in a row. */
#define BOOT_BACKOFF_NS (UINT64_C(100) * PSV_NS_PER_MS)
#define BOOT_BACKOFF_MAX_NS (UINT64_C(1) * PSV_NS_PER_S)

const struct psv_worker_script *psv_worker_script(const struct psv_worker *worker)
{
    return worker->pool->script;
}

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

void psv_worker_script_begin(struct psv_worker *worker)
{
    const struct psv_worker_script *script = worker->pool->script;

    worker->script_is_ready = false;
    worker->script_reason = PSV_SCRIPT_GOES_ON;
    worker->script_requests = 0;
    worker->script_requests_max = choose_limit(script->max_requests);
    worker->script_until_ns =
        script->time_max_ms == 0
            ? 0
            : psv_clock_monotonic_ns() + choose_limit(script->time_max_ms) * PSV_NS_PER_MS;
    /* acquire pairs with the release in psv_worker_pool_reboot: what it boots from now on is new enough */
    worker->script_epoch = atomic_load_explicit(&worker->pool->epoch, memory_order_acquire);
}

uint64_t psv_worker_script_sooner(const struct psv_worker *worker, uint64_t deadline_ns)
{
    uint64_t until_ns = worker->script_until_ns;

    return deadline_ns != 0 && (until_ns == 0 || deadline_ns < until_ns) ? deadline_ns : until_ns;
}

static enum psv_script_reason find_reason(struct psv_worker *worker)
{
    if (psv_queue_is_over(worker->pool->queue)) {
        return PSV_SCRIPT_STOPS;
    }
    if (worker->script_epoch != atomic_load_explicit(&worker->pool->epoch, memory_order_acquire)) {
        return PSV_SCRIPT_RESTARTS;
    }
    if (worker->script_requests_max != 0 && worker->script_requests >= worker->script_requests_max) {
        return PSV_SCRIPT_HAS_SERVED;
    }
    if (worker->script_until_ns != 0 && psv_clock_monotonic_ns() >= worker->script_until_ns) {
        return PSV_SCRIPT_HAS_AGED;
    }
    return PSV_SCRIPT_GOES_ON;
}

bool psv_worker_script_wants_end(struct psv_worker *worker)
{
    if (worker->script_reason == PSV_SCRIPT_GOES_ON) {
        worker->script_reason = find_reason(worker);
    }
    return worker->script_reason != PSV_SCRIPT_GOES_ON;
}

void psv_worker_script_retire(struct psv_worker *worker, enum psv_script_reason reason)
{
    if (worker->script_reason == PSV_SCRIPT_GOES_ON) {
        worker->script_reason = reason;
    }
}

enum psv_script_reason psv_worker_script_reason(const struct psv_worker *worker)
{
    return worker->script_reason;
}

void psv_worker_pool_reboot(struct psv_worker_pool *pool)
{
    atomic_fetch_add_explicit(&pool->epoch, 1, memory_order_release); /* pairs with the loads above */
    psv_queue_nudge(pool->queue);
}

void psv_worker_script_ready(struct psv_worker *worker)
{
    if (!worker->script_is_ready) {
        worker->script_is_ready = true;
        worker->boot_failures = 0;
        psv_worker_report_boot(worker, PSV_OK, NULL);
    }
}

static void back_off(struct psv_worker *worker)
{
    uint64_t failures = MIN(worker->boot_failures, 10u);
    uint64_t until_ns =
        psv_clock_monotonic_ns() + MIN(failures * failures * BOOT_BACKOFF_NS, BOOT_BACKOFF_MAX_NS);

    while (!psv_worker_pool_is_stopping(worker->pool) &&
           psv_futex_wait(&worker->pool->stop_word, 0, until_ns) != PSV_ETIMEOUT) {
    }
}

bool psv_worker_script_end(struct psv_worker *worker, enum psv_script_end how)
{
    const struct psv_worker_script *script = worker->pool->script;

    if (!worker->script_is_ready && !psv_queue_is_stopped(worker->pool->queue)) {
        worker->boot_failures++;
        PSV_LOG(PSV_LOG_ERROR, "worker.boot_failed", PSV_LOG_U64("worker", worker->id),
                PSV_LOG_TEXT("script", script->path), PSV_LOG_U64("failures", worker->boot_failures));
        if (!worker->has_reported_boot && worker->boot_failures >= worker->pool->boot_failures_max) {
            struct psv_error error;
            int code = psv_error_set(&error, PSV_EIO,
                                     "%s has ended %u times without a call of frankenphp_handle_request(); "
                                     "the log says why",
                                     script->path, worker->boot_failures);
            psv_worker_report_boot(worker, code, &error);
            return false;
        }
        back_off(worker);
    } else if (how == PSV_SCRIPT_FAILED) {
        PSV_LOG(PSV_LOG_WARN, "worker.script_failed", PSV_LOG_U64("worker", worker->id),
                PSV_LOG_TEXT("script", script->path));
    }
    worker->script_reason = PSV_SCRIPT_GOES_ON;
    return !worker->ends_check && !psv_queue_is_over(worker->pool->queue) &&
           !psv_worker_pool_is_stopping(worker->pool);
}
