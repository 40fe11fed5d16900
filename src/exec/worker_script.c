/* Worker mode as the waist sees it: a worker that boots one script and hands it requests; see
 * phpsrv/executor.h.  Knows no runtime.  [worker]
 *
 * SPDX-License-Identifier: MIT */
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

void psv_worker_script_begin(struct psv_worker *worker)
{
    worker->script_is_ready = false;
    worker->script_is_ending = false;
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
    worker->script_is_ending = false;
    return !psv_queue_is_stopped(worker->pool->queue) && !psv_worker_pool_is_stopping(worker->pool);
}
