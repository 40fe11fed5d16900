/* Development mode on PHP's side: notes errors while a request runs, and puts the development page in the
 * place of a response that ended by one.  Nothing of it is installed without --dev.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

struct psv_php_thread;

/** From MINIT, after psv_php_error_on_module_init.  Does nothing unless the settings say development.  [boot]
 */
void psv_php_dev_on_module_init(void);

/** Before the response is finished: shows the page if the script has failed and nobody else has answered.
 * Reads texts only, touches nothing of the engine.  [worker] */
void psv_php_dev_answer(struct psv_php_thread *thread);

/** The request is over.  [worker] */
void psv_php_dev_forget(struct psv_php_thread *thread);
