/* What the workers do and have done, for people and for metrics; see worker.h.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "worker.h"

#include <string.h>

#include "exec/job.h"
#include "exec/queue.h"
#include "exec/worker_state.h"
#include "os/clock.h"

static void copy_text(char *out, size_t size, struct psv_bytes text)
{
    size_t len = MIN(text.len, size - 1);

    if (len > 0) {
        memcpy(out, text.data, len);
    }
    out[len] = '\0';
}

/* With the worker's lock. */
static void report_life(const struct psv_worker_life *life, struct psv_worker_report *out, uint64_t now_ns)
{
    out->requests = life->requests;
    out->boot_ns = life->boot_ns;
    if (life->is_backing_off) {
        out->state = PSV_WORKER_BACKING_OFF;
    } else if (life->boot_began_ns != 0) {
        out->state = PSV_WORKER_BOOTING;
        out->running_ns = now_ns - MIN(life->boot_began_ns, now_ns);
    }
}

static void report(struct psv_worker *worker, struct psv_worker_report *out, uint64_t now_ns)
{
    memset(out, 0, sizeof(*out));
    out->id = worker->id;
    pthread_mutex_lock(&worker->lock);
    out->requests = worker->jobs;
    if (worker->pool->script != NULL) {
        report_life(&worker->life, out, now_ns);
    }
    if (worker->job != NULL) {
        const struct psv_message *message = &worker->job->message;
        out->state = worker->is_given_up ? PSV_WORKER_LOST : PSV_WORKER_BUSY;
        out->running_ns = now_ns - MIN(worker->job->started_ns, now_ns);
        copy_text(out->request_id, sizeof(out->request_id), message->request_id);
        copy_text(out->client, sizeof(out->client), message->remote_address);
        copy_text(out->method, sizeof(out->method), message->method);
        copy_text(out->target, sizeof(out->target), message->target);
        copy_text(out->script, sizeof(out->script), message->script_filename);
    }
    pthread_mutex_unlock(&worker->lock);
    out->restarts = atomic_load_explicit(&worker->meter.restarts, memory_order_relaxed);
}

unsigned psv_worker_pool_report(struct psv_worker_pool *pool, struct psv_worker_report *out, unsigned max)
{
    uint64_t now_ns = psv_clock_monotonic_ns();
    unsigned len = 0;

    pthread_mutex_lock(&pool->life_lock); /* is_used; held for a moment by others */
    for (unsigned i = 0; i < pool->slots_len; i++) {
        if (pool->workers[i].is_used) {
            if (len < max) {
                report(&pool->workers[i], &out[len], now_ns);
            }
            len++;
        }
    }
    pthread_mutex_unlock(&pool->life_lock);
    return len;
}

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed); /* a number that its thread counts up */
}

static void add_meter(struct psv_worker_script_facts *facts, const struct psv_worker_meter *meter)
{
    facts->restarts += read_counter(&meter->restarts);
    facts->crashes += read_counter(&meter->crashes);
    facts->boot_failures += read_counter(&meter->boot_failures);
    psv_histogram_cells_sum(&facts->run_seconds, &meter->run_seconds);
    psv_histogram_cells_sum(&facts->wait_seconds, &meter->wait_seconds);
    psv_histogram_cells_sum(&facts->boot_seconds, &meter->boot_seconds);
}

void psv_worker_pool_read_script(struct psv_worker_pool *pool, struct psv_worker_script_facts *ret_facts)
{
    *ret_facts = (struct psv_worker_script_facts){
        .name = pool->script->name,
        .path = pool->script->path,
        .threads = pool->workers_len,
        .busy = psv_worker_pool_busy(pool),
        .is_failing = psv_worker_pool_is_failing(pool),
        .queue_len = psv_queue_len(pool->queue),
        .queue_capacity = pool->queue->ring.capacity,
    };
    ret_facts->ready = psv_worker_pool_serving(pool, &ret_facts->unserved_ns);
    pthread_mutex_lock(&pool->life_lock); /* is_used; held for a moment by others */
    for (unsigned i = 0; i < pool->slots_len; i++) {
        struct psv_worker *worker = &pool->workers[i];
        add_meter(ret_facts, &worker->meter); /* also of those that are over: counters do not go back */
        if (worker->is_used) {
            ret_facts->memory_bytes += read_counter(&worker->meter.memory_bytes);
            pthread_mutex_lock(&worker->lock);
            ret_facts->boot_ns = MAX(ret_facts->boot_ns, worker->life.boot_ns);
            pthread_mutex_unlock(&worker->lock);
        }
    }
    ret_facts->restarts += pool->replaced;
    pthread_mutex_unlock(&pool->life_lock);
    ret_facts->requests = psv_histogram_count(&ret_facts->run_seconds);
}
