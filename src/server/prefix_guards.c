/* See prefix_guards.h.
 *
 * SPDX-License-Identifier: MIT */
#include "prefix_guards.h"

#include "exec/exchange.h"
#include "server/router.h"
#include "server/sites.h"

/* Each scope is asked once; of a request there are not more views than this. */
#define ASKED_MAX 16

struct asking {
    const struct psv_sites *sites;
    const struct psv_site *chosen;
    struct psv_exchange *exchange;
    size_t site; /* number of the whole site */
    uint64_t now_ns;
    const struct psv_guards *asked[ASKED_MAX];
    unsigned asked_len;
};

static bool has_asked(const struct asking *asking, const struct psv_guards *guards)
{
    for (unsigned i = 0; i < asking->asked_len; i++) {
        if (asking->asked[i] == guards) {
            return true;
        }
    }
    return asking->asked_len == ASKED_MAX;
}

/* May the path be seen so?  is_exact: else the site itself is not asked: an open prefix in a closed site
 * stays open for all that its scripts answer. */
static bool refuses(struct asking *asking, struct psv_bytes path, enum psv_path_view view, bool is_exact)
{
    if (path.len == 0) {
        return false;
    }
    size_t number = psv_site_table_find_seen(&asking->sites->table, asking->site, path, view);
    struct psv_guards *guards = asking->sites->items[number].guards;
    if (guards == asking->chosen->guards || (number == asking->site && !is_exact) ||
        has_asked(asking, guards)) {
        return false;
    }
    asking->asked[asking->asked_len++] = guards;
    return psv_guards_refuse(guards, asking->exchange, asking->now_ns);
}

static bool refuses_decoded(struct asking *asking, struct psv_bytes path, bool is_exact)
{
    return psv_path_has_encoded_slash(path) && (refuses(asking, path, PSV_PATH_DECODED, is_exact) ||
                                                refuses(asking, path, PSV_PATH_RESOLVED, is_exact));
}

static bool refuses_script(struct asking *asking, struct psv_bytes asked, const struct psv_script *script)
{
    struct psv_bytes name = psv_bytes_from(script->name, psv_bytes_find_last(script->name, '/') + 1);
    struct psv_bytes rest;

    if (refuses(asking, script->name, PSV_PATH_PLAIN, false) ||
        refuses(asking, script->path_info, PSV_PATH_PLAIN, false) ||
        refuses_decoded(asking, script->path_info, false)) {
        return true;
    }
    return name.len > 0 && psv_path_find_behind(asked, name, &rest) &&
           (refuses(asking, rest, PSV_PATH_PLAIN, false) || refuses(asking, rest, PSV_PATH_DECODED, false) ||
            refuses(asking, rest, PSV_PATH_RESOLVED, false));
}

bool psv_prefix_guards_refuse(const struct psv_sites *sites, const struct psv_site *chosen,
                              struct psv_exchange *exchange, struct psv_bytes asked,
                              const struct psv_route *route, uint64_t now_ns)
{
    struct asking asking = {.sites = sites,
                            .chosen = chosen,
                            .exchange = exchange,
                            .site = psv_site_table_site_of(&sites->table, (size_t)(chosen - sites->items)),
                            .now_ns = now_ns};

    if (refuses(&asking, asked, PSV_PATH_PLAIN, false) ||
        refuses(&asking, exchange->request.path, PSV_PATH_PLAIN, false) ||
        refuses_decoded(&asking, asked, true)) {
        return true;
    }
    switch (route->kind) {
    case PSV_ROUTE_STATIC:
        return refuses(&asking, route->file.file->path, PSV_PATH_PLAIN, false);
    case PSV_ROUTE_SCRIPT:
        return refuses_script(&asking, asked, &route->script);
    case PSV_ROUTE_REDIRECT:
    case PSV_ROUTE_NONE:
        break;
    }
    return false;
}
