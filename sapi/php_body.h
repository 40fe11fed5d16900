/* The request body as the stream that php://input and PHP's parser of forms read: of the job's own memory,
 * where PHP would copy it to a stream of its own, and past 16 KiB to a file.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

struct psv_php_thread;

/** After the modules' startup: for bodies whose type PHP has no parser for.  [boot] */
void psv_php_body_on_started(void);
/** For forms, on a thread that has just become one of PHP's.  [worker] */
void psv_php_body_thread_start(void);
/** For bodies that PHP has not read yet, at the end of sapi_activate().  [worker] */
void psv_php_body_on_activate(struct psv_php_thread *thread);
/** PHP reads it block by block after all: php://input is empty from here on, as it is after that.  [worker]
 */
void psv_php_body_on_read(void);
/** The job ends, its script goes on: streams of its body that could not be closed have a copy of it from here
 * on.  [worker] */
void psv_php_body_detach(void);
/** The engine's request has ended, and streams with its memory, also those that nobody could close.  [worker]
 */
void psv_php_body_forget(void);
