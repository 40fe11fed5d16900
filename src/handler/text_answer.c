/* See text_answer.h.
 *
 * SPDX-License-Identifier: MIT */
#include "text_answer.h"

#include "base/error.h"
#include "exec/exchange.h"

#define FIELDS_MAX 8

static const struct psv_bytes no_store = PSV_BYTES_INIT("no-store");

static void free_text(void *context)
{
    psv_buffer_fini(context);
}

int psv_text_answer_init(struct psv_text_answer *answer, struct psv_exchange *exchange, size_t bytes_max)
{
    psv_buffer_init(&answer->text, bytes_max);
    return psv_arena_on_fini(&exchange->arena, free_text, &answer->text);
}

int psv_text_answer_add_fields(struct psv_exchange *exchange, struct psv_bytes content_type)
{
    struct psv_headers *headers = &exchange->response.headers;
    struct psv_arena *arena = &exchange->arena;

    psv_headers_init(headers, FIELDS_MAX);
    int code = psv_headers_add_known(headers, arena, PSV_FIELD_CONTENT_TYPE, content_type);
    return code == PSV_OK ? psv_headers_add_known(headers, arena, PSV_FIELD_CACHE_CONTROL, no_store) : code;
}

void psv_text_answer_send(struct psv_text_answer *answer, struct psv_exchange *exchange, unsigned status)
{
    struct psv_list pieces;

    psv_list_init(&pieces);
    if (exchange->request.method != PSV_METHOD_HEAD && answer->text.len > 0) {
        answer->piece = (struct psv_body_piece){.data = answer->text.data, .fd = -1, .len = answer->text.len};
        psv_list_append(&pieces, &answer->piece.link);
    }
    exchange->response.status = status;
    exchange->response.content_length = (int64_t)answer->text.len;
    psv_exchange_respond(exchange, &pieces, true);
}

void psv_text_answer_refuse(struct psv_exchange *exchange, unsigned status, const char *reason,
                            struct psv_bytes allowed)
{
    const struct psv_field fields[] = {
        {.name = psv_field_name(PSV_FIELD_CACHE_CONTROL), .value = no_store, .id = PSV_FIELD_CACHE_CONTROL},
        {.name = psv_field_name(PSV_FIELD_ALLOW), .value = allowed, .id = PSV_FIELD_ALLOW},
    };

    psv_exchange_refuse(exchange, status, reason, fields, allowed.len > 0 ? 2 : 1);
}
