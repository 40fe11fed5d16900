/* See exchange_times.h.
 *
 * SPDX-License-Identifier: MIT */
#include "exchange_times.h"

#include <stdatomic.h>

#include "base/macros.h"
#include "exec/exchange.h"
#include "exec/job.h"

static uint64_t between(uint64_t begin_ns, uint64_t end_ns)
{
    return end_ns > begin_ns ? end_ns - begin_ns : 0; /* the loop's clock is of the batch's begin */
}

/* The worker's times may be read once its response is complete and was not thrown away: otherwise it may be
 * running still and write them (see exec/job.h). */
static void get_worker_times(const struct psv_exchange *exchange, uint64_t now_ns,
                             struct psv_exchange_times *ret)
{
    struct psv_job *job = exchange->job;
    if (job == NULL)
        return;
    /* relaxed: numbers that guard nothing */
    bool is_taken = atomic_load_explicit(&job->worker_plus_1, memory_order_relaxed) != 0;
    if (!is_taken) {
        ret->has_queue = true;
        ret->queue_ns = between(job->queued_ns, now_ns);
        return;
    }
    if (!exchange->is_complete || atomic_load_explicit(&job->is_gone, memory_order_relaxed))
        return;
    if (job->started_ns != 0) {
        ret->has_queue = true;
        ret->queue_ns = between(job->queued_ns, job->started_ns);
    }
    uint64_t responded_ns = atomic_load_explicit(&job->responded_ns, memory_order_relaxed);
    if (responded_ns >= job->started_ns && responded_ns != 0) {
        ret->has_php = true;
        ret->php_ns = responded_ns - job->started_ns;
    }
}

void psv_exchange_times_get(const struct psv_exchange *exchange, uint64_t now_ns,
                            struct psv_exchange_times *ret)
{
    *ret = (struct psv_exchange_times){.total_ns = between(exchange->received_ns, now_ns)};
    if (exchange->read_ns != 0) {
        ret->has_read = true;
        ret->read_ns = between(exchange->received_ns, exchange->read_ns);
    }
    if (exchange->first_byte_ns != 0) {
        ret->has_send = true;
        ret->send_ns = between(exchange->first_byte_ns, now_ns);
    }
    get_worker_times(exchange, now_ns, ret);
}
