/* The redirection to https; see tls_redirect.h.
 *
 * SPDX-License-Identifier: MIT */
#include "tls_redirect.h"

#include <stdio.h>

#include "base/error.h"
#include "exec/exchange.h"
#include "http/target.h"

bool psv_tls_redirect_applies(const struct psv_exchange *exchange, uint16_t port)
{
    return port != 0 && !exchange->request.is_https &&
           !psv_bytes_starts_with(exchange->request.path, PSV_BYTES("/.well-known/acme-challenge/"));
}

static int answer(struct psv_exchange *exchange, uint16_t port)
{
    const struct psv_request *request = &exchange->request;
    struct psv_response *response = &exchange->response;
    size_t size = sizeof("https://:65535") + request->host.len + request->target.len;
    char *text = psv_arena_alloc_text(&exchange->arena, size);
    char port_text[8] = "";

    if (text == NULL) {
        return PSV_ENOMEM;
    }
    if (port != PSV_HTTPS_PORT) {
        (void)snprintf(port_text, sizeof(port_text), ":%u", port);
    }
    /* the target was checked: it begins with a slash and holds no blank and no control byte */
    int len = snprintf(text, size, "https://%.*s%s%.*s", PSV_BYTES_ARG(request->host), port_text,
                       PSV_BYTES_ARG(request->target));
    psv_headers_init(&response->headers, 1);
    response->status = 308;
    response->content_length = 0;
    return psv_headers_add_known(&response->headers, &exchange->arena, PSV_FIELD_LOCATION,
                                 (struct psv_bytes){text, (size_t)len});
}

void psv_tls_redirect_answer(struct psv_exchange *exchange, uint16_t port)
{
    struct psv_list none;

    psv_list_init(&none);
    if (exchange->request.host.len == 0) {
        psv_exchange_refuse(exchange, 400, "no host to redirect to", NULL, 0);
    } else if (answer(exchange, port) != PSV_OK) {
        psv_exchange_refuse(exchange, 500, "out of memory", NULL, 0);
    } else {
        psv_exchange_respond(exchange, &none, true);
    }
}
