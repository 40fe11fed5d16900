/* From PHP's list of header lines to the response's head.  Include php_compat.h first.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/** Callback of the SAPI module: sets the head once; a SAPI_HEADER_... code.  [worker] */
int psv_php_headers_send(sapi_headers_struct *headers);
