/* Functions of the extension that are not in php_functions.c, for the compiler.  Include php_compat.h first.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/bytes.h"

ZEND_FUNCTION(phpsrv_finish_request);
ZEND_FUNCTION(headers_send);
ZEND_FUNCTION(phpsrv_request_heartbeat);
ZEND_FUNCTION(phpsrv_handle_request);
ZEND_FUNCTION(phpsrv_log);
ZEND_FUNCTION(phpsrv_is_worker);
ZEND_FUNCTION(phpsrv_on_idle);
ZEND_FUNCTION(phpsrv_metric_counter);
ZEND_FUNCTION(phpsrv_metric_gauge);
ZEND_FUNCTION(phpsrv_metric_histogram);

enum psv_log_level;
/** A line of the log with up to 24 values; may leave an exception of a value's own code.  [worker] */
void psv_php_functions_log(enum psv_log_level level, zend_string *message, HashTable *values);

struct psv_message;
/** An array of the request's fields by name.  [worker] */
void psv_php_functions_request_headers(const struct psv_message *message, zval *ret_fields);
/** The name as scripts look it up: "Content-Type".  A new reference.  [worker] */
zend_string *psv_php_functions_field_name(struct psv_bytes name);
