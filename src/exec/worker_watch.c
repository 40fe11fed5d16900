/* The workers as the loop sees and treats them: interrupts, giving up, stacks; see worker.h.
 *
 * SPDX-License-Identifier: MIT */
#include "worker.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "exec/job.h"
#include "exec/queue.h"
#include "exec/worker_state.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "os/clock.h"

static void interrupt_if(struct psv_worker_pool *pool, struct psv_worker *worker, const struct psv_job *job)
{
    /* while the lock is held the worker cannot end its job, and so not stop its runtime */
    pthread_mutex_lock(&worker->lock);
    const struct psv_worker_life *life = &worker->life;
    bool is_hit =
        job == NULL ? worker->job != NULL || life->boot_began_ns != 0 || life->is_idling : worker->job == job;
    if (is_hit) {
        pool->executor->interrupt(worker->state);
    }
    pthread_mutex_unlock(&worker->lock);
}

void psv_worker_pool_interrupt(struct psv_worker_pool *pool, struct psv_job *job)
{
    CHECK_MAGIC(job, PSV_JOB_MAGIC);
    /* acquire pairs with try_start: who finds it running finds its worker, too */
    if (atomic_load_explicit(&job->state, memory_order_acquire) != PSV_JOB_RUNNING) {
        return;
    }
    unsigned worker_plus_1 = atomic_load_explicit(&job->worker_plus_1, memory_order_relaxed);
    INVARIANT(worker_plus_1 >= 1 && worker_plus_1 <= pool->slots_len);
    interrupt_if(pool, &pool->workers[worker_plus_1 - 1], job);
}

size_t psv_worker_pool_trace(struct psv_worker_pool *pool, const struct psv_job *job, char *out, size_t size)
{
    CHECK_MAGIC(job, PSV_JOB_MAGIC);
    if (pool->executor->trace == NULL ||
        atomic_load_explicit(&job->state, memory_order_acquire) != PSV_JOB_RUNNING) {
        return 0;
    }
    unsigned worker_plus_1 = atomic_load_explicit(&job->worker_plus_1, memory_order_relaxed);
    struct psv_worker *worker = &pool->workers[worker_plus_1 - 1];
    /* as in interrupt_if: the runtime cannot go away meanwhile */
    pthread_mutex_lock(&worker->lock);
    size_t len = worker->job == job ? pool->executor->trace(worker->state, out, size) : 0;
    pthread_mutex_unlock(&worker->lock);
    return len;
}

uint64_t psv_worker_pool_busy_ns(struct psv_worker_pool *pool, unsigned *ret_lost)
{
    uint64_t sum_ns = 0;
    unsigned lost = 0;

    for (unsigned i = 0; i < pool->slots_len; i++) {
        struct psv_worker *worker = &pool->workers[i];
        pthread_mutex_lock(&worker->lock);
        sum_ns += worker->busy_ns;
        if (worker->job != NULL) {
            sum_ns += psv_clock_monotonic_ns() - worker->job->started_ns;
            lost += worker->is_given_up;
        }
        pthread_mutex_unlock(&worker->lock);
    }
    *ret_lost = lost;
    return sum_ns;
}

void psv_worker_pool_check_boots(struct psv_worker_pool *pool)
{
    uint64_t limit_ns = pool->script->boot_timeout_ms * PSV_NS_PER_MS;

    for (unsigned i = 0; limit_ns > 0 && i < pool->slots_len; i++) {
        struct psv_worker *worker = &pool->workers[i];
        pthread_mutex_lock(&worker->lock);
        uint64_t began_ns = worker->life.boot_began_ns;
        bool is_late = began_ns != 0 && psv_clock_monotonic_ns() - began_ns > limit_ns;
        bool is_news = is_late && !worker->life.is_overdue;
        if (is_late) { /* again and again: a blocking call may begin anew after it */
            worker->life.is_overdue = true;
            pool->executor->interrupt(worker->state);
        }
        pthread_mutex_unlock(&worker->lock);
        if (is_news) {
            PSV_LOG(PSV_LOG_WARN, "worker.boot_timeout", PSV_LOG_U64("worker", worker->id),
                    PSV_LOG_TEXT("name", pool->script->name),
                    PSV_LOG_U64("timeout_ms", pool->script->boot_timeout_ms));
        }
    }
}

unsigned psv_worker_pool_serving(struct psv_worker_pool *pool, uint64_t *ret_unserved_ns)
{
    pthread_mutex_lock(&pool->life_lock); /* held for a moment by others */
    unsigned serving = atomic_load_explicit(&pool->serving, memory_order_relaxed);
    *ret_unserved_ns = serving > 0 ? 0 : psv_clock_monotonic_ns() - pool->unserved_ns;
    pthread_mutex_unlock(&pool->life_lock);
    return serving;
}

bool psv_worker_pool_is_failing(const struct psv_worker_pool *pool)
{
    return atomic_load_explicit(&pool->failing, memory_order_relaxed) >= pool->workers_len &&
           atomic_load_explicit(&pool->serving, memory_order_relaxed) == 0;
}

void psv_worker_pool_interrupt_all(struct psv_worker_pool *pool)
{
    for (unsigned i = 0; i < pool->slots_len; i++) {
        interrupt_if(pool, &pool->workers[i], NULL);
    }
}

/* In a free slot; its number goes on where the slot's last one ended. */
static int start_spare(struct psv_worker_pool *pool)
{
    struct psv_error error = {.code = PSV_OK};

    for (unsigned i = 0; i < pool->slots_len; i++) {
        struct psv_worker *spare = &pool->workers[i];
        if (!spare->is_used) {
            atomic_store_explicit(&spare->life.is_candidate, false, memory_order_relaxed);
            return psv_worker_start_slot(spare, &error);
        }
    }
    return PSV_ELIMIT;
}

int psv_worker_pool_give_up(struct psv_worker_pool *pool, struct psv_job *job)
{
    CHECK_MAGIC(job, PSV_JOB_MAGIC);
    if (atomic_load_explicit(&job->state, memory_order_acquire) != PSV_JOB_RUNNING) {
        return PSV_EGONE;
    }
    unsigned worker_plus_1 = atomic_load_explicit(&job->worker_plus_1, memory_order_relaxed);
    INVARIANT(worker_plus_1 >= 1 && worker_plus_1 <= pool->slots_len);
    struct psv_worker *worker = &pool->workers[worker_plus_1 - 1];
    int code = PSV_EGONE;
    /* both are held for a moment only, by whoever; in this order nowhere else */
    pthread_mutex_lock(&pool->life_lock);
    pthread_mutex_lock(&worker->lock);
    if (worker->job == job && !worker->is_given_up && !psv_worker_pool_is_stopping(pool)) {
        /* one that makes way for a new set is missed by nobody */
        code =
            atomic_load_explicit(&worker->life.is_retired, memory_order_relaxed) ? PSV_OK : start_spare(pool);
        worker->is_given_up = code == PSV_OK;
        if (worker->is_given_up) {
            psv_worker_script_count(worker, false, false);
        }
    }
    pthread_mutex_unlock(&worker->lock);
    pthread_mutex_unlock(&pool->life_lock);
    if (code == PSV_OK) {
        atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&pool->alive, 1, memory_order_relaxed);
        psv_metric_inc(PSV_METRIC_WORKERS_GIVEN_UP);
        PSV_LOG(PSV_LOG_ERROR, "worker.given_up", PSV_LOG_U64("worker", worker->id),
                PSV_LOG_BYTES("request_id", job->message.request_id),
                PSV_LOG_BYTES_IF("trace_id", job->message.trace_id),
                PSV_LOG_BYTES_IF("span_id", job->message.span_id),
                PSV_LOG_BYTES("script", job->message.script_filename));
    }
    return code;
}

unsigned psv_worker_pool_size(const struct psv_worker_pool *pool)
{
    return pool->workers_len;
}

/* relaxed: numbers for people and for the health check, they order nothing */
unsigned psv_worker_pool_busy(const struct psv_worker_pool *pool)
{
    return atomic_load_explicit(&pool->busy, memory_order_relaxed);
}

unsigned psv_worker_pool_alive(const struct psv_worker_pool *pool)
{
    return atomic_load_explicit(&pool->alive, memory_order_relaxed);
}

int psv_worker_pool_probe(struct psv_worker_pool *pool)
{
    unsigned none = PSV_PROBE_NONE;

    /* acquire and release: pair with the end of the last answer and with the worker that takes this one */
    if (!atomic_compare_exchange_strong_explicit(&pool->probe_state, &none, PSV_PROBE_ASKED,
                                                 memory_order_acq_rel, memory_order_relaxed) &&
        none == PSV_PROBE_TAKEN) {
        return PSV_OK;
    }
    if (atomic_exchange_explicit(&pool->probe_is_queued, true, memory_order_acquire)) {
        return PSV_OK;
    }
    int code = psv_queue_push(pool->queue, pool->probe);
    if (code != PSV_OK) {
        atomic_store_explicit(&pool->probe_is_queued, false, memory_order_relaxed);
    }
    return code;
}

bool psv_worker_pool_probed(const struct psv_worker_pool *pool, uint64_t *ret_done_ns)
{
    *ret_done_ns = atomic_load_explicit(&pool->probe_done_ns, memory_order_relaxed);
    return atomic_load_explicit(&pool->probe_was_right, memory_order_relaxed);
}
