/* The table of $_SERVER's variables, for php_superglobals.c and php_worker_server.c.  Include php_compat.h
 * first.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct psv_message;

/** Makes the value (a string), or returns false when the variable is absent in this request. */
typedef bool psv_php_variable_fn(const struct psv_message *message, zval *ret_value);

/** How a variable is there for scripts of worker mode that find what FrankenPHP gives them. */
enum psv_php_variable_kind {
    PSV_PHP_ALWAYS, /* in every request */
    PSV_PHP_FIXED,  /* the same; as long as the process lives it does not change */
    PSV_PHP_EMPTY,  /* "" where it is absent elsewhere */
    PSV_PHP_ABSENT, /* not there without a value */
    PSV_PHP_COMPAT, /* only there */
};

struct psv_php_variable {
    const char *name;
    psv_php_variable_fn *value;
    enum psv_php_variable_kind kind;
};

/** All of them, with their interned names.  After start.  [worker] */
const struct psv_php_variable *psv_php_variables_get(zend_string ***ret_names, size_t *ret_len);
/** Its value as FrankenPHP has it, or false.  [worker] */
bool psv_php_variable_compat_value(const struct psv_php_variable *variable, const struct psv_message *message,
                                   zval *ret_value);
/** Adds the request's fields as HTTP_ variables; is_compat: HTTP_CONTENT_TYPE and _LENGTH as well.  [worker]
 */
void psv_php_superglobals_add_fields(HashTable *table, const struct psv_message *message, bool is_compat);
