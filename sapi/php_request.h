/* One request in the engine: startup, script, shutdown.  The only file of the tree with zend_try.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

struct psv_job;
struct psv_php_thread;

/** Runs the job to its end; the response is complete or failed afterwards.  0, or PSV_EAGAIN: the thread's
 * engine state is broken and must not run another one.  [worker] */
MUST_CHECK int psv_php_request_run(struct psv_php_thread *thread, struct psv_job *job);

/** An empty request: starts, computes 6 * 7, ends.  False when that does not work: then the thread must not
 * be given real ones.  [worker] */
MUST_CHECK bool psv_php_request_probe(struct psv_php_thread *thread);

/** After the engine's start: prepares what can be prepared once.  [boot] */
void psv_php_request_on_started(void);

/** Calls function(context) and stops a bailout of it: true when there was none.  Only for work after which
 * PHP can go on.  [worker] */
bool psv_php_request_try(void (*function)(void *context), void *context);

/* Callbacks of the SAPI module.  [worker] */
int psv_php_request_on_activate(void);
int psv_php_request_time(double *ret_time);
