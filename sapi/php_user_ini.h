/* Settings that depend on the request's directory or host: .user.ini files, and the [PATH=] and [HOST=]
 * sections of php.ini.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

struct psv_php_thread;
struct psv_php_user_ini;

/** Inside request startup: applies what holds for this request.  [worker] */
void psv_php_user_ini_activate(struct psv_php_thread *thread);
/** Accepts NULL.  [worker] */
void psv_php_user_ini_free(struct psv_php_user_ini *user_ini);
