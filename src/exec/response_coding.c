/* See response_coding.h.
 *
 * SPDX-License-Identifier: MIT */
#include "response_coding.h"

#include "base/error.h"
#include "exec/job.h"
#include "exec/response_memory.h"
#include "http/content_coding.h"
#include "os/fd.h"

/* Bodies in files are encoded in portions of this size. */
#define ENCODE_BLOCK_BYTES ((size_t)16 * 1024)

static struct psv_bytes field_value(const struct psv_response_sink *sink, enum psv_field_id id)
{
    for (unsigned i = 0; i < sink->fields_len; i++) {
        if (sink->fields[i].id == id) {
            return sink->fields[i].value;
        }
    }
    return PSV_BYTES_EMPTY;
}

/* Just before the head is posted, and before the coding is decided.  A body whose length was promised before
 * it is there stays as it is. */
static void decide_injection(struct psv_response_sink *sink, bool is_complete, uint64_t len)
{
    const struct psv_body_injection *injection = sink->injection;

    if (injection == NULL || (!is_complete && sink->content_length >= 0) ||
        !injection->takes(injection, sink->job->message.target, sink->status, sink->fields, sink->fields_len,
                          len) ||
        psv_coding_weaken(sink->job->arena, sink->fields, sink->fields_len, &sink->fields,
                          &sink->fields_len) != PSV_OK) {
        return;
    }
    if (sink->job->message.is_head) {
        sink->is_encoded = true; /* its length is not told */
    } else {
        sink->injector = injection->begin(injection);
    }
}

/* Just before the head is posted: what the body will be.  len: the body's when it is complete.  Without
 * memory it stays as it is. */
void psv_sink_decide_coding(struct psv_response_sink *sink, bool is_complete, uint64_t len)
{
    const struct psv_body_filter *filter = sink->filter;

    decide_injection(sink, is_complete, len);
    if (filter == NULL) {
        return;
    }
    switch (psv_coding_judge(sink->status, sink->fields, sink->fields_len)) {
    case PSV_CODING_FORBIDDEN:
    case PSV_CODING_DONE:
        return;
    case PSV_CODING_UNWANTED:
        (void)!psv_coding_drop_identity(sink->job->arena, sink->fields, sink->fields_len, &sink->fields,
                                        &sink->fields_len);
        return;
    case PSV_CODING_ALLOWED:
        break;
    }
    if (!filter->takes_type(filter, field_value(sink, PSV_FIELD_CONTENT_TYPE)) ||
        (is_complete && len < filter->min_bytes)) {
        return;
    }
    /* a length that was promised before the body is there is that of the plain form */
    bool encodes = filter->coding.len > 0 && (is_complete || sink->content_length < 0);
    bool is_head = sink->job->message.is_head;
    if (encodes && !is_head) {
        /* with the script in it the page becomes longer, and encoders are particular about that */
        sink->encoder = filter->begin(filter, is_complete && sink->injector == NULL ? len : 0);
        encodes = sink->encoder != NULL;
    }
    if (psv_coding_rewrite(sink->job->arena, sink->fields, sink->fields_len,
                           encodes ? filter->coding : PSV_BYTES_EMPTY, &sink->fields,
                           &sink->fields_len) != PSV_OK) {
        sink->encoder = NULL;
        return;
    }
    sink->is_encoded |= encodes;
}

bool psv_sink_gains_by_its_end(const struct psv_response_sink *sink)
{
    const struct psv_body_filter *filter = sink->filter;

    if (sink->content_length < 0) {
        return false;
    }
    return sink->injection != NULL ||
           (filter != NULL && filter->coding.len > 0 &&
            psv_coding_judge(sink->status, sink->fields, sink->fields_len) == PSV_CODING_ALLOWED &&
            filter->takes_type(filter, field_value(sink, PSV_FIELD_CONTENT_TYPE)));
}

static int encode_file(struct psv_body_encoder *encoder, const struct psv_response_body *plain, uint64_t len,
                       struct psv_response_body *out)
{
    char block[ENCODE_BLOCK_BYTES];
    uint64_t offset = 0;
    int code = PSV_OK;

    while (offset < len && code == PSV_OK) {
        size_t filled = 0;
        code = psv_fd_pread_all(plain->fd, block, (size_t)MIN(len - offset, (uint64_t)sizeof(block)), offset,
                                &filled);
        if (code == PSV_OK && filled == 0) {
            code = PSV_EIO;
        }
        if (code == PSV_OK) {
            code = encoder->encode(encoder, block, filled, out);
        }
        offset += filled;
    }
    return code;
}

/* Puts the encoded form in the place of the part's body; len: how much of it counts. */
int psv_sink_encode_part(const struct psv_response_sink *sink, struct psv_body_encoder *encoder,
                         struct psv_response_part *part, uint64_t len, enum psv_body_end end)
{
    struct psv_response_body *plain = &part->body;
    struct psv_response_body encoded;
    int code;

    psv_response_body_init(&encoded, NULL, 0, psv_response_memory_threshold(sink->memory_max));
    if (plain->fd >= 0) {
        code = encode_file(encoder, plain, len, &encoded);
    } else {
        code = len > 0 ? encoder->encode(encoder, plain->memory, (size_t)len, &encoded) : PSV_OK;
    }
    if (code == PSV_OK) {
        code = encoder->end(encoder, end, &encoded);
    }
    if (code == PSV_OK) {
        code = psv_response_body_seal(&encoded);
    }
    psv_response_body_fini(plain);
    if (code != PSV_OK) {
        psv_response_body_fini(&encoded);
        return code;
    }
    *plain = encoded;
    return PSV_OK;
}
