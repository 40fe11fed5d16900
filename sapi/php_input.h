/* What PHP reads of a request by itself: SG(request_info), the body, the cookies, credentials.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

struct psv_php_thread;

/** Before request startup: points SG(request_info) at the request.  [worker] */
void psv_php_input_fill_request_info(struct psv_php_thread *thread);
/** Gives PHP the Authorization field; allocates, so inside a zend_try.  [worker] */
void psv_php_input_take_credentials(struct psv_php_thread *thread);
/** After the request: nothing of it may be reachable.  [worker] */
void psv_php_input_clear_request_info(void);

/* Callbacks of the SAPI module.  [worker] */
size_t psv_php_input_read(char *out, size_t len);
char *psv_php_input_cookies(void);
