/* The engine between two requests of a script of worker mode: what php_request_shutdown() and
 * php_request_startup() (main/main.c) do for a whole script, for the parts that belong to a request.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

struct psv_php_thread;

/** From our module's MINIT.  [boot] */
void psv_php_worker_reset_on_module_init(void);
/** Before a thread's first script.  [worker] */
void psv_php_worker_reset_thread_start(void);

/** From the state of a booting script, or of no request, into that of the request that the thread has taken.
 * May bail out. [worker] */
void psv_php_worker_begin_request(struct psv_php_thread *thread);
/** The response is complete: buffers are flushed, the session is written; exceptions of what runs then are
 * reported.  False: the script ends, by exit().  May bail out.  [worker] */
MUST_CHECK bool psv_php_worker_end_response(struct psv_php_thread *thread);
/** Forgets the request; afterwards there is none.  May bail out.  [worker] */
void psv_php_worker_leave_request(struct psv_php_thread *thread);

/** Around code that runs while there is no request: superglobals are empty, a time limit counts.  [worker] */
void psv_php_worker_begin_idle(struct psv_php_thread *thread);
void psv_php_worker_end_idle(struct psv_php_thread *thread);

/** Logs or shows an exception that nobody has caught, as the engine does with one that leaves a script, and
 * forgets it.  False: it is exit()'s, and stays.  [worker] */
MUST_CHECK bool psv_php_worker_report_uncaught(void);
