/* $_SERVER.  The other superglobals are PHP's own work.  Include php_compat.h first.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/** Interns the names and the values that never change, and lets filter_input(INPUT_SERVER) work; from MINIT.
 * [boot] */
void psv_php_superglobals_on_module_init(void);

/** Callback of the SAPI module: fills $_SERVER.  PHP calls it when a script first mentions it.  [worker] */
void psv_php_superglobals_fill_server(zval *array);

/** getenv(): a variable of the request by its name, as under CGI; the process's environment is looked at
 * afterwards. Borrowed until the next call or the end of the request; NULL when the request has no such
 * variable.  [worker] */
char *psv_php_superglobals_getenv(const char *name, size_t len);
