/* A new set of workers in place of one that runs: the new ones boot their script in free slots while the old
 * ones serve; when all have reached their loop the old ones are told to end after the request that they have.
 * If one of the new ones fails, all of them go, and nothing else has happened.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "exec/queue.h"
#include "exec/worker_state.h"
#include "os/clock.h"
#include "os/thread.h"

static bool is_set(const _Atomic bool *flag)
{
    return atomic_load_explicit(flag, memory_order_acquire); /* pairs with set() */
}

static void set(_Atomic bool *flag, bool value)
{
    atomic_store_explicit(flag, value, memory_order_release);
}

/* life_lock is held. */
static void wake_candidates(struct psv_worker_pool *pool)
{
    /* release: who sees the new number sees the flags */
    atomic_fetch_add_explicit(&pool->renewal.word, 1, memory_order_release);
    psv_futex_wake(&pool->renewal.word, UINT32_MAX);
}

/* life_lock is held. */
static void retire(struct psv_worker_pool *pool, bool are_candidates)
{
    for (unsigned i = 0; i < pool->slots_len; i++) {
        struct psv_worker *worker = &pool->workers[i];
        if (worker->is_used && is_set(&worker->life.is_candidate) == are_candidates) {
            psv_worker_script_count(worker, false, false);
            set(&worker->life.is_retired, true);
        }
    }
}

/* life_lock is held. */
static void fail(struct psv_worker_pool *pool, const struct psv_error *error)
{
    pool->renewal.state = PSV_RENEWAL_FAILED;
    pool->renewal.error = *error;
    retire(pool, true);
    wake_candidates(pool);
}

/* Those whose boot would be for nothing. */
static void interrupt_candidates(struct psv_worker_pool *pool)
{
    for (unsigned i = 0; i < pool->slots_len; i++) {
        struct psv_worker *worker = &pool->workers[i];
        pthread_mutex_lock(&worker->lock);
        if (worker->life.boot_began_ns != 0 && is_set(&worker->life.is_candidate) &&
            is_set(&worker->life.is_retired)) {
            pool->executor->interrupt(worker->state);
        }
        pthread_mutex_unlock(&worker->lock);
    }
}

static unsigned count_free(const struct psv_worker_pool *pool)
{
    unsigned len = 0;

    for (unsigned i = 0; i < pool->slots_len; i++) {
        len += !pool->workers[i].is_used;
    }
    return len;
}

/* life_lock is held. */
static int start_candidates(struct psv_worker_pool *pool, struct psv_error *reterr)
{
    unsigned missing = pool->workers_len;
    int code = PSV_OK;

    pool->renewal.state = PSV_RENEWAL_BOOTING;
    pool->renewal.wanted = missing;
    pool->renewal.ready = 0;
    pool->renewal.began_ns = psv_clock_monotonic_ns();
    for (unsigned i = 0; i < pool->slots_len && missing > 0 && code == PSV_OK; i++) {
        struct psv_worker *worker = &pool->workers[i];
        if (!worker->is_used) {
            set(&worker->life.is_candidate, true);
            code = psv_worker_start_slot(worker, reterr);
            missing--;
        }
    }
    if (code != PSV_OK) {
        fail(pool, reterr);
    }
    return code;
}

int psv_worker_pool_renew(struct psv_worker_pool *pool, struct psv_error *reterr)
{
    int code = PSV_OK;

    pthread_mutex_lock(&pool->life_lock);
    if (psv_worker_pool_is_stopping(pool) || psv_queue_is_stopped(pool->queue)) {
        code = psv_error_set(reterr, PSV_ESTOPPING, "the server is stopping");
    } else if (pool->renewal.state == PSV_RENEWAL_BOOTING) {
        code = psv_error_set(reterr, PSV_EEXIST, "a restart is under way");
    } else if (count_free(pool) < pool->workers_len) {
        code = psv_error_set(reterr, PSV_ELIMIT, "workers of earlier restarts still run their last requests");
    } else {
        code = start_candidates(pool, reterr);
    }
    pthread_mutex_unlock(&pool->life_lock);
    if (code != PSV_OK) {
        interrupt_candidates(pool);
    }
    return code;
}

enum psv_renewal_state psv_worker_pool_renewal(struct psv_worker_pool *pool, uint64_t *ret_began_ns,
                                               struct psv_error *reterr)
{
    pthread_mutex_lock(&pool->life_lock);
    enum psv_renewal_state state = pool->renewal.state;
    *ret_began_ns = pool->renewal.began_ns;
    if (state == PSV_RENEWAL_FAILED) {
        *reterr = pool->renewal.error;
    }
    pthread_mutex_unlock(&pool->life_lock);
    return state;
}

void psv_worker_renew_ready(struct psv_worker *worker)
{
    struct psv_worker_pool *pool = worker->pool;
    struct psv_worker_renewal *renewal = &pool->renewal;

    if (is_set(&worker->life.is_retired) || ++renewal->ready < renewal->wanted) {
        return;
    }
    retire(pool, false);
    for (unsigned i = 0; i < pool->slots_len; i++) {
        struct psv_worker *other = &pool->workers[i];
        if (other->is_used && is_set(&other->life.is_candidate)) {
            psv_worker_script_count(other, true, false);
            set(&other->life.is_candidate, false);
        }
    }
    /* before anybody is told: no request of theirs goes to an old one that sleeps */
    psv_queue_nudge(pool->queue);
    renewal->state = PSV_RENEWAL_DONE;
    pool->replaced += renewal->wanted;
    wake_candidates(pool);
}

void psv_worker_renew_fail(struct psv_worker *worker, const struct psv_error *error)
{
    struct psv_worker_pool *pool = worker->pool;

    pthread_mutex_lock(&pool->life_lock);
    if (pool->renewal.state == PSV_RENEWAL_BOOTING && !is_set(&worker->life.is_retired)) {
        fail(pool, error);
    }
    pthread_mutex_unlock(&pool->life_lock);
    interrupt_candidates(pool);
}

void psv_worker_renew_wait(struct psv_worker *worker)
{
    struct psv_worker_pool *pool = worker->pool;

    while (is_set(&worker->life.is_candidate) && !is_set(&worker->life.is_retired) &&
           !psv_worker_pool_is_stopping(pool)) {
        /* acquire: pairs with wake_candidates and with the end of the pool */
        uint32_t word = atomic_load_explicit(&pool->renewal.word, memory_order_acquire);
        if (is_set(&worker->life.is_candidate) && !is_set(&worker->life.is_retired) &&
            !psv_worker_pool_is_stopping(pool)) {
            (void)psv_futex_wait(&pool->renewal.word, word, 0);
        }
    }
}
