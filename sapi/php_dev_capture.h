/* From the engine into a report: failures with their traces, notices, names of parameters.  Calls no code of
 * the script.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

struct _zend_string;
struct psv_dev_report;
struct psv_php_thread;

/** A fatal error or an uncaught exception, from inside the engine's error callback.  May bail out when the
 * request's memory is used up: what was noted until then stays. */
void psv_dev_capture_failure(struct psv_dev_report *report, int type, const struct _zend_string *file,
                             uint32_t line, const struct _zend_string *text);

/** Anything less. */
void psv_dev_capture_notice(struct psv_dev_report *report, int type, const struct _zend_string *file,
                            uint32_t line, const struct _zend_string *text);

/** Memory, time, names of $_GET and $_POST. */
void psv_dev_capture_circumstances(struct psv_dev_report *report, const struct psv_php_thread *thread);
