/* Signals in a process whose threads run PHP: the server's own, the engine's, and what commands started by
 * scripts inherit.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/** On the thread that takes the server's signals, after it has blocked them: whatever it blocks will be
 * passed on to it when another thread catches it.  [boot] */
void psv_php_signals_process_start(void);
/** Keeps scripts from taking those signals for themselves; from MINIT.  [boot] */
void psv_php_signals_on_module_init(void);
/** Opens all signals: a command that a script starts inherits the mask, and must be able to be terminated.
 * [worker] */
void psv_php_signals_thread_start(void);

/** In a process that a script has forked there is no server thread: the handlers go.  Async-signal-safe.
 * [any] */
void psv_php_signals_after_fork(void);
