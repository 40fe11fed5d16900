/* What the tests of worker pools share: the loop's side of a pool, which the test itself plays.  A
 * job's message carries a number that tells the test's executor what to do.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "exec_test.h"

#include "base/error.h"
#include "exec/queue.h"
#include "exec/worker.h"

static struct psv_queue queue;
static struct psv_mailbox mailbox;
static struct psv_worker_pool *pool; /* the test's to start; NULL: there is none (yet) */

/* One arena per job, as each exchange has its own; used in turn. */
static struct {
    struct psv_arena arena;
    bool is_busy;
} exchanges[256];
static unsigned exchanges_used;
static struct psv_request_body no_body;

static inline void pool_fixture_init(size_t capacity, unsigned workers, unsigned spares)
{
    pool = NULL;
    assert_int_equal(psv_queue_init(&queue, capacity, workers, spares, workers), 0);
    assert_int_equal(psv_mailbox_init(&mailbox, 8192), 0);
    exchanges_used = 0;
    for (size_t i = 0; i < ARRAY_SIZE(exchanges); i++) {
        psv_arena_init(&exchanges[i].arena, 1 << 20);
        exchanges[i].is_busy = false;
    }
    psv_request_body_init(&no_body, 0, 0);
}

/** The queue is stopped, or there is no pool.  Nothing may be left in the mailbox. */
static inline void pool_fixture_fini(void)
{
    assert_int_equal(psv_worker_pool_stop(pool, 0), 0);
    assert_null(psv_mailbox_take(&mailbox));
    psv_mailbox_fini(&mailbox);
    psv_queue_fini(&queue);
    for (size_t i = 0; i < ARRAY_SIZE(exchanges); i++) {
        psv_arena_fini(&exchanges[i].arena);
    }
}

static inline struct psv_job *new_job(unsigned action)
{
    const struct psv_message message = {.server_port = (uint16_t)action};
    unsigned number = exchanges_used++ % ARRAY_SIZE(exchanges);

    for (unsigned tries = 0; exchanges[number].is_busy; tries++) {
        INVARIANT(tries < ARRAY_SIZE(exchanges));
        number = exchanges_used++ % ARRAY_SIZE(exchanges);
    }
    exchanges[number].is_busy = true;
    psv_arena_reset(&exchanges[number].arena);
    struct psv_job *job = psv_job_new(&exchanges[number].arena, &no_body);
    assert_non_null(job);
    job->message = message;
    psv_sink_init(&job->sink, job, &mailbox, 4096, 4096);
    return job;
}

static inline struct psv_job *push_job(unsigned action)
{
    struct psv_job *job = new_job(action);

    assert_int_equal(psv_queue_push(&queue, job), 0);
    return job;
}

static inline unsigned action_of(const struct psv_job *job)
{
    return psv_job_message(job)->server_port;
}

/** Waits for the next RELEASE; returns its job, and the flags of all parts of it. */
static inline struct psv_job *await_release(unsigned *ret_flags)
{
    unsigned flags = 0;
    struct psv_job *job = NULL;

    while ((flags & PSV_PART_RELEASE) == 0) {
        struct psv_response_part *part;
        WAIT_UNTIL((part = psv_mailbox_take(&mailbox)) != NULL);
        flags |= part->flags;
        job = part->job;
        struct psv_body_piece *piece = psv_part_piece(part);
        piece->release(piece);
    }
    for (size_t i = 0; i < ARRAY_SIZE(exchanges); i++) {
        if (job->arena == &exchanges[i].arena) {
            exchanges[i].is_busy = false;
        }
    }
    if (ret_flags != NULL) {
        *ret_flags = flags;
    }
    return job;
}
