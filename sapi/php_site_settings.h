/* PHP settings that a site has for itself, on top of php.ini and -d: read once, applied before each of its
 * requests as PHP_VALUE of php-fpm is (sapi/fpm/fpm/fpm_main.c), taken back by PHP at its end.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct psv_config_list;
struct psv_php_site_cache;
struct psv_php_thread;

/** The executor's settings_start and settings_stop.  [boot] */
MUST_CHECK int psv_php_site_settings_start(const struct psv_config_list *list, const void *around, void **ret,
                                           struct psv_error *reterr);
void psv_php_site_settings_stop(void *settings);

/** Applies those of the message.  May bail out.  [worker] */
void psv_php_site_settings_apply(struct psv_php_thread *thread);
/** What a thread has kept of them; accepts NULL.  [worker] */
void psv_php_site_settings_forget(struct psv_php_site_cache *cache);
