/* The pool's boot and end; see worker.h.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#include "worker.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/memory.h"
#include "exec/job.h"
#include "exec/queue.h"
#include "exec/worker_state.h"
#include "os/clock.h"

/* How often the start looks at boots that take too long, and whether it is still wanted. */
#define LOOK_NS (UINT64_C(50) * PSV_NS_PER_MS)

void psv_worker_pool_set_stopping(struct psv_worker_pool *pool)
{
    pthread_mutex_lock(&pool->life_lock); /* no successor is being started from here on */
    atomic_store_explicit(&pool->stop_word, 1, memory_order_release);
    atomic_fetch_add_explicit(&pool->renewal.word, 1,
                              memory_order_release); /* candidates wait for this one */
    pthread_mutex_unlock(&pool->life_lock);
    psv_futex_wake(&pool->stop_word, UINT32_MAX);
    psv_futex_wake(&pool->renewal.word, UINT32_MAX);
}

unsigned psv_worker_spares(unsigned workers, bool has_script)
{
    return PSV_WORKER_SPARES + (has_script ? workers : 0);
}

static void free_pool(struct psv_worker_pool *pool)
{
    for (unsigned i = 0; i < pool->slots_len; i++) {
        pthread_mutex_destroy(&pool->workers[i].lock);
    }
    pthread_cond_destroy(&pool->boot_change);
    pthread_mutex_destroy(&pool->life_lock);
    psv_free(pool->workers);
    psv_free(pool->probe);
    psv_free(pool);
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static struct psv_worker_pool *new_pool(const struct psv_worker_pool_options *options)
{
    struct psv_worker_pool *pool = psv_calloc(1, sizeof(*pool));

    if (pool == NULL) {
        return NULL;
    }
    pool->slots_len = options->workers + psv_worker_spares(options->workers, options->script != NULL);
    pool->workers = psv_calloc_aligned(_Alignof(struct psv_worker), sizeof(*pool->workers) * pool->slots_len);
    pool->probe = psv_calloc_aligned(CACHE_LINE_BYTES, sizeof(*pool->probe));
    if (pool->workers == NULL || pool->probe == NULL) {
        psv_free(pool->workers);
        psv_free(pool->probe);
        return psv_free(pool);
    }
    pool->probe_was_right = true; /* the threads' start is the first answer */
    pool->probe_done_ns = psv_clock_monotonic_ns();
    pool->executor = options->executor;
    pool->queue = options->queue;
    pool->stack_bytes = options->stack_bytes;
    pool->workers_len = options->workers;
    pool->max_requests = options->max_requests;
    pool->script = options->script;
    pool->boot_failures_max = options->boot_failures_max;
    atomic_flag_clear(&pool->is_recycling);
    pthread_mutex_init(&pool->life_lock, NULL); /* without attributes neither can fail */
    init_condition(&pool->boot_change);
    pool->unserved_ns = psv_clock_monotonic_ns();
    for (unsigned i = 0; i < pool->slots_len; i++) {
        pthread_mutex_init(&pool->workers[i].lock, NULL);
        pool->workers[i].pool = pool;
        pool->workers[i].id = options->first_id + i;
        pool->workers[i].index = i;
        pool->workers[i].is_used = i < pool->workers_len;
    }
    return pool;
}

static int start_thread(struct psv_worker *worker, unsigned which, struct psv_error *reterr)
{
    char name[16];

    snprintf(name, sizeof(name), "php-%u", worker->id);
    const struct psv_thread_options options = {.name = name,
                                               .stack_bytes = worker->pool->stack_bytes,
                                               .function = psv_worker_thread,
                                               .argument = worker};
    return psv_thread_start(&worker->threads[which], &options, reterr);
}

int psv_worker_start_slot(struct psv_worker *worker, struct psv_error *reterr)
{
    unsigned next = worker->newest ^ 1;

    worker->failures = 1; /* no first start any more: nobody waits for its report */
    worker->has_reported_boot = true;
    worker->life.boot_failures = 0;
    worker->life.quick_crashes = 0;
    worker->life.has_given_up = false;
    atomic_store_explicit(&worker->life.is_retired, false, memory_order_relaxed); /* its thread comes after */
    int code = start_thread(worker, next, reterr);
    if (code == PSV_OK) {
        worker->newest = next;
        worker->is_used = true;
    }
    return code;
}

int psv_worker_pool_launch(const struct psv_worker_pool_options *options, struct psv_worker_pool **ret_pool,
                           struct psv_error *reterr)
{
    struct psv_worker_pool *pool = new_pool(options);
    int code = PSV_OK;

    if (pool == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "cannot start the workers: out of memory");
    }
    *ret_pool = pool;
    pthread_mutex_lock(&pool->life_lock);
    for (unsigned i = 0; code == PSV_OK && i < pool->workers_len; i++) {
        code = start_thread(&pool->workers[i], pool->workers[i].newest, reterr);
    }
    pthread_mutex_unlock(&pool->life_lock);
    if (pool->script != NULL) {
        psv_worker_pools_add(pool);
    }
    return code;
}

/* life_lock is held: until something has changed, or for a moment. */
static void wait_a_moment(struct psv_worker_pool *pool)
{
    uint64_t until_ns = psv_clock_monotonic_ns() + LOOK_NS;
    const struct timespec until = {.tv_sec = (time_t)(until_ns / PSV_NS_PER_S),
                                   .tv_nsec = (long)(until_ns % PSV_NS_PER_S)};

    (void)pthread_cond_timedwait(&pool->boot_change, &pool->life_lock, &until);
}

int psv_worker_pool_await(struct psv_worker_pool *pool, psv_worker_cancel_fn *is_cancelled, void *context,
                          struct psv_error *reterr)
{
    int code = PSV_OK;

    pthread_mutex_lock(&pool->life_lock);
    while (code == PSV_OK && pool->boot_failed == 0 && pool->boot_ready < pool->workers_len) {
        wait_a_moment(pool);
        if (pool->script != NULL) {
            pthread_mutex_unlock(&pool->life_lock);
            psv_worker_pool_check_boots(pool);
            pthread_mutex_lock(&pool->life_lock);
        }
        if (is_cancelled != NULL && is_cancelled(context)) {
            code = psv_error_set(reterr, PSV_ESTOPPING, "a signal has ended the start");
        }
    }
    if (code == PSV_OK && pool->boot_failed > 0) {
        code = psv_error_set(reterr, pool->boot_error.code, "a worker cannot start: %s",
                             pool->boot_error.message);
    }
    pthread_mutex_unlock(&pool->life_lock);
    return code;
}

int psv_worker_pool_start(const struct psv_worker_pool_options *options, struct psv_worker_pool **ret_pool,
                          struct psv_error *reterr)
{
    struct psv_worker_pool *pool = NULL;
    int code = psv_worker_pool_launch(options, &pool, reterr);

    if (code == PSV_OK) {
        code = psv_worker_pool_await(pool, NULL, NULL, reterr);
    }
    if (code != PSV_OK) {
        psv_queue_stop(options->queue);
        psv_worker_pool_stop(pool, 0); /* without a deadline none is left */
        return code;
    }
    *ret_pool = pool;
    return PSV_OK;
}

unsigned psv_worker_pool_stop(struct psv_worker_pool *pool, uint64_t deadline_ns)
{
    unsigned survivors = 0;

    if (pool == NULL) {
        return 0;
    }
    psv_worker_pools_remove(pool);
    psv_worker_pool_set_stopping(pool);
    for (unsigned i = 0; i < pool->slots_len; i++) {
        struct psv_worker *worker = &pool->workers[i];
        pthread_mutex_lock(&pool->life_lock); /* its last writer may have been a worker */
        struct psv_thread *thread = &worker->threads[worker->newest];
        pthread_mutex_unlock(&pool->life_lock);
        if (psv_thread_join(thread, deadline_ns) != PSV_OK) {
            psv_thread_abandon(thread);
            survivors++;
        }
    }
    if (survivors == 0) {
        free_pool(pool); /* else they still use it: it stays for as long as the process */
    }
    return survivors;
}
