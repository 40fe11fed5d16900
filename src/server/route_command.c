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
#include "server/basic_auth.h"
#include "server/router.h"
#include "server/site_table.h"
#include "server/worker_routes.h"

#define ARENA_BYTES_MAX (1u << 20)

static int describe_file(const struct psv_route *route, const char *root, struct psv_buffer *out)
{
    const struct psv_cached_file *file = route->file.file;

    return psv_buffer_printf(out, "  file         %s%.*s\n  type         %.*s\n", root,
                             PSV_BYTES_ARG(file->path), PSV_BYTES_ARG(file->content_type));
}

/* Nothing is said when there are no scripts of worker mode. */
static int describe_worker(const struct psv_config_loaded *loaded, const struct psv_route *route,
                           const struct psv_router *router, struct psv_bytes path, struct psv_buffer *out)
{
    char where[400];
    const char *pattern = NULL;

    if (loaded->workers_len == 0 || route->kind != PSV_ROUTE_SCRIPT) {
        return PSV_OK;
    }
    if (route->worker == 0) {
        return psv_buffer_printf(out, "  worker       none: the script runs for this request only\n");
    }
    const struct psv_config_worker *worker = &loaded->workers[route->worker - 1];
    psv_config_worker_where(loaded, worker, where, sizeof(where));
    int code = psv_buffer_printf(out, "  worker       %s (%s)\n", worker->name, where);
    const struct psv_worker_route *matched = psv_worker_routes_match(router->workers, path, &pattern);
    if (code == PSV_OK && matched != NULL && matched->number == route->worker) {
        code = psv_buffer_printf(out, "  match        %s\n", pattern);
    }
    return code;
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

/* The document root and the router of a scope. */
struct opened {
    char *root;
    int root_fd;
    struct psv_router *router;
};

static int open_router(const struct psv_config *config, struct opened *ret, struct psv_error *reterr)
{
    ret->root = realpath(config->site.docroot, NULL);
    if (ret->root == NULL) {
        return psv_error_set(reterr, PSV_ENOENT, "document root \"%s\" cannot be resolved",
                             config->site.docroot);
    }
    int code = psv_safe_open_root(ret->root, &ret->root_fd, reterr);
    return code == PSV_OK
               ? psv_router_new(config, ret->root_fd, psv_bytes_of(ret->root), &ret->router, reterr)
               : code;
}

static void close_router(struct opened *opened)
{
    (void)psv_router_free(opened->router);
    if (opened->root_fd >= 0) {
        (void)psv_fd_close(opened->root_fd);
    }
    free(opened->root);
}

/* Which site and prefix; nothing is said when there is only one. */
static int describe_scope(const struct psv_config_loaded *loaded, size_t number, struct psv_buffer *out)
{
    if (loaded->scopes_len == 0) {
        return PSV_OK;
    }
    const struct psv_config_scope *scope = number > 0 ? &loaded->scopes[number - 1] : NULL;
    int code = PSV_OK;
    if (scope == NULL) {
        code = psv_buffer_printf(out, "  site         the configuration itself\n");
    } else if (scope->prefix[0] != '\0') {
        code =
            psv_buffer_printf(out, "  prefix       %s (%s:%u)\n", scope->prefix, loaded->file, scope->line);
        number = scope->around;
    }
    if (code == PSV_OK && number > 0) {
        scope = &loaded->scopes[number - 1];
        code = psv_buffer_printf(out, "  site         %s (%s:%u)\n", scope->config.site.hosts.items[0],
                                 loaded->file, scope->line);
    }
    return code;
}

/* The files may be for others' eyes, and are not read. */
static int describe_passwords(const struct psv_config *config, const struct psv_route *route,
                              struct psv_bytes asked, struct psv_bytes path, struct psv_buffer *out,
                              struct psv_error *reterr)
{
    struct psv_basic_auth auth;
    struct psv_basic_need need;
    int code = psv_basic_auth_init(&auth, config, false, reterr);

    if (code != PSV_OK) {
        return code;
    }
    psv_basic_auth_find(&auth, asked, path, route, &need);
    for (unsigned i = 0; i < need.len && code == PSV_OK; i++) {
        code = psv_buffer_printf(out, "  password     %s\n", need.rules[i]->text);
    }
    psv_basic_auth_fini(&auth);
    return code;
}

static int route_in(const struct psv_config_loaded *loaded, const struct psv_site_table *table,
                    struct psv_exchange *exchange, struct psv_buffer *out, struct psv_error *reterr)
{
    struct opened opened = {.root_fd = -1};
    struct psv_route found;
    size_t number;

    if (!psv_site_table_find(table, exchange->request.host, exchange->request.path, &number)) {
        return psv_buffer_printf(out, "  refused      421: no site has this host\n");
    }
    const struct psv_config *config = number > 0 ? &loaded->scopes[number - 1].config : &loaded->config;
    struct psv_bytes asked = exchange->request.path;
    int code = describe_scope(loaded, number, out);
    if (code == PSV_OK) {
        code = open_router(config, &opened, reterr);
    }
    if (code == PSV_OK) {
        code =
            psv_worker_routes_new(loaded, number, psv_bytes_of(opened.root), &opened.router->workers, reterr);
    }
    if (code == PSV_OK) {
        psv_router_route(opened.router, exchange, &found);
        code = describe_passwords(config, &found, asked, exchange->request.path, out, reterr);
    }
    if (code == PSV_OK) {
        code = describe(&found, &exchange->request, opened.root, out);
    }
    if (code == PSV_OK) {
        code = describe_worker(loaded, &found, opened.router, exchange->request.path, out);
    }
    psv_arena_reset(&exchange->arena); /* it holds the router's files */
    close_router(&opened);
    return code;
}

static int route(const struct psv_config_loaded *loaded, const struct psv_site_table *table, const char *url,
                 struct psv_buffer *out, struct psv_error *reterr)
{
    static const struct psv_exchange_codec no_codec;
    static const struct psv_exchange_host no_host;
    struct psv_exchange_pool *pool = psv_exchange_pool_new(ARENA_BYTES_MAX, 0);
    struct psv_exchange *exchange = pool != NULL ? psv_exchange_new(pool, &no_codec, &no_host) : NULL;
    int code = PSV_ENOMEM;

    if (exchange != NULL) {
        code = psv_target_parse(&exchange->arena, PSV_METHOD_GET, psv_bytes_of(url), &exchange->request);
        if (code == PSV_OK) {
            code = psv_buffer_printf(out, "%s\n", url);
        }
        if (code == PSV_OK) {
            code = route_in(loaded, table, exchange, out, reterr);
        }
        psv_exchange_free(pool, exchange);
    }
    psv_exchange_pool_free(pool);
    if (code == PSV_ESYNTAX || code == PSV_EUNSUPPORTED) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "\"%s\" is no path with a slash in front, and no http:// or https:// URL", url);
    }
    return code == PSV_ENOMEM ? psv_error_set(reterr, code, "out of memory") : code;
}

int psv_route_command(const struct psv_config_loaded *loaded, const char *url, struct psv_buffer *out,
                      struct psv_error *reterr)
{
    struct psv_site_table table;
    int code = psv_config_check(loaded, reterr);

    if (code == PSV_OK) {
        code = psv_worker_routes_check(loaded, reterr);
    }
    if (code == PSV_OK) {
        code = psv_site_table_init(&table, loaded, reterr);
    }
    if (code == PSV_OK) {
        code = route(loaded, &table, url, out, reterr);
        psv_site_table_fini(&table);
    }
    return code;
}
