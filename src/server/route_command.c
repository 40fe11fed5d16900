/* See route_command.h.  The real router answers, on an exchange that belongs to no connection.
 *
 * SPDX-License-Identifier: MIT */
#include "route_command.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "config/config.h"
#include "exec/exchange.h"
#include "http/target.h"
#include "os/fd.h"
#include "os/safe_open.h"
#include "server/router.h"

#define ARENA_BYTES_MAX (1u << 20)

static int describe_file(const struct psv_route *route, const char *root, struct psv_buffer *out)
{
    const struct psv_cached_file *file = route->file.file;

    return psv_buffer_printf(out, "  file         %s%.*s\n  type         %.*s\n", root,
                             PSV_BYTES_ARG(file->path), PSV_BYTES_ARG(file->content_type));
}

static int describe_script(const struct psv_route *route, const struct psv_request *request,
                           struct psv_buffer *out)
{
    const struct psv_script *script = &route->script;
    int code = psv_buffer_printf(out, "  script       %.*s\n  SCRIPT_NAME  %.*s\n",
                                 PSV_BYTES_ARG(script->filename), PSV_BYTES_ARG(script->name));

    if (code == PSV_OK && script->path_info.data != NULL) {
        code = psv_buffer_printf(out, "  PATH_INFO    %.*s\n", PSV_BYTES_ARG(script->path_info));
    }
    if (code == PSV_OK && request->query.data != NULL) {
        code = psv_buffer_printf(out, "  QUERY_STRING %.*s\n", PSV_BYTES_ARG(request->query));
    }
    return code;
}

static int describe(const struct psv_route *route, const struct psv_request *request, const char *root,
                    struct psv_buffer *out)
{
    int code = PSV_OK;

    if (route->rule != NULL) {
        code = psv_buffer_printf(out, "  rule         %s\n", route->rule);
    }
    if (code == PSV_OK && route->rule != NULL && route->kind != PSV_ROUTE_REDIRECT) {
        code = psv_buffer_printf(out, "  becomes      %.*s\n", PSV_BYTES_ARG(request->path));
    }
    if (code == PSV_OK && route->why != NULL) {
        code = psv_buffer_printf(out, "  because      %s\n", route->why);
    }
    if (code != PSV_OK) {
        return code;
    }
    switch (route->kind) {
    case PSV_ROUTE_STATIC:
        return describe_file(route, root, out);
    case PSV_ROUTE_SCRIPT:
        return describe_script(route, request, out);
    case PSV_ROUTE_REDIRECT:
        return psv_buffer_printf(out, "  redirect     %u to %.*s\n", route->status,
                                 PSV_BYTES_ARG(route->location));
    case PSV_ROUTE_NONE:
        return psv_buffer_printf(out, "  refused      %u: %s\n", route->status, route->reason);
    }
    return PSV_EINVAL;
}

static int route(struct psv_router *router, const char *url, const char *root, struct psv_buffer *out,
                 struct psv_error *reterr)
{
    static const struct psv_exchange_codec no_codec;
    static const struct psv_exchange_host no_host;
    struct psv_exchange_pool *pool = psv_exchange_pool_new(ARENA_BYTES_MAX, 0);
    struct psv_exchange *exchange = pool != NULL ? psv_exchange_new(pool, &no_codec, &no_host) : NULL;
    struct psv_route found;
    int code = PSV_ENOMEM;

    if (exchange != NULL) {
        code = psv_target_parse(&exchange->arena, PSV_METHOD_GET, psv_bytes_of(url), &exchange->request);
        if (code == PSV_OK) {
            psv_router_route(router, exchange, &found);
            code = psv_buffer_printf(out, "%s\n", url);
        }
        if (code == PSV_OK) {
            code = describe(&found, &exchange->request, root, out);
        }
        psv_exchange_free(pool, exchange);
    }
    psv_exchange_pool_free(pool);
    if (code == PSV_ESYNTAX || code == PSV_EUNSUPPORTED) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "\"%s\" is no path with a slash in front, and no http:// or https:// URL", url);
    }
    return code == PSV_OK ? PSV_OK : psv_error_set(reterr, code, "out of memory");
}

int psv_route_command(const struct psv_config *config, const char *url, struct psv_buffer *out,
                      struct psv_error *reterr)
{
    struct psv_router *router = NULL;
    int root_fd = -1;
    char *root = realpath(config->site.docroot, NULL);
    int code = root != NULL ? psv_safe_open_root(root, &root_fd, reterr)
                            : psv_error_set(reterr, PSV_ENOENT, "document root \"%s\" cannot be resolved",
                                            config->site.docroot);

    if (code == PSV_OK) {
        code = psv_router_new(config, root_fd, psv_bytes_of(root), &router, reterr);
    }
    if (code == PSV_OK) {
        code = route(router, url, root, out, reterr);
    }
    (void)psv_router_free(router);
    if (root_fd >= 0) {
        (void)psv_fd_close(root_fd);
    }
    free(root);
    return code;
}
