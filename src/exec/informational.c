/* Informational responses; see informational.h.
 *
 * SPDX-License-Identifier: MIT */
#include "informational.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "exec/exchange.h"
#include "exec/job.h"
#include "exec/mailbox.h"

/* Of one request: they are sent at once, whether the client reads or not. */
#define INFORMATIONAL_MAX 16

static struct psv_bytes copy_text(char **out, struct psv_bytes text)
{
    struct psv_bytes copy = {*out, text.len};

    if (text.len > 0) {
        memcpy(*out, text.data, text.len);
    }
    *out += text.len;
    return copy;
}

/* Struct, fields and texts in one block. */
static struct psv_informational *new_informational(const struct psv_field *fields, unsigned fields_len)
{
    size_t text_len = 0;

    for (unsigned i = 0; i < fields_len; i++) {
        text_len += fields[i].name.len + fields[i].value.len;
    }
    struct psv_informational *informational =
        psv_malloc(sizeof(*informational) + fields_len * sizeof(*fields) + text_len);
    if (informational == NULL) {
        return NULL;
    }
    struct psv_field *copies = (struct psv_field *)(informational + 1);
    char *text = (char *)(copies + fields_len);
    for (unsigned i = 0; i < fields_len; i++) {
        copies[i].id = fields[i].id;
        copies[i].name = copy_text(&text, fields[i].name);
        copies[i].value = copy_text(&text, fields[i].value);
    }
    informational->headers = (struct psv_headers){
        .items = copies, .len = fields_len, .capacity = fields_len, .max_len = fields_len};
    return informational;
}

int psv_sink_inform(struct psv_response_sink *sink, unsigned status, const struct psv_field *fields,
                    unsigned fields_len)
{
    if (status < 100 || status > 199 || status == 101) {
        return PSV_EINVAL;
    }
    if (sink->job->message.protocol_number == 1000) {
        return PSV_EUNSUPPORTED; /* RFC 9110 15.2 */
    }
    if (sink->has_head || sink->state != PSV_SINK_OPEN) {
        return PSV_EEXIST;
    }
    if (psv_job_is_gone(sink->job)) {
        return PSV_EGONE;
    }
    if (sink->job->informational_len == INFORMATIONAL_MAX) {
        return PSV_ELIMIT;
    }
    struct psv_informational *informational = new_informational(fields, fields_len);
    if (informational == NULL) {
        return PSV_ENOMEM;
    }
    sink->job->informational_len++;
    psv_sink_init_part(sink, &informational->part);
    informational->part.is_heap = true;
    informational->part.flags = PSV_PART_INFORM;
    informational->status = status;
    psv_mailbox_post(sink->mailbox, &informational->part);
    return PSV_OK;
}

void psv_informational_deliver(const struct psv_response_part *part, struct psv_exchange *exchange)
{
    const struct psv_informational *informational = CONTAINER_OF_CONST(part, struct psv_informational, part);

    if (exchange->codec_stream != NULL && !exchange->is_answered) {
        exchange->codec->inform(exchange, informational->status, &informational->headers);
    }
}
