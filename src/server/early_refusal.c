/* Early refusals; see early_refusal.h.
 *
 * SPDX-License-Identifier: MIT */
#include "early_refusal.h"

#include "base/error.h"
#include "exec/exchange.h"
#include "filter/decompress.h"
#include "handler/dynamic.h"
#include "net/tls_context.h"

struct psv_bytes psv_allowed_methods(void)
{
    return PSV_BYTES("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY");
}

static void refuse_with(struct psv_exchange *exchange, unsigned status, const char *reason,
                        enum psv_field_id id, struct psv_bytes value)
{
    const struct psv_field field = {.name = psv_field_name(id), .value = value, .id = id};

    psv_exchange_refuse(exchange, status, reason, &field, 1);
}

bool psv_refuse_early(const struct psv_early_rules *rules, struct psv_exchange *exchange)
{
    const struct psv_request *request = &exchange->request;

    if (request->method == PSV_METHOD_TRACE || request->method == PSV_METHOD_CONNECT) {
        refuse_with(exchange, 405, "method not allowed", PSV_FIELD_ALLOW, psv_allowed_methods());
        return true;
    }
    if (request->version < rules->min_version) {
        /* RFC 9110 15.5.22 */
        refuse_with(exchange, 426, "version of HTTP too old", PSV_FIELD_UPGRADE,
                    rules->min_version == PSV_HTTP_2 ? PSV_BYTES("HTTP/2.0") : PSV_BYTES("HTTP/1.1"));
        return true;
    }
    if (rules->tls != NULL &&
        psv_tls_is_misdirected(rules->tls, exchange->peer.tls_server_name, request->host)) {
        psv_exchange_refuse(exchange, 421, "host has another certificate", NULL, 0);
        return true;
    }
    return false;
}

static bool is_coding_known(const struct psv_dynamic *dynamic, const struct psv_exchange *exchange)
{
    const struct psv_body_decoder *decoder;

    return dynamic->choose_decoder == NULL ||
           dynamic->choose_decoder(dynamic->decoder_context, &exchange->request.headers, &decoder) == PSV_OK;
}

bool psv_refuse_body(const struct psv_dynamic *dynamic, struct psv_exchange *exchange)
{
    if (exchange->request.content_length > 0 &&
        (uint64_t)exchange->request.content_length > exchange->body.max_bytes) {
        psv_exchange_refuse(exchange, 413, "request body too large", NULL, 0);
        return true;
    }
    if (!is_coding_known(dynamic, exchange)) {
        /* RFC 9110 15.5.16: with Accept-Encoding it is the coding that is not liked */
        refuse_with(exchange, 415, "unknown content coding of the request", PSV_FIELD_ACCEPT_ENCODING,
                    psv_decompress_codings());
        return true;
    }
    return false;
}
