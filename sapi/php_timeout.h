/* Ending a script from outside: the server's deadline and shutdown.  PHP's own max_execution_time works by
 * its per-thread timers and needs nothing of us but an unblocked signal.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_php_thread;

/** Installs the signal that breaks blocking calls.  [boot] */
MUST_CHECK int psv_php_timeout_process_start(struct psv_error *reterr);
/** Hooks into the engine's interrupts; from MINIT.  [boot] */
void psv_php_timeout_on_module_init(void);
/** After the thread's engine state has been made, and before it is freed.  [worker] */
void psv_php_timeout_thread_start(struct psv_php_thread *thread);
void psv_php_timeout_thread_stop(void);

/** Around the last part of php_request_shutdown: PHP deletes its timer there and makes a new one for the next
 * request, which costs as many system calls as the rest of a small request.  Between these two it finds none
 * to delete.  [worker] */
void psv_php_timeout_hide_timer(void);
void psv_php_timeout_show_timer(void);

/** Asks the thread's running job to end soon: the executor's interrupt().  May be repeated: each call ends
 * the script once, also a shutdown function that goes on after the first.  [any] */
void psv_php_timeout_interrupt(void *state);
/** This thread's script is to end and has not noticed yet: it must not wait for anything.  Cheap;
 * async-signal-safe.  [any] */
bool psv_php_timeout_is_interrupted(void);

/** After request startup, which resets the engine's flag: an interrupt that came before is not lost. [worker]
 */
void psv_php_timeout_after_startup(struct psv_php_thread *thread);
/** The job has been given back, none can be interrupted: what was not served yet must not hit the next one.
 * [worker] */
void psv_php_timeout_end_job(struct psv_php_thread *thread);
