/* A queue with the workers that take from it.  The first group of a server is the classic one: it runs any
 * script.  Each script of worker mode has a group of its own.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "exec/queue.h"

struct psv_worker_pool;
struct psv_worker_script;

struct psv_worker_group {
    struct psv_queue queue;
    struct psv_worker_pool *pool;
    const struct psv_worker_script *script; /* NULL: classic */
    unsigned unannounced;                   /* [loop] jobs queued since the last wake-up of a worker */
    size_t stall_taken;                     /* [loop] psv_queue_taken when the watch for a stall began */
};
