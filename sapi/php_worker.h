/* Worker mode: a script that is booted once and takes request after request with
 * frankenphp_handle_request().  What a request leaves behind is in php_worker_reset.c.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "php_compat.h"
#include "php_thread.h"
#include "phpsrv/message.h"

struct psv_php_snapshot;
struct psv_php_thread;
struct psv_worker_script;

/** Of one thread, as long as it lives. */
struct psv_php_worker {
    const struct psv_worker_script *script;
    struct psv_message boot_message;   /* what the script sees as its request while it boots */
    struct psv_job *job;               /* taken and not given back; NULL: none */
    struct psv_php_snapshot *snapshot; /* of the booted script; NULL: none is needed */
    zval server_template;              /* what $_SERVER begins with; memory of the running script */
    uint32_t server_places;            /* index of the first variable in it that each request sets */
    zval idle_function;                /* of phpsrv_on_idle(); undefined: none */
    uint64_t idle_wait_ns;
    uint64_t idle_next_ns; /* when to call it; 0 = never */
    bool is_serving;       /* it has asked for a request */
    bool is_handling;      /* it is inside its callback */
    bool is_ending;        /* it gets no more requests */
    bool has_failed;       /* it has ended with an error */
    bool has_bailed;       /* a bailout went through it: the engine's state is not used again */
    bool uses_server;      /* $_SERVER has been mentioned: filled for each request from then on */
    bool uses_request;
};

/** True while a script runs that has not asked for a request yet.  [worker] */
static inline bool psv_php_worker_is_booting(const struct psv_php_thread *thread)
{
    return thread->mode != NULL && !thread->mode->is_serving;
}

/** True while a function of phpsrv_on_idle() runs.  [worker] */
static inline bool psv_php_worker_is_idling(const struct psv_php_thread *thread)
{
    return thread->mode != NULL && thread->mode->is_handling && thread->mode->job == NULL;
}

/** The executor's run() for a worker that has a script.  [worker] */
MUST_CHECK int psv_php_worker_run(struct psv_php_thread *thread);

/* What php_request.c tells.  [worker] */
void psv_php_worker_prepare_boot(struct psv_php_thread *thread);
void psv_php_worker_note_end(struct psv_php_thread *thread);

/** Output without a request goes to the log, line by line.  Returns len.  [worker] */
size_t psv_php_worker_log_output(struct psv_php_thread *thread, const char *data, size_t len);
