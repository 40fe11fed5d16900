/* The head of a response: status and fields, as the sink keeps them until they are posted.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/error.h"
#include "base/text_parse.h"
#include "exec/job.h"
#include "exec/response_sink.h"

/* The promise of a Content-Length field; -1 when its value is no length. */
static int64_t parse_length(struct psv_bytes value)
{
    uint64_t length;

    if (psv_parse_u64(psv_bytes_trim(value), &length) != PSV_OK || length > INT64_MAX) {
        return -1;
    }
    return (int64_t)length;
}

/* Fields and their text in one block: PSV_OK or PSV_ENOMEM.  A Content-Length becomes the promise; one that
 * is no number or contradicts another is no promise. */
static int copy_fields(struct psv_response_sink *sink, const struct psv_field *fields, unsigned fields_len)
{
    size_t text_len = 0;
    unsigned lengths = 0;
    int64_t length = -1;

    for (unsigned i = 0; i < fields_len; i++) {
        text_len += fields[i].name.len + fields[i].value.len;
    }
    if (fields_len == 0) {
        return PSV_OK;
    }
    struct psv_field *copies = psv_arena_alloc(sink->job->arena, fields_len * sizeof(*copies) + text_len);
    if (copies == NULL) {
        return PSV_ENOMEM;
    }
    char *text = (char *)(copies + fields_len);
    unsigned len = 0;
    for (unsigned i = 0; i < fields_len; i++) {
        enum psv_field_id id = psv_field_find(fields[i].name);
        if (id == PSV_FIELD_CONTENT_LENGTH) {
            int64_t promise = parse_length(fields[i].value);
            length = lengths++ == 0 || length == promise ? promise : -1;
            continue;
        }
        struct psv_field *copy = &copies[len++];
        copy->id = id;
        copy->name = (struct psv_bytes){text, fields[i].name.len};
        text = (char *)mempcpy(text, fields[i].name.data, fields[i].name.len);
        copy->value = (struct psv_bytes){text, fields[i].value.len};
        if (fields[i].value.len > 0) {
            text = (char *)mempcpy(text, fields[i].value.data, fields[i].value.len);
        }
    }
    sink->fields = copies;
    sink->fields_len = len;
    sink->content_length = length;
    return PSV_OK;
}

int psv_sink_respond(struct psv_response_sink *sink, unsigned status, const struct psv_field *fields,
                     unsigned fields_len)
{
    if (sink->has_head || sink->state == PSV_SINK_FINISHED) {
        return PSV_EEXIST;
    }
    if (status < 200 || status > 999) {
        return PSV_EINVAL;
    }
    int code = copy_fields(sink, fields, fields_len);
    if (code == PSV_OK) {
        sink->status = status;
        sink->has_head = true;
    }
    return code;
}

int psv_sink_discard(struct psv_response_sink *sink)
{
    if (sink->state != PSV_SINK_OPEN || sink->head_is_posted) {
        return PSV_EEXIST;
    }
    psv_response_body_fini(&sink->part.body);
    psv_sink_init_part(sink, &sink->part);
    sink->failure = PSV_OK;
    sink->has_head = false;
    sink->status = 0;
    sink->fields = NULL; /* they stay on the job's arena until its end */
    sink->fields_len = 0;
    sink->content_length = -1;
    sink->written_bytes = 0;
    return PSV_OK;
}
