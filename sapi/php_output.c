/* Takes what passed PHP's output buffers and writes it to the job.  [worker]
 * Knows nothing of header fields: PHP sends them before the first byte (php_headers.c).
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_output.h"

#include <unistd.h>

#include "observe/log.h"
#include "php_dev.h"
#include "php_thread.h"
#include "php_worker.h"
#include "phpsrv/message.h"

/** PHP prints some start-up errors as output, before there is any request. */
static size_t write_to_stderr(const char *data, size_t len)
{
    ssize_t count = write(STDERR_FILENO, data, len);
    return count < 0 ? 0 : (size_t)count;
}

static void say_output_failed(struct psv_php_thread *thread, int rc)
{
    if (thread->output_has_failed)
        return;
    thread->output_has_failed = true;
    PSV_LOG(PSV_LOG_ERROR, "php.output_failed", PSV_LOG_BYTES("request_id", thread->message->request_id),
            PSV_LOG_BYTES("script", thread->message->script_filename),
            PSV_LOG_TEXT("reason", psv_error_text(rc)));
}

size_t psv_php_output_write(const char *data, size_t len)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    if (thread == NULL)
        return write_to_stderr(data, len);
    if (psv_php_is_forked_child())
        return len; /* the response is the parent's */
    if (UNLIKELY(thread->job == NULL))
        return psv_php_worker_log_output(thread, data, len);
    int rc = psv_job_write(thread->job, data, len);
    if (LIKELY(rc == PSV_OK))
        return len;
    if (rc != PSV_EGONE)
        say_output_failed(thread, rc);
    php_handle_aborted_connection(); /* does not return unless the script ignores aborts */
    return 0;
}

void psv_php_output_flush(void *server_context)
{
    struct psv_php_thread *thread = server_context;
    if (thread == NULL || thread->job == NULL || psv_php_is_forked_child())
        return;
    (void)sapi_send_headers();
    if (thread->head_is_lost)
        return;
    int rc = psv_job_flush(thread->job);
    if (rc == PSV_OK)
        return;
    if (rc != PSV_EGONE)
        say_output_failed(thread, rc);
    php_handle_aborted_connection();
}

void psv_php_output_end(struct psv_php_thread *thread)
{
    if (psv_php_is_forked_child())
        return;
    if (UNEXPECTED(psv_job_wants_usage(thread->job)))
        psv_job_note_memory(thread->job, zend_memory_peak_usage(false));
    if (UNLIKELY(thread->dev != NULL))
        psv_php_dev_answer(thread);
    if (thread->head_is_lost || thread->output_has_failed)
        psv_job_fail(thread->job);
}

void psv_php_output_finish(struct psv_php_thread *thread)
{
    psv_php_output_end(thread);
    if (!psv_php_is_forked_child())
        psv_job_finish(thread->job); /* nothing, when it has failed */
}
