/* Rules for the names and patterns of scripts of worker mode; see worker_routes.h.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#include "worker_routes.h"

#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "config/config.h"
#include "http/path_pattern.h"
#include "http/script_path.h"
#include "server/worker_names.h"

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
static bool is_reachable(const struct psv_config *config, const struct psv_worker_names *names)
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
                       struct psv_worker_names *names, struct psv_error *reterr)
{
    char where[WHERE_BYTES];
    char root[PATH_MAX];
    const char *index = NULL; /* a front controller that is in its way */

    for (size_t number = 0; number <= loaded->scopes_len; number++) {
        const struct psv_config *config = psv_config_of_scope(loaded, number);
        if (!psv_config_worker_serves(loaded, worker, number) || !psv_worker_names_root(config, root)) {
            continue;
        }
        psv_worker_names_find(config, worker, root, names);
        if (is_reachable(config, names) ||
            (worker->mode.match.len > 0 &&
             psv_worker_has_patterns_in(loaded, worker, psv_config_site_of(loaded, number), names))) {
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
    struct psv_worker_names *names = psv_calloc(1, sizeof(*names));
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
