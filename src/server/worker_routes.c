/* See worker_routes.h.
 *
 * SPDX-License-Identifier: MIT */
#include "worker_routes.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/memory.h"
#include "config/config.h"
#include "http/path_pattern.h"
#include "http/script_path.h"

/* Names of one script below a document root: its own, and links to it where they are looked for. */
#define NAMES_MAX 6
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

/* ---- names of a script below a document root */

struct names {
    struct psv_bytes items[NAMES_MAX];
    unsigned len;
    char text[NAMES_MAX][PATH_MAX];
};

static void add_name(struct names *names, const char *name)
{
    for (unsigned i = 0; i < names->len; i++) {
        if (strcmp(names->text[i], name) == 0) {
            return;
        }
    }
    int len = snprintf(names->text[names->len], PATH_MAX, "%s", name);
    if (len > 0 && len < PATH_MAX) {
        names->items[names->len] = (struct psv_bytes){names->text[names->len], (size_t)len};
        names->len++;
    }
}

/* name: with or without a slash in front.  One that is spelled otherwise than the router does is passed over.
 */
static void try_name(struct names *names, const char *root, const char *name, const char *script)
{
    char path[PATH_MAX * 2];
    char real[PATH_MAX];
    while (name[0] == '/' || strncmp(name, "./", 2) == 0) {
        name += name[0] == '/' ? 1 : 2;
    }
    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    if (name[0] != '\0' && name[0] != '.' && strstr(name, "/.") == NULL && strstr(name, "//") == NULL &&
        realpath(path, real) != NULL && strcmp(real, script) == 0) {
        add_name(names, path + strlen(root));
    }
}

/* root: absolute, without links; "" is "/". */
static void find_names(const struct psv_config *config, const struct psv_config_worker *worker,
                       const char *root, struct names *names)
{
    const char *base = strrchr(worker->given, '/');
    size_t len = strlen(root);

    names->len = 0;
    if (strncmp(worker->script, root, len) == 0 && worker->script[len] == '/') {
        add_name(names, worker->script + len);
    }
    try_name(names, root, config->site.index, worker->script);
    try_name(names, root, config->site.fallback, worker->script);
    try_name(names, root, "index.php", worker->script);
    try_name(names, root, base != NULL ? base : worker->given, worker->script);
    if (base != NULL && worker->given[0] != '/') {
        try_name(names, root, worker->given, worker->script);
    }
}

/* ---- sites */

static const struct psv_config *config_of(const struct psv_config_loaded *loaded, size_t number)
{
    return number > 0 ? &loaded->scopes[number - 1].config : &loaded->config;
}

static size_t site_of(const struct psv_config_loaded *loaded, size_t number)
{
    const struct psv_config_scope *scope = number > 0 ? &loaded->scopes[number - 1] : NULL;
    return scope != NULL && scope->prefix[0] != '\0' ? scope->around : number;
}

static bool has_sites(const struct psv_config_loaded *loaded)
{
    for (size_t number = 1; number <= loaded->scopes_len; number++) {
        if (site_of(loaded, number) == number) {
            return true;
        }
    }
    return false;
}

/* "" for "/". */
static bool find_root(const struct psv_config *config, char root[PATH_MAX])
{
    if (realpath(config->site.docroot, root) == NULL) {
        return false;
    }
    if (strcmp(root, "/") == 0) {
        root[0] = '\0';
    }
    return true;
}

/* Whether the script's patterns are for requests of this site: it was given the site, or lies in it, or there
 * is only one. */
static bool has_patterns_in(const struct psv_config_loaded *loaded, const struct psv_config_worker *worker,
                            size_t site, struct names *names)
{
    char root[PATH_MAX];
    if (worker->site_number != PSV_CONFIG_ANY_SITE || !has_sites(loaded)) {
        return psv_config_worker_serves(loaded, worker, site);
    }
    for (size_t number = 0; number <= loaded->scopes_len; number++) {
        if (site_of(loaded, number) != site || !find_root(config_of(loaded, number), root)) {
            continue;
        }
        find_names(config_of(loaded, number), worker, root, names);
        if (names->len > 0) {
            return true;
        }
    }
    return false;
}

/* ---- making */

struct making {
    const struct psv_config_loaded *loaded;
    size_t number;
    struct psv_bytes root;
    struct psv_worker_routes *routes;
    struct names *names;
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
    find_names(config_of(making->loaded, making->number), worker, root, making->names);
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
        has_patterns_in(making->loaded, worker, site_of(making->loaded, making->number), making->names);
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
    struct names *names = psv_calloc(1, sizeof(*names));
    if (routes == NULL || names == NULL) {
        psv_free(routes);
        psv_free(names);
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for the routes of worker mode");
    }
    psv_map_init(&routes->scripts, PSV_CONFIG_WORKERS_MAX * NAMES_MAX);
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

/* ---- rules */

#define WHERE_BYTES 400

static int check_pattern(const struct psv_config_loaded *loaded, size_t index, const char *text,
                         struct psv_error *reterr)
{
    const struct psv_config_worker *worker = &loaded->workers[index];
    struct psv_path_pattern pattern;
    char where[WHERE_BYTES];
    const char *wrong = psv_path_pattern_parse(psv_bytes_of(text), &pattern);

    psv_config_worker_where(loaded, worker, where, sizeof(where));
    if (wrong != NULL) {
        return psv_error_set(reterr, PSV_EINVAL, "%s: match \"%.100s\" is no pattern: %s", where, text,
                             wrong);
    }
    for (size_t i = 0; i < index; i++) {
        const struct psv_config_worker *other = &loaded->workers[i];
        for (size_t k = 0; k < other->mode.match.len && other->site_number == worker->site_number; k++) {
            if (strcmp(other->mode.match.items[k], text) == 0) {
                return psv_error_set(
                    reterr, PSV_EINVAL,
                    "%s: match \"%.100s\" is worker \"%.100s\"'s already; each needs patterns of "
                    "its own, under [[worker]]",
                    where, text, other->given);
            }
        }
    }
    return PSV_OK;
}

/* Whether a request's path can name the script; names are those that it has there. */
static bool is_reachable(const struct psv_config *config, const struct names *names)
{
    for (unsigned i = 0; i < names->len; i++) {
        struct psv_bytes name = names->items[i];
        struct psv_bytes script;
        struct psv_bytes path_info;
        size_t position = 0;
        bool is_index = config->site.index[0] != '\0';
        if (psv_bytes_equal(psv_bytes_from(name, 1), psv_bytes_of(config->site.index)) ||
            (!is_index && psv_bytes_equal(name, psv_bytes_of(config->site.fallback)))) {
            return true;
        }
        if (!is_index && psv_script_path_next(name, &position, &script, &path_info) &&
            psv_bytes_equal(script, name) && !psv_path_is_hidden(name)) {
            return true;
        }
    }
    return false;
}

static int check_reach(const struct psv_config_loaded *loaded, const struct psv_config_worker *worker,
                       struct names *names, struct psv_error *reterr)
{
    char where[WHERE_BYTES];
    char root[PATH_MAX];
    const char *index = NULL; /* a front controller that is in its way */

    for (size_t number = 0; number <= loaded->scopes_len; number++) {
        const struct psv_config *config = config_of(loaded, number);
        if (!psv_config_worker_serves(loaded, worker, number) || !find_root(config, root)) {
            continue;
        }
        find_names(config, worker, root, names);
        if (is_reachable(config, names) ||
            (worker->mode.match.len > 0 && has_patterns_in(loaded, worker, site_of(loaded, number), names))) {
            return PSV_OK;
        }
        index = names->len > 0 && config->site.index[0] != '\0' ? config->site.index : index;
    }
    psv_config_worker_where(loaded, worker, where, sizeof(where));
    if (worker->mode.match.len > 0) {
        return psv_error_set(
            reterr, PSV_EINVAL,
            "%s: the script lies in no site's document root; site = \"...\" says whose paths "
            "match is for",
            where);
    }
    if (index != NULL) {
        return psv_error_set(
            reterr, PSV_EINVAL,
            "%s: no request would come to it, because \"%.64s\" (site.index) answers all; make it "
            "the index, or give it paths with match",
            where, index);
    }
    return psv_error_set(
        reterr, PSV_EINVAL,
        "%s: no request would come to it, because it is no .php file in a document root; give it "
        "paths with match, such as \"/api/*\"",
        where);
}

int psv_worker_routes_check(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    struct names *names = psv_calloc(1, sizeof(*names));
    int code = names != NULL ? PSV_OK : psv_error_set(reterr, PSV_ENOMEM, "out of memory");

    for (size_t i = 0; i < loaded->workers_len && code == PSV_OK; i++) {
        const struct psv_config_list *match = &loaded->workers[i].mode.match;
        for (size_t k = 0; k < match->len && code == PSV_OK; k++) {
            code = check_pattern(loaded, i, match->items[k], reterr);
        }
        if (code == PSV_OK) {
            code = check_reach(loaded, &loaded->workers[i], names, reterr);
        }
    }
    psv_free(names);
    return code;
}
