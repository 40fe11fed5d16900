/* See router_redirect.h and router.h.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "router_redirect.h"

#include "exec/exchange.h"
#include "http/escape.h"
#include "server/router.h"

int psv_router_folder_location(struct psv_arena *arena, struct psv_bytes path, struct psv_bytes query,
                               struct psv_bytes *ret)
{
    char *text = psv_arena_alloc_text(arena, path.len * 3 + query.len * 3 + 2);
    if (text == NULL)
        return PSV_ENOMEM;
    char *out = text;
    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] == '/' && i != 0 && path.data[i - 1] == '/')
            continue;
        if (psv_is_plain_in_path(path.data[i]))
            *out++ = path.data[i];
        else
            out = psv_escape_encode(out, path.data[i]);
    }
    *out++ = '/';
    if (query.data != NULL)
        *out++ = '?';
    out = psv_escape_query(out, query);
    *ret = (struct psv_bytes){text, (size_t)(out - text)};
    return PSV_OK;
}

void psv_router_answer_redirect(struct psv_exchange *exchange, const struct psv_route *route)
{
    struct psv_list none;
    psv_list_init(&none);
    psv_headers_init(&exchange->response.headers, 1);
    if (psv_headers_add_known(&exchange->response.headers, &exchange->arena, PSV_FIELD_LOCATION,
                              route->location) != 0) {
        psv_exchange_refuse(exchange, 503, "out of memory", NULL, 0);
        return;
    }
    exchange->response.status = route->status;
    exchange->response.content_length = 0;
    psv_exchange_respond(exchange, &none, true);
}
