/* One request in the engine: startup, script, shutdown.  The only file of the tree with zend_try.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

struct psv_job;
struct psv_php_thread;

/** Runs the job to its end; the response is complete or failed afterwards.  job NULL: the script of a worker
 * of worker mode, with all the requests that it takes.  0, or PSV_EAGAIN: the thread's
 * engine state is broken and must not run another one.  [worker] */
MUST_CHECK int psv_php_request_run(struct psv_php_thread *thread, struct psv_job *job);

/** Makes job the one that callbacks work for.  [worker] */
void psv_php_request_take(struct psv_php_thread *thread, struct psv_job *job);
/** Figures about memory, garbage and opcache, at a request's end.  [worker] */
void psv_php_request_note_usage(struct psv_php_thread *thread);

/** An empty request: starts, computes 6 * 7, ends.  False when that does not work: then the thread must not
 * be given real ones.  [worker] */
MUST_CHECK bool psv_php_request_probe(struct psv_php_thread *thread);

/** The same at a time of the past (seconds since 1970).  [worker] */
MUST_CHECK bool psv_php_request_probe_at(struct psv_php_thread *thread, double unix_time);

/** After the engine's start: prepares what can be prepared once.  [boot] */
void psv_php_request_on_started(void);

/** Calls function(context) and stops a bailout of it: true when there was none.  Only for work after which
 * PHP can go on.  [worker] */
bool psv_php_request_try(void (*function)(void *context), void *context);

/* Callbacks of the SAPI module.  [worker] */
int psv_php_request_on_activate(void);
int psv_php_request_time(double *ret_time);
