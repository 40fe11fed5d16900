/* See php_body.h.  [worker]
 *
 * As sapi_read_standard_form_data of main/SAPI.c, and php_stream_temp of main/streams/memory.c, which stay in
 * charge of what is too large or empty.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_body.h"

#include <php_content_types.h>

#include "base/bytes.h"
#include "php_thread.h"
#include "phpsrv/message.h"

struct body {
    struct psv_bytes bytes; /* of the job, or kept */
    char *kept;             /* NULL: nothing so far */
    size_t position;
    bool is_unread; /* by PHP itself, which may still do it */
    struct body *next;
};

/* Those of this thread that are open: one, but for scripts that call request_parse_body(). */
static _Thread_local struct body *open_bodies;

static ssize_t read_body(php_stream *stream, char *out, size_t len)
{
    struct body *body = stream->abstract;
    size_t part = MIN(len, body->bytes.len - MIN(body->position, body->bytes.len));
    if (part == 0) {
        stream->eof = 1;
        return 0;
    }
    memcpy(out, body->bytes.data + body->position, part);
    body->position += part;
    return (ssize_t)part;
}

/* Beyond the end is a place, before the beginning is none. */
static int seek_body(php_stream *stream, zend_off_t offset, int whence, zend_off_t *ret_position)
{
    struct body *body = stream->abstract;
    zend_off_t base = whence == SEEK_END ? (zend_off_t)body->bytes.len
                                         : (whence == SEEK_CUR ? (zend_off_t)body->position : 0);
    if (offset < -base) {
        *ret_position = (zend_off_t)body->position;
        return -1;
    }
    body->position = (size_t)base + (size_t)offset;
    *ret_position = (zend_off_t)body->position;
    stream->eof = 0;
    stream->fatal_error = 0;
    return 0;
}

static int close_body(php_stream *stream, int close_handle)
{
    struct body *body = stream->abstract;
    struct body **place = &open_bodies;
    (void)close_handle;
    while (*place != NULL && *place != body)
        place = &(*place)->next;
    if (*place != NULL)
        *place = body->next;
    if (body->kept != NULL)
        efree(body->kept);
    efree(body);
    return 0;
}

static const php_stream_ops body_ops = {
    .read = read_body,
    .close = close_body,
    .label = "phpsrv body",
    .seek = seek_body,
};

static void open_body(struct psv_bytes bytes, bool is_unread)
{
    struct body *body = emalloc(sizeof(*body));
    *body = (struct body){.bytes = bytes, .is_unread = is_unread, .next = open_bodies};
    php_stream *stream = php_stream_alloc(&body_ops, body, NULL, "rb");
    stream->flags |= PHP_STREAM_FLAG_NO_BUFFER; /* it is memory already */
    open_bodies = body;
    SG(request_info).request_body = stream;
    SG(post_read) = 1; /* php://input looks no further */
}

static void read_post_data(void)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    zend_long max = PSV_PHP_POST_MAX_SIZE;
    bool is_too_large = max > 0 && SG(request_info).content_length > max;
    if (!is_too_large && thread != NULL && thread->job != NULL && !psv_php_is_forked_child()) {
        struct psv_bytes rest = psv_job_body_rest(thread->job);
        if (rest.len > 0) {
            open_body(rest, false);
            SG(read_post_bytes) += (int64_t)rest.len;
            return;
        }
    }
    sapi_read_standard_form_data();
}

/* php_default_post_reader of main/php_content_types.c */
static void read_other_post_data(void)
{
    if (strcmp(SG(request_info).request_method, "POST") == 0 && SG(request_info).post_entry == NULL)
        read_post_data();
}

void psv_php_body_on_started(void)
{
    if (sapi_module.default_post_reader == php_default_post_reader)
        (void)sapi_register_default_post_reader(read_other_post_data);
}

void psv_php_body_thread_start(void)
{
    sapi_post_entry *entry;
    ZEND_HASH_MAP_FOREACH_PTR(&SG(known_post_content_types), entry)
    {
        if (entry->post_reader == sapi_read_standard_form_data)
            entry->post_reader = read_post_data;
    }
    ZEND_HASH_FOREACH_END();
}

void psv_php_body_on_activate(struct psv_php_thread *thread)
{
    /* a form that was too large would be parsed after all */
    const bool is_form = SG(request_info).post_entry != NULL;
    if (thread->job == NULL || SG(request_info).request_body != NULL || is_form ||
        thread->message->content_length <= 0)
        return;
    open_body(psv_job_body_rest(thread->job), true);
    psv_job_body_rewind(thread->job);
}

void psv_php_body_on_read(void)
{
    for (struct body *body = open_bodies; body != NULL; body = body->next) {
        if (body->is_unread)
            body->bytes = PSV_BYTES_EMPTY;
    }
}

void psv_php_body_detach(void)
{
    for (struct body *body = open_bodies; body != NULL; body = body->next) {
        if (body->bytes.len == 0)
            continue;
        body->kept = emalloc(body->bytes.len);
        body->bytes.data = memcpy(body->kept, body->bytes.data, body->bytes.len);
    }
    open_bodies = NULL; /* streams that are left close without it */
}

void psv_php_body_forget(void)
{
    open_bodies = NULL;
}
