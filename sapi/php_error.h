/* PHP's messages on their way to the server's log.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/** Callback of the SAPI module: a message, with the level that syslog would get.  Not called when the ini
 * setting error_log names a file: then PHP writes there.  [worker], [boot] */
void psv_php_error_log(const char *message, int syslog_level);

/** Makes display_errors=stderr mean standard error; from MINIT.  [boot] */
void psv_php_error_on_module_init(void);
