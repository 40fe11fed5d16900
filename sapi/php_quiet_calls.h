/* System calls that PHP makes for each request although nothing has changed since the last one; here they
 * stay in user space.  The functions stand in for the C library's (libphp and opcache find the program's
 * first), and do what those do in all other cases.
 *
 *   getpid         the engine asks three times whether it has been forked
 *   timer_settime  the limit of execution time: armed and disarmed by each request
 *   sigaction      the limit's signal: installed anew by each request ...
 *   sigprocmask    ... and unblocked
 *   fcntl          opcache's lock against other processes that use its memory: there are none
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <time.h>

/** Before any other thread.  Without it, and in a process forked from this one, every call is made.  [boot]
 */
void psv_php_quiet_calls_process_start(void);
/** After opcache's start: finds its lock.  [boot] */
void psv_php_quiet_calls_on_started(void);
/** The timer of this thread's time limit, which runs on the thread's processor clock.  [worker] */
void psv_php_quiet_calls_set_timer(timer_t timer);
void psv_php_quiet_calls_forget_timer(void);
