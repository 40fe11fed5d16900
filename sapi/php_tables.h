/* The engine's tables of functions and modules: what several files of this folder take from them.  Include
 * php_compat.h first.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/** Puts handler in the place of one of PHP's own functions; returns that, for handler to go on with.  NULL:
 * PHP has no such function.  [boot] */
zif_handler psv_php_replace_function(const char *name, zif_handler handler);

/** NULL: not loaded.  [boot] from MINIT on, [any] */
const zend_module_entry *psv_php_find_module(const char *name);
/** What the module does at a request's begin and end, if anything.  Accept NULL.  [worker] */
void psv_php_start_module(const zend_module_entry *module);
void psv_php_stop_module(const zend_module_entry *module);
