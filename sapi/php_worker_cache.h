/* opcache under scripts of worker mode, whose request of the engine's lasts for days: its clock, its looks at
 * files while a script boots, and its restarts.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <time.h>

struct psv_php_thread;

/** Once for each thread, before its first script: finds opcache's clock.  [worker] */
void psv_php_worker_cache_thread_start(struct psv_php_thread *thread);
/** What opcache takes for the time from here on.  [worker] */
void psv_php_worker_cache_set_time(time_t unix_s);

/** From here on each file is compared with the disk: a script boots.  After request startup.  [worker] */
void psv_php_worker_cache_begin_boot(void);
/** The script has booted: files are looked at as the settings say.  Idempotent.  [worker] */
void psv_php_worker_cache_end_boot(void);
/** The script has ended.  Idempotent.  [worker] */
void psv_php_worker_cache_end_script(void);
