/* Output of scripts on its way to the client.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

struct psv_php_thread;

/* Callbacks of the SAPI module.  [worker] */
size_t psv_php_output_write(const char *data, size_t len);
void psv_php_output_flush(void *server_context);

/** No more output: completes the response (or fails it, when its head was lost).  Idempotent.  [worker] */
void psv_php_output_finish(struct psv_php_thread *thread);
