/* Request bodies with a content coding, decoded by the worker; see body_decoder.h.
 *
 * SPDX-License-Identifier: MIT */
#include "body_decoder.h"

#include "base/error.h"
#include "exec/job.h"
#include "exec/request_body.h"

static bool refuse(struct psv_job *job, int code)
{
    switch (code) {
    case PSV_ESYNTAX:
        job->refusal_status = 400;
        job->refusal = "request body does not fit its Content-Encoding";
        break;
    case PSV_ELIMIT:
        job->refusal_status = 413;
        job->refusal = "request body too large when decoded";
        break;
    default:
        job->refusal_status = 500;
        job->refusal = "request body cannot be decoded";
    }
    return false;
}

/* The script finds a plain body: neither the coding nor the encoded length is told. */
static int drop_coding(struct psv_job *job)
{
    struct psv_message *message = &job->message;
    struct psv_field *fields =
        psv_arena_alloc(job->arena, sizeof(*fields) * (message->fields_len + (size_t)1));
    unsigned len = 0;

    if (fields == NULL) {
        return PSV_ENOMEM;
    }
    for (unsigned i = 0; i < message->fields_len; i++) {
        if (message->fields[i].id != PSV_FIELD_CONTENT_ENCODING &&
            message->fields[i].id != PSV_FIELD_CONTENT_LENGTH) {
            fields[len++] = message->fields[i];
        }
    }
    message->fields = fields;
    message->fields_len = len;
    message->content_length = (int64_t)job->body->len;
    return PSV_OK;
}

bool psv_job_decode_body(struct psv_job *job)
{
    struct psv_request_body decoded;

    psv_request_body_init(&decoded, job->body->memory.max_bytes, job->body->max_bytes);
    int code = job->decoder->decode(job->decoder, job->body, &decoded);
    if (code != PSV_OK) {
        psv_request_body_fini(&decoded);
        return refuse(job, code);
    }
    psv_request_body_fini(job->body);
    *job->body = decoded;
    code = drop_coding(job);
    return code == PSV_OK ? true : refuse(job, code);
}
