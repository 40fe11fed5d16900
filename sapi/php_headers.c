/* Turns PHP's header lines into response fields: splits, checks, and leaves out what belongs to the
 * connection and not to the application.  The status is the number that PHP keeps, never a line that is read
 * again.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_headers.h"

#include "base/arena.h"
#include "base/text_parse.h"
#include "exec/job.h"
#include "observe/log.h"
#include "php_thread.h"
#include "phpsrv/message.h"

#define STACK_FIELDS 48

static void say_dropped(struct psv_php_thread *thread, struct psv_bytes name, const char *reason)
{
    PSV_LOG(PSV_LOG_WARN, "php.field_dropped", PSV_LOG_BYTES("request_id", thread->message->request_id),
            PSV_LOG_BYTES("script", thread->message->script_filename), PSV_LOG_BYTES("field", name),
            PSV_LOG_TEXT("reason", reason));
}

/** RFC 9110 7.6.1: fields about the connection, which is the server's. */
static bool is_hop_by_hop(enum psv_field_id id)
{
    return id == PSV_FIELD_CONNECTION || id == PSV_FIELD_KEEP_ALIVE || id == PSV_FIELD_PROXY_CONNECTION ||
           id == PSV_FIELD_TRANSFER_ENCODING || id == PSV_FIELD_UPGRADE || id == PSV_FIELD_TE ||
           id == PSV_FIELD_TRAILER;
}

/** Some applications send such a field with every response: said once. */
static void say_hop_by_hop(struct psv_php_thread *thread, struct psv_bytes name)
{
    static atomic_flag is_said = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&is_said))
        say_dropped(thread, name, "belongs to the connection, which is the server's (said once)");
}

/** "Status: 404 Not Found" is how CGI programs set the status; php-fpm's web server obeys it. */
static void take_status_field(const sapi_headers_struct *headers, struct psv_bytes value, unsigned *status)
{
    uint64_t number;
    struct psv_bytes digits = psv_bytes_first(value, 3);
    if (headers->http_status_line == NULL && digits.len == 3 && psv_parse_u64(digits, &number) == PSV_OK)
        *status = (unsigned)number;
}

static unsigned valid_status(struct psv_php_thread *thread, int code)
{
    if (code >= 200 && code <= 999)
        return (unsigned)code;
    PSV_LOG(PSV_LOG_WARN, "php.status_invalid", PSV_LOG_BYTES("request_id", thread->message->request_id),
            PSV_LOG_BYTES("script", thread->message->script_filename), PSV_LOG_I64("status", code));
    return 500;
}

/** False when the line is no field for the client. */
static bool split_line(struct psv_php_thread *thread, const sapi_header_struct *line,
                       struct psv_field *ret_field)
{
    struct psv_bytes text = {line->header, line->header_len};
    size_t colon = psv_bytes_find(text, ':');
    struct psv_bytes name = psv_bytes_trim(psv_bytes_first(text, colon));
    struct psv_bytes value = psv_bytes_trim(psv_bytes_from(text, colon + 1));
    if (colon == text.len || !psv_field_name_is_valid(name)) {
        if (text.len > 0)
            say_dropped(thread, name, "no field name");
        return false;
    }
    if (!psv_field_value_is_valid(value)) {
        say_dropped(thread, name, "control byte in the value");
        return false;
    }
    *ret_field = (struct psv_field){.name = name, .value = value, .id = psv_field_find(name)};
    if (is_hop_by_hop(ret_field->id)) {
        say_hop_by_hop(thread, name);
        return false;
    }
    return true;
}

/** The line that PHP itself has added (expose_php), not one that an application has chosen. */
static bool is_of_runtime(const sapi_header_struct *line)
{
    return psv_bytes_equal((struct psv_bytes){line->header, line->header_len},
                           psv_bytes_of(SAPI_PHP_VERSION_HEADER));
}

static unsigned collect(struct psv_php_thread *thread, sapi_headers_struct *headers, struct psv_field *fields,
                        unsigned *status)
{
    unsigned count = 0;
    zend_llist_position position;
    const sapi_header_struct *line = zend_llist_get_first_ex(&headers->headers, &position);
    for (; line != NULL; line = zend_llist_get_next_ex(&headers->headers, &position)) {
        if (thread->message->hides_runtime && is_of_runtime(line))
            continue;
        if (!split_line(thread, line, &fields[count]))
            continue;
        if (fields[count].id == PSV_FIELD_STATUS)
            take_status_field(headers, fields[count].value, status);
        else
            count++;
    }
    return count;
}

/** RFC 9110 15.4.5: a 304 describes nothing new; PHP adds its default type to every response. */
static unsigned drop_content_type(struct psv_field *fields, unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        if (fields[i].id != PSV_FIELD_CONTENT_TYPE)
            fields[kept++] = fields[i];
    }
    return kept;
}

int psv_php_headers_send(sapi_headers_struct *headers)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    if (thread == NULL || thread->job == NULL || psv_php_is_forked_child() || SG(request_info).no_headers)
        return SAPI_HEADER_SENT_SUCCESSFULLY;

    struct psv_field on_stack[STACK_FIELDS];
    struct psv_field *fields = on_stack;
    size_t max = zend_llist_count(&headers->headers);
    if (max > STACK_FIELDS)
        fields = psv_arena_alloc(thread->job->arena, max * sizeof(*fields));

    int rc = PSV_ENOMEM;
    if (fields != NULL) {
        unsigned status = valid_status(thread, headers->http_response_code);
        unsigned count = collect(thread, headers, fields, &status);
        if (status == 304)
            count = drop_content_type(fields, count);
        rc = psv_job_respond(thread->job, valid_status(thread, (int)status), fields, count);
    }
    if (rc != PSV_OK && rc != PSV_EEXIST && rc != PSV_EGONE) {
        thread->head_is_lost = true;
        PSV_LOG(PSV_LOG_ERROR, "php.head_lost", PSV_LOG_BYTES("request_id", thread->message->request_id),
                PSV_LOG_TEXT("reason", psv_error_text(rc)));
    }
    return SAPI_HEADER_SENT_SUCCESSFULLY;
}

int psv_php_headers_inform(struct psv_php_thread *thread, unsigned status)
{
    sapi_headers_struct *headers = &SG(sapi_headers);
    size_t max = zend_llist_count(&headers->headers);
    struct psv_field *fields = psv_arena_alloc(thread->job->arena, (max + 1) * sizeof(*fields));
    unsigned ignored_status = status;
    if (fields == NULL)
        return PSV_ENOMEM;
    unsigned count = collect(thread, headers, fields, &ignored_status);
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        if (fields[i].id != PSV_FIELD_CONTENT_LENGTH) /* RFC 9110 8.6: not in a 1xx */
            fields[kept++] = fields[i];
    }
    return psv_job_inform(thread->job, status, fields, kept);
}
