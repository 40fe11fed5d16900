/* Hands the request to PHP.  All texts live on the job's arena or in the job, and end with it.  [worker]
 * $_GET, $_POST, $_FILES and php://input are PHP's own work on top of this; $_SERVER is in
 * php_superglobals.c.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_input.h"

#include "base/arena.h"
#include "exec/job.h"
#include "php_body.h"
#include "php_thread.h"
#include "phpsrv/message.h"

/** The bytes with a NUL after them.  PHP declares its pointers writable but does not write (it copies first).
 */
static char *terminated(struct psv_php_thread *thread, struct psv_bytes text)
{
    if (text.data == NULL)
        return NULL;
    return (char *)(uintptr_t)psv_arena_copy(thread->job->arena, text).data;
}

/** PHP compares the method's text only. */
static const char *method_text(struct psv_php_thread *thread, struct psv_bytes method)
{
    if (psv_bytes_equal(method, PSV_BYTES("GET")))
        return "GET";
    if (psv_bytes_equal(method, PSV_BYTES("POST")))
        return "POST";
    if (psv_bytes_equal(method, PSV_BYTES("HEAD")))
        return "HEAD";
    return terminated(thread, method);
}

void psv_php_input_fill_request_info(struct psv_php_thread *thread)
{
    const struct psv_message *message = thread->message;
    sapi_request_info *info = &SG(request_info);
    info->request_method = method_text(thread, message->method);
    info->query_string = terminated(thread, message->query);
    info->request_uri = (char *)(uintptr_t)message->script_name.data;
    info->path_translated = (char *)(uintptr_t)message->script_filename.data;
    info->content_type = message->content_type.data;
    info->content_length = (zend_long)message->content_length;
    info->cookie_data = NULL;
    info->auth_user = NULL;
    info->auth_password = NULL;
    info->auth_digest = NULL;
    info->argc = 0;
    info->argv = NULL;
}

void psv_php_input_take_credentials(struct psv_php_thread *thread)
{
    const struct psv_message *message = thread->message;
    for (unsigned i = 0; i < message->fields_len; i++) {
        if (message->fields[i].id == PSV_FIELD_AUTHORIZATION) {
            (void)php_handle_auth_data(terminated(thread, message->fields[i].value));
            return;
        }
    }
}

void psv_php_input_clear_request_info(void)
{
    sapi_request_info *info = &SG(request_info);
    info->request_method = NULL;
    info->query_string = NULL;
    info->request_uri = NULL;
    info->path_translated = NULL;
    info->content_type = NULL;
    info->content_length = 0;
    info->cookie_data = NULL;
}

size_t psv_php_input_read(char *out, size_t len)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    if (thread == NULL || thread->job == NULL || psv_php_is_forked_child())
        return 0;
    psv_php_body_on_read();
    return psv_job_body_read(thread->job, out, len);
}

char *psv_php_input_cookies(void)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    const struct psv_message *message = thread->message;
    struct psv_bytes cookies = PSV_BYTES_EMPTY;
    unsigned count = 0;
    for (unsigned i = 0; i < message->fields_len; i++) {
        if (message->fields[i].id != PSV_FIELD_COOKIE)
            continue;
        cookies = message->fields[i].value;
        count++;
    }
    if (count == 0)
        return NULL;
    if (count > 1) { /* HTTP/2 clients may send each cookie in a field of its own (RFC 9113 8.2.3) */
        const struct psv_headers fields = {
            .items = (struct psv_field *)(uintptr_t)message->fields,
            .len = message->fields_len,
        };
        cookies = psv_headers_join(&fields, thread->job->arena, PSV_FIELD_COOKIE, PSV_BYTES("; "));
    }
    return terminated(thread, cookies);
}
