/* The class Phpsrv\Request.  Include php_compat.h first.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

struct psv_message;

/** From MINIT.  [boot] */
void psv_php_worker_request_on_module_init(void);
/** Makes the object of a request.  [worker] */
void psv_php_worker_request_make(const struct psv_message *message, zval *ret_object);
