/* From PHP's list of header lines to the response's head.  Include php_compat.h first.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/** Callback of the SAPI module: sets the head once; a SAPI_HEADER_... code.  [worker] */
int psv_php_headers_send(sapi_headers_struct *headers);

struct psv_php_thread;

/** Sends the fields that are set now with an informational status; the list stays.  As psv_job_inform.
 * [worker] */
MUST_CHECK int psv_php_headers_inform(struct psv_php_thread *thread, unsigned status);
