/* The environment that a script sees and changes: its thread's own.  PHP's putenv(), and setenv() of any
 * library, change the environment of the process; with several threads one request's value would be
 * another's, and go when the other one ends.  Here a thread that changes something gets a copy, which
 * getenv(), getenv() without a name, and the commands it starts see, and which is gone with the request.  Not
 * seen by the C library's own uses (TZ, LANGUAGE).
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/** The import of the environment into arrays ($_ENV, getenv()) is replaced.  After the engine's start. [boot]
 */
void psv_php_environment_on_started(void);
/** The environment that the process was started with, without what this thread has changed.  [worker] */
void psv_php_environment_import_process(struct _zval_struct *array);
/** From here on changes on this thread are its own.  [worker] */
void psv_php_environment_thread_start(void);
/** Forgets all changes of this thread, after the request's shutdown and before the thread's end.  [worker] */
void psv_php_environment_forget(void);
/** In a process forked by this thread: its environment becomes the process's.  [worker] */
void psv_php_environment_on_fork_in_child(void);
