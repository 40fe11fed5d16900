/* The sapi_module_struct and its name.  Include php_compat.h first.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/** Our SAPI module; name must have been set.  [boot] */
sapi_module_struct *psv_php_module_get(void);

/** name: PHP_SAPI for scripts; static or living as long as the process.  [boot] */
void psv_php_module_set_name(const char *name);
/** Shows the engine another SAPI name, and again the own one.  [boot] */
void psv_php_module_show_name(const char *name);
void psv_php_module_restore_name(void);

/** The extension "phpsrv": our functions and hooks into engine start-up (php_functions.c).  [boot] */
zend_module_entry *psv_php_functions_module(void);
