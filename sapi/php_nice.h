/* The priority that a script gives itself with proc_nice(): a thread's on Linux, and gone with the request
 * where that is permitted.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/** Puts the thread's priority back when the request has changed it.  Only root may do that: else it stays
 * with the worker, as with php-fpm's processes.  [worker] */
void psv_php_nice_restore(void);
