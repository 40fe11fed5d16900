/* $_SERVER of scripts of worker mode: the environment of the process below the request's variables, and with
 * reset = "compat" those that FrankenPHP has.  Include php_compat.h first.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct psv_php_thread;

/** The script finds what FrankenPHP gives; false in classic mode.  [worker] */
bool psv_php_worker_is_compat(const struct psv_php_thread *thread);
/** Fills the array for the current request; false: only the environment, the rest is the caller's.  [worker]
 */
bool psv_php_worker_server_fill(struct psv_php_thread *thread, zval *array);
/** Adds what $_SERVER has before the variables of the request.  [worker] */
void psv_php_worker_server_fill_environment(struct psv_php_thread *thread, zval *array);
/** The running script ends.  [worker] */
void psv_php_worker_server_forget(struct psv_php_thread *thread);
