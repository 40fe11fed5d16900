/* The locale of a script: its thread's own.  The C library's setlocale() sets that of the process: with
 * several threads a script would print its neighbour's decimal comma.  Here setlocale() on a PHP thread
 * chooses among locales of the thread (newlocale(3), uselocale(3)), with the same names and answers.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/** From here on setlocale() on this thread is its own.  [worker] */
void psv_php_locale_thread_start(void);
/** The process's locale again, whatever the request has set.  [worker] */
void psv_php_locale_forget(void);
