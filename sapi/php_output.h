/* Output of scripts on its way to the client.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

struct psv_php_thread;

/* Callbacks of the SAPI module.  [worker] */
size_t psv_php_output_write(const char *data, size_t len);
void psv_php_output_flush(void *server_context);

/** No more output: fails the response when its head was lost; the end of its job, which follows at once,
 * completes it otherwise, so that the loop is woken once.  Idempotent.  [worker] */
void psv_php_output_end(struct psv_php_thread *thread);
/** The same, and completes it now: what still has to be done for the request is none of the client's.
 * Idempotent. [worker] */
void psv_php_output_finish(struct psv_php_thread *thread);
