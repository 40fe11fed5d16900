/* See worker_routes.h.
 *
 * SPDX-License-Identifier: MIT */
#include "worker_routes.h"

#include <limits.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/memory.h"
#include "config/config.h"
#include "http/path_pattern.h"
#include "server/worker_names.h"

#define ARENA_BYTES_MAX (8u << 20)

struct psv_worker_routes {
    struct psv_map scripts; /* name -> struct psv_worker_route */
    struct match {
        struct psv_path_pattern pattern;
        const char *text;
        const struct psv_worker_route *route;
    } * matches;
    size_t matches_len;
    struct psv_arena arena; /* owns all but the map's table */
};

/* ---- making */

struct making {
    const struct psv_config_loaded *loaded;
    size_t number;
    struct psv_bytes root;
    struct psv_worker_routes *routes;
    struct psv_worker_names *names;
    struct psv_error *reterr;
};

static struct psv_worker_route *add_route(const struct making *making, unsigned number, struct psv_bytes name,
                                          struct psv_bytes filename)
{
    struct psv_arena *arena = &making->routes->arena;
    struct psv_worker_route *route = psv_arena_calloc(arena, sizeof(*route));
    if (route != NULL) {
        route->number = number;
        route->name = psv_arena_copy(arena, name);
        route->filename = psv_arena_copy(arena, filename);
    }
    return route != NULL && route->name.data != NULL && route->filename.data != NULL ? route : NULL;
}

static struct psv_worker_route *add_name_route(const struct making *making, unsigned number,
                                               struct psv_bytes name)
{
    char filename[PATH_MAX * 2];
    int len =
        snprintf(filename, sizeof(filename), "%.*s%.*s", PSV_BYTES_ARG(making->root), PSV_BYTES_ARG(name));
    struct psv_worker_route *route =
        add_route(making, number, name, (struct psv_bytes){filename, (size_t)len});
    return route != NULL && psv_map_put(&making->routes->scripts, route->name, route, NULL) == PSV_OK ? route
                                                                                                      : NULL;
}

/* route: how it is found by its name, or NULL. */
static int add_matches(const struct making *making, const struct psv_config_worker *worker, unsigned number,
                       const struct psv_worker_route *route)
{
    struct psv_worker_routes *routes = making->routes;
    struct psv_bytes script = psv_bytes_of(worker->script);

    if (route == NULL) {
        route = add_route(making, number, psv_bytes_from(script, psv_bytes_find_last(script, '/')), script);
    }
    size_t old_size = routes->matches_len * sizeof(*routes->matches);
    struct match *matches = psv_arena_grow(&routes->arena, routes->matches, old_size,
                                           old_size + worker->mode.match.len * sizeof(*matches));
    if (route == NULL || matches == NULL) {
        return psv_error_set(making->reterr, PSV_ENOMEM, "no memory for the routes of worker mode");
    }
    routes->matches = matches;
    for (size_t i = 0; i < worker->mode.match.len; i++) {
        struct match *match = &matches[routes->matches_len];
        match->text = worker->mode.match.items[i];
        match->route = route;
        const char *wrong = psv_path_pattern_parse(psv_bytes_of(match->text), &match->pattern);
        if (wrong != NULL) {
            return psv_error_set(making->reterr, PSV_EINVAL, "match \"%s\": %s", match->text, wrong);
        }
        routes->matches_len++;
    }
    return PSV_OK;
}

static int add_worker(const struct making *making, size_t index)
{
    const struct psv_config_worker *worker = &making->loaded->workers[index];
    const struct psv_worker_route *first = NULL;
    unsigned number = (unsigned)index + 1;
    char root[PATH_MAX];

    (void)snprintf(root, sizeof(root), "%.*s", PSV_BYTES_ARG(making->root));
    psv_worker_names_find(psv_config_of_scope(making->loaded, making->number), worker, root, making->names);
    for (unsigned i = 0; i < making->names->len; i++) {
        const struct psv_worker_route *route = NULL;
        /* that of a script for this site alone is there already */
        if (psv_map_find(&making->routes->scripts, making->names->items[i]) == NULL) {
            route = add_name_route(making, number, making->names->items[i]);
            if (route == NULL) {
                return psv_error_set(making->reterr, PSV_ENOMEM, "no memory for the routes of worker mode");
            }
        }
        first = first != NULL ? first : route;
    }
    bool has_patterns =
        worker->mode.match.len > 0 &&
        psv_worker_has_patterns_in(making->loaded, worker, psv_config_site_of(making->loaded, making->number),
                                   making->names);
    return has_patterns ? add_matches(making, worker, number, first) : PSV_OK;
}

static int add_workers(const struct making *making, bool is_for_one_site)
{
    int code = PSV_OK;
    for (size_t i = 0; i < making->loaded->workers_len && code == PSV_OK; i++) {
        const struct psv_config_worker *worker = &making->loaded->workers[i];
        if ((worker->site_number != PSV_CONFIG_ANY_SITE) == is_for_one_site &&
            psv_config_worker_serves(making->loaded, worker, making->number)) {
            code = add_worker(making, i);
        }
    }
    return code;
}

int psv_worker_routes_new(const struct psv_config_loaded *loaded, size_t number,
                          struct psv_bytes document_root, struct psv_worker_routes **ret,
                          struct psv_error *reterr)
{
    *ret = NULL;
    if (loaded->workers_len == 0) {
        return PSV_OK;
    }
    struct psv_worker_routes *routes = psv_calloc(1, sizeof(*routes));
    struct psv_worker_names *names = psv_calloc(1, sizeof(*names));
    if (routes == NULL || names == NULL) {
        psv_free(routes);
        psv_free(names);
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for the routes of worker mode");
    }
    psv_map_init(&routes->scripts, PSV_CONFIG_WORKERS_MAX * PSV_WORKER_NAMES_MAX);
    psv_arena_init(&routes->arena, ARENA_BYTES_MAX);
    while (document_root.len > 0 && document_root.data[document_root.len - 1] == '/') {
        document_root.len--;
    }
    const struct making making = {.loaded = loaded,
                                  .number = number,
                                  .root = document_root,
                                  .routes = routes,
                                  .names = names,
                                  .reterr = reterr};
    int code = add_workers(&making, true);
    if (code == PSV_OK) {
        code = add_workers(&making, false);
    }
    psv_free(names);
    if (code != PSV_OK || (routes->scripts.len == 0 && routes->matches_len == 0)) {
        routes = psv_worker_routes_free(routes);
    }
    *ret = routes;
    return code;
}

struct psv_worker_routes *psv_worker_routes_free(struct psv_worker_routes *routes)
{
    if (routes != NULL) {
        psv_map_fini(&routes->scripts);
        psv_arena_fini(&routes->arena);
    }
    return psv_free(routes);
}

/* ---- looking up */

const struct psv_worker_route *psv_worker_routes_find(const struct psv_worker_routes *routes,
                                                      struct psv_bytes name)
{
    return routes != NULL ? psv_map_find(&routes->scripts, name) : NULL;
}

const struct psv_worker_route *psv_worker_routes_match(const struct psv_worker_routes *routes,
                                                       struct psv_bytes path, const char **ret_pattern)
{
    for (size_t i = 0; routes != NULL && i < routes->matches_len; i++) {
        const struct match *match = &routes->matches[i];
        if (psv_path_pattern_matches(&match->pattern, path)) {
            if (ret_pattern != NULL) {
                *ret_pattern = match->text;
            }
            return match->route;
        }
    }
    return NULL;
}
