/* The profile "strict" of worker mode: settings, handlers and the like are for each request as the script has
 * left them when it first asked for one.  In development what a request changes is named, in either profile.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/macros.h"

struct psv_php_thread;
struct psv_php_snapshot; /* memory of the running script */

/** The script has booted: takes the snapshot, if its profile or development mode needs one.  [worker] */
void psv_php_worker_strict_begin(struct psv_php_thread *thread);
/** A request begins: shutdown functions that it registers are its own.  [worker] */
void psv_php_worker_strict_begin_request(struct psv_php_thread *thread);
/** Its callback is done: runs those functions, which may leave an exception.  May bail out.  [worker] */
void psv_php_worker_strict_end_request(struct psv_php_thread *thread);
/** The script is done with it: puts back what has changed, and names it.  May leave an exception (of a
 * destructor).  [worker] */
void psv_php_worker_strict_settle(struct psv_php_thread *thread);
/** The script ends, maybe within a request.  [worker] */
void psv_php_worker_strict_end(struct psv_php_thread *thread);
