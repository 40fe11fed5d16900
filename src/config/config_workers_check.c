/* Rules for the scripts of worker mode; those for their patterns are server/'s, which can match.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#include "config_workers.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define WHERE_BYTES 400

const char *psv_config_worker_where(const struct psv_config_loaded *loaded,
                                    const struct psv_config_worker *worker, char *out, size_t size)
{
    if (worker->line > 0) {
        (void)snprintf(out, size, "%.120s:%u: worker \"%.200s\"", loaded->file, worker->line, worker->given);
    } else {
        (void)snprintf(out, size, "--worker \"%.200s\"", worker->given);
    }
    return out;
}

/* "the site", or the name that was probably meant. */
static int refuse_site(const struct psv_config_loaded *loaded, const struct psv_config_worker *worker,
                       struct psv_error *reterr)
{
    char where[WHERE_BYTES];
    const char *near = NULL;
    unsigned best = UINT_MAX;
    for (size_t i = 0; i < loaded->scopes_len; i++) {
        const struct psv_config_site *site = &loaded->scopes[i].config.site;
        for (size_t k = 0; k < site->hosts.len; k++) {
            near = psv_option_is_near(psv_bytes_of(worker->site), psv_bytes_of(site->hosts.items[k]), &best)
                       ? site->hosts.items[k]
                       : near;
        }
        near = psv_option_is_near(psv_bytes_of(worker->site), psv_bytes_of(site->name), &best) ? site->name
                                                                                               : near;
    }
    return psv_error_set(reterr, PSV_EINVAL, "%s: no site has the name or host \"%.100s\"%s%.100s%s",
                         psv_config_worker_where(loaded, worker, where, sizeof(where)), worker->site,
                         near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                         near != NULL ? "\"?" : "");
}

static int check_file(const struct psv_config_loaded *loaded, const struct psv_config_worker *worker,
                      struct psv_error *reterr)
{
    char where[WHERE_BYTES];
    struct stat status;
    psv_config_worker_where(loaded, worker, where, sizeof(where));
    if (worker->script[0] != '/' || stat(worker->script, &status) != 0) {
        return psv_error_set(reterr, PSV_ENOENT, "%s: there is no such file, %s", where,
                             worker->given[0] == '/'
                                 ? "or its folder may not be entered"
                                 : "neither in the working directory nor in the document root");
    }
    return S_ISREG(status.st_mode) ? 0
                                   : psv_error_set(reterr, PSV_EINVAL, "%s: that is no file%s", where,
                                                   S_ISDIR(status.st_mode) ? " but a folder" : "");
}

static bool is_name_of_variable(struct psv_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = psv_ascii_lower(name.data[i]);
        if (c != '_' && (c < 'a' || c > 'z') && (i == 0 || !psv_ascii_is_digit(c))) {
            return false;
        }
    }
    return name.len > 0 && name.len <= 255;
}

static int check_env(const struct psv_config_loaded *loaded, const struct psv_config_worker *worker,
                     struct psv_error *reterr)
{
    char where[WHERE_BYTES];
    for (size_t i = 0; i < worker->mode.env.len; i++) {
        struct psv_bytes item = psv_bytes_of(worker->mode.env.items[i]);
        size_t equals = psv_bytes_find(item, '=');
        if (equals == item.len || !is_name_of_variable(psv_bytes_first(item, equals))) {
            /* what it is may be a secret */
            return psv_error_set(reterr, PSV_EINVAL,
                                 "%s: item %zu of env is no variable such as \"APP_ENV=prod\": a name of "
                                 "letters, digits and _, "
                                 "then = and the value",
                                 psv_config_worker_where(loaded, worker, where, sizeof(where)), i + 1);
        }
    }
    return 0;
}

/* Against those before it. */
static int check_twice(const struct psv_config_loaded *loaded, size_t index, struct psv_error *reterr)
{
    const struct psv_config_worker *worker = &loaded->workers[index];
    char where[WHERE_BYTES];
    for (size_t i = 0; i < index; i++) {
        const struct psv_config_worker *other = &loaded->workers[i];
        bool is_same =
            strcmp(worker->script, other->script) == 0 && worker->site_number == other->site_number;
        if (is_same || strcmp(worker->name, other->name) == 0) {
            psv_config_worker_where(loaded, worker, where, sizeof(where));
            return is_same ? psv_error_set(reterr, PSV_EINVAL, "%s: this script is there twice%s", where,
                                           worker->site[0] == '\0' ? "" : " for the same site")
                           : psv_error_set(reterr, PSV_EINVAL,
                                           "%s: another script of worker mode is called \"%.100s\" too; give "
                                           "one of them a name = \"...\" of its own",
                                           where, worker->name);
        }
    }
    return 0;
}

int psv_config_check_workers(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    int result = 0;
    if (loaded->workers_len > 0 && strcmp(loaded->config.executor.name, "stub") == 0) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "--worker is for PHP: the executor \"stub\" runs no scripts, \"ext\" does");
    }
    for (size_t i = 0; i < loaded->workers_len && result == 0; i++) {
        const struct psv_config_worker *worker = &loaded->workers[i];
        if (worker->site_number != PSV_CONFIG_ANY_SITE && worker->site_number > loaded->scopes_len) {
            return refuse_site(loaded, worker, reterr);
        }
        result = check_file(loaded, worker, reterr);
        if (result == 0) {
            result = check_env(loaded, worker, reterr);
        }
        if (result == 0) {
            result = check_twice(loaded, i, reterr);
        }
    }
    return result;
}
