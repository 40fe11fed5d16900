/* opcache under this server: loading it, letting it accept our SAPI name, and its restarts, which a threaded
 * server must arrange itself (its own locks are between processes).
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct psv_prometheus;
struct psv_php_thread;

/** From our module's MINIT: loads the extension if php.ini has not, shows it a SAPI name from its list, and
 * arranges that the own name is back before any script (a preload script too) can see it.  [boot] */
void psv_php_opcache_on_module_init(void);
/** After php_module_startup: takes the restart hook and reads what is on.  [boot] */
void psv_php_opcache_on_started(void);

/** Before php_request_startup().  May wait for running requests to end when opcache wants to restart; if they
 * do not end in time the request runs without the cache (thread->cache_is_bypassed).  [worker] */
void psv_php_opcache_before_startup(struct psv_php_thread *thread);
/** Inside request startup, before opcache's own: takes the cache away from a bypassed request.  [worker] */
void psv_php_opcache_on_activate(struct psv_php_thread *thread);
/** After php_request_startup(); has_started: it was successful.  [worker] */
void psv_php_opcache_after_startup(struct psv_php_thread *thread, bool has_started);
/** True when the running script of worker mode has to end and boot again: opcache waits for it with a
 * restart, or the script was booted without the cache and can have it now.  [worker] */
bool psv_php_opcache_wants_boot(struct psv_php_thread *thread);
/** When that may become true without an announcement (monotonic); 0: never.  [worker] */
uint64_t psv_php_opcache_boot_retry_ns(const struct psv_php_thread *thread);
/** After php_request_shutdown(), or when the thread's state is given up.  [worker] */
void psv_php_opcache_leave(struct psv_php_thread *thread);

/** At a request's end, inside zend_try: takes opcache's figures for the metrics when the last ones are old.
 * [worker] */
void psv_php_opcache_sample(void);
/** Appends whether it is on, and the last figures.  [any] */
void psv_php_opcache_format_metrics(struct psv_prometheus *out);

bool psv_php_opcache_is_on(void);
/** The value of opcache.jit, or "off".  Static text. */
const char *psv_php_opcache_jit(void);
