/* phpsrv_on_idle(): what a script of worker mode does while it waits for requests.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct psv_php_thread;

/** When the function is to be called next (monotonic); 0: there is none.  [worker] */
uint64_t psv_php_worker_idle_next_ns(const struct psv_php_thread *thread);
/** Calls it, if it is time.  There must be no request.  False: it has called exit(), the exception stays. May
 * bail out.  [worker] */
bool psv_php_worker_idle_run(struct psv_php_thread *thread);
/** The running script ends.  [worker] */
void psv_php_worker_idle_forget(struct psv_php_thread *thread);
