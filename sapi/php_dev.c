/* See php_dev.h.  The application's own handlers go first: what set_error_handler() and
 * set_exception_handler() take never comes here, and what a shutdown function answers is left alone.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_dev.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "exec/job.h"
#include "http/accept.h"
#include "http/status.h"
#include "php_dev_capture.h"
#include "php_dev_page.h"
#include "php_dev_report.h"
#include "php_engine.h"
#include "php_request.h"
#include "php_thread.h"
#include "phpsrv/message.h"

#define FATAL_ERRORS (E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR)
/* A shutdown function that prints less is no error page but a comment, a timing, a closing tag. */
#define OWN_PAGE_BYTES_MIN 64
/* Of the page: its own and what it keeps of the script's. */
#define FIELDS_MAX 14
#define PAGE_BYTES_MAX (4u * 1024u * 1024u)

static void (*next_error_cb)(int type, zend_string *file, const uint32_t line, zend_string *message);

static struct psv_dev_report *report_of(struct psv_php_thread *thread)
{
    if (thread->dev == NULL) {
        thread->dev = psv_calloc(1, sizeof(*thread->dev));
        if (thread->dev != NULL)
            psv_arena_init(&thread->dev->arena, PSV_DEV_REPORT_BYTES_MAX);
    }
    return thread->dev;
}

/* What can still be said in a response. */
enum kind {
    KIND_OPEN, /* nothing is sent yet: anything */
    KIND_HTML, /* more of the same */
    KIND_TEXT,
    KIND_CLOSED, /* nothing that would not spoil it */
};

static enum kind kind_of_response(const struct psv_response_sink *sink)
{
    struct psv_bytes type = PSV_BYTES_EMPTY;
    if (!sink->head_is_posted)
        return KIND_OPEN;
    for (unsigned i = 0; i < sink->fields_len; i++) {
        if (sink->fields[i].id == PSV_FIELD_CONTENT_TYPE)
            type = sink->fields[i].value;
        /* the script's own; with an encoder it is the server's, and the body goes in as it is */
        if (sink->fields[i].id == PSV_FIELD_CONTENT_ENCODING && sink->encoder == NULL)
            return KIND_CLOSED;
    }
    if (psv_bytes_starts_with_case(type, PSV_BYTES("text/html")))
        return KIND_HTML;
    return psv_bytes_starts_with_case(type, PSV_BYTES("text/plain")) ? KIND_TEXT : KIND_CLOSED;
}

/* ---- while the request runs */

static void measure_output(struct psv_dev_report *report, const struct psv_php_thread *thread)
{
    php_output_handler **handlers = zend_stack_base(&OG(handlers));
    int count = zend_stack_count(&OG(handlers));
    report->is_measured = true;
    report->output_bytes = thread->job->sink.written_bytes;
    for (int i = 0; i < count; i++) {
        report->output_bytes += handlers[i]->buffer.used;
        report->is_measured &= zend_string_equals_literal(handlers[i]->name, "default output handler");
    }
}

struct fatal {
    struct psv_php_thread *thread;
    int type;
    const zend_string *file;
    uint32_t line;
    const zend_string *text;
};

static void capture(void *context)
{
    const struct fatal *fatal = context;
    psv_dev_capture_failure(fatal->thread->dev, fatal->type, fatal->file, fatal->line, fatal->text);
}

static void note_failure(struct psv_php_thread *thread, const struct fatal *fatal)
{
    struct psv_dev_report *report = thread->dev;
    psv_dev_capture_circumstances(report, thread);
    (void)psv_php_request_try(capture, (void *)(uintptr_t)fatal);
    measure_output(report, thread);
    report->header_calls = 0;
    report->has_status_line = SG(sapi_headers).http_status_line != NULL;
    /* the page says it better, and in the right place */
    report->hides_display = PG(display_errors) != 0 && kind_of_response(&thread->job->sink) != KIND_CLOSED;
    if (report->hides_display) {
        const zend_ini_entry *entry = zend_hash_str_find_ptr(EG(ini_directives), ZEND_STRL("display_errors"));
        /* what the script has set, PHP puts back by itself */
        report->display_before = entry != NULL && entry->modified ? -1 : PG(display_errors);
        PG(display_errors) = 0;
    }
    if (!SG(headers_sent) && SG(sapi_headers).http_response_code == 200)
        SG(sapi_headers).http_response_code = 500;
    report->status = SG(sapi_headers).http_response_code;
}

static void on_error(int type, zend_string *file, const uint32_t line, zend_string *message)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    bool is_of_request = thread != NULL && thread->job != NULL && !psv_php_is_forked_child();
    bool is_fatal = (type & FATAL_ERRORS) != 0;
    bool is_told = is_fatal || (EG(error_handling) != EH_THROW && (EG(error_reporting) & type & E_ALL) != 0);
    if (is_of_request && is_told && report_of(thread) != NULL) {
        const struct fatal fatal = {thread, type, file, line, message};
        if (is_fatal && thread->dev->failures_len == 0)
            note_failure(thread, &fatal);
        else
            psv_dev_capture_notice(thread->dev, type, file, line, message);
    }
    next_error_cb(type, file, line, message);
}

/** header() after the failure: a handler is answering. */
static int on_header(sapi_header_struct *header, sapi_header_op_enum op, sapi_headers_struct *headers)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    /* PHP's own, at the very end */
    bool is_default = headers->send_default_content_type && op == SAPI_HEADER_ADD &&
                      psv_bytes_starts_with_case((struct psv_bytes){header->header, header->header_len},
                                                 PSV_BYTES("Content-Type:"));
    if (thread != NULL && thread->dev != NULL && !is_default)
        thread->dev->header_calls++;
    return SAPI_HEADER_ADD;
}

void psv_php_dev_on_module_init(void)
{
    if (!psv_php_engine_settings()->is_dev)
        return;
    next_error_cb = zend_error_cb;
    zend_error_cb = on_error;
    sapi_module.header_handler = on_header;
}

/* ---- at its end */

static bool was_answered(const struct psv_dev_report *report, const struct psv_response_sink *sink)
{
    if (report->header_calls > 0 || (int)sink->status != report->status)
        return true;
    return report->is_measured && (sink->written_bytes < report->output_bytes ||
                                   sink->written_bytes >= report->output_bytes + OWN_PAGE_BYTES_MIN);
}

static struct psv_headers fields_of(const struct psv_message *message)
{
    return (struct psv_headers){.items = (struct psv_field *)(uintptr_t)message->fields,
                                .len = message->fields_len,
                                .capacity = message->fields_len,
                                .max_len = message->fields_len};
}

static struct psv_field field(enum psv_field_id id, struct psv_bytes value)
{
    return (struct psv_field){.name = psv_field_name(id), .value = value, .id = id};
}

/** What lets a page of another origin read the answer stays: its developer would see a riddle instead. */
static unsigned add_cross_origin_fields(const struct psv_response_sink *sink, struct psv_field *fields,
                                        unsigned len, unsigned max)
{
    for (unsigned i = 0; i < sink->fields_len && len < max; i++) {
        if (psv_bytes_starts_with_case(sink->fields[i].name, PSV_BYTES("Access-Control-")))
            fields[len++] = sink->fields[i]; /* on the job's arena: they outlive the response */
    }
    return len;
}

static unsigned fill_fields(const struct psv_response_sink *sink, enum psv_accept_form form,
                            struct psv_field fields[FIELDS_MAX])
{
    static const struct psv_bytes types[] = {
        [PSV_ACCEPT_PLAIN] = PSV_BYTES_INIT("text/plain; charset=UTF-8"),
        [PSV_ACCEPT_HTML] = PSV_BYTES_INIT("text/html; charset=UTF-8"),
        [PSV_ACCEPT_JSON] = PSV_BYTES_INIT("application/problem+json"),
    };
    const struct psv_field own[] = {
        field(PSV_FIELD_CONTENT_TYPE, types[form]),
        field(PSV_FIELD_CACHE_CONTROL, PSV_BYTES("no-store")),
        field(PSV_FIELD_VARY, PSV_BYTES("Accept")),
        {.name = PSV_BYTES_INIT("Content-Security-Policy"),
         .value = PSV_BYTES_INIT("default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; "
                                 "connect-src 'self'; base-uri 'none'; form-action 'none'")},
        {.name = PSV_BYTES_INIT("X-Content-Type-Options"), .value = PSV_BYTES_INIT("nosniff")},
    };
    _Static_assert(ARRAY_SIZE(own) < FIELDS_MAX, "there is room for others");
    memcpy(fields, own, sizeof(own));
    return add_cross_origin_fields(sink, fields, ARRAY_SIZE(own), FIELDS_MAX);
}

static void replace(struct psv_php_thread *thread, struct psv_buffer *page)
{
    struct psv_headers headers = fields_of(thread->message);
    enum psv_accept_form form = psv_accept_choose(&headers);
    struct psv_field fields[FIELDS_MAX];
    unsigned fields_len = fill_fields(&thread->job->sink, form, fields);
    if (form == PSV_ACCEPT_HTML)
        psv_dev_page_html(thread->dev, page);
    else if (form == PSV_ACCEPT_JSON)
        psv_dev_page_json(thread->dev, page);
    else
        psv_dev_page_text(thread->dev, page);
    if (page->len == 0 || psv_job_discard(thread->job) != PSV_OK)
        return;
    if (psv_job_respond(thread->job, 500, fields, fields_len) == PSV_OK)
        (void)!psv_job_write(thread->job, page->data, page->len);
    thread->head_is_lost = false;
    thread->output_has_failed = false;
}

/** Part of the response is with the client: what was to come is followed by a visible note. */
static void append(struct psv_php_thread *thread, struct psv_buffer *page)
{
    enum kind kind = kind_of_response(&thread->job->sink);
    if (kind == KIND_HTML)
        psv_dev_page_fragment(thread->dev, page);
    else if (kind == KIND_TEXT)
        psv_dev_page_text(thread->dev, page);
    if (page->len > 0)
        (void)!psv_job_write(thread->job, page->data, page->len);
}

void psv_php_dev_answer(struct psv_php_thread *thread)
{
    struct psv_dev_report *report = thread->dev;
    struct psv_buffer page;
    if (report == NULL || report->failures_len == 0 || thread->is_finished || psv_job_is_gone(thread->job))
        return;
    const struct psv_response_sink *sink = &thread->job->sink;
    if (was_answered(report, sink))
        return;
    psv_buffer_init(&page, PAGE_BYTES_MAX);
    if (sink->head_is_posted)
        append(thread, &page);
    else
        replace(thread, &page);
    psv_buffer_fini(&page);
    report->failures_len = 0; /* once */
}

void psv_php_dev_forget(struct psv_php_thread *thread)
{
    struct psv_dev_report *report = thread->dev;
    thread->dev = NULL;
    if (report == NULL)
        return;
    if (report->hides_display && report->display_before >= 0)
        PG(display_errors) = (zend_uchar)report->display_before;
    psv_arena_fini(&report->arena);
    psv_free(report);
}
