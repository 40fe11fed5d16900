/* See worker_names.h.
 *
 * SPDX-License-Identifier: MIT */
#include "worker_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

static void add_name(struct psv_worker_names *names, const char *name)
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
static void try_name(struct psv_worker_names *names, const char *root, const char *name, const char *script)
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

void psv_worker_names_find(const struct psv_config *config, const struct psv_config_worker *worker,
                           const char *root, struct psv_worker_names *names)
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

static bool has_sites(const struct psv_config_loaded *loaded)
{
    for (size_t number = 1; number <= loaded->scopes_len; number++) {
        if (psv_config_site_of(loaded, number) == number) {
            return true;
        }
    }
    return false;
}

bool psv_worker_names_root(const struct psv_config *config, char root[PATH_MAX])
{
    if (realpath(config->site.docroot, root) == NULL) {
        return false;
    }
    if (strcmp(root, "/") == 0) {
        root[0] = '\0';
    }
    return true;
}

bool psv_worker_has_patterns_in(const struct psv_config_loaded *loaded,
                                const struct psv_config_worker *worker, size_t site,
                                struct psv_worker_names *names)
{
    char root[PATH_MAX];
    if (worker->site_number != PSV_CONFIG_ANY_SITE || !has_sites(loaded)) {
        return psv_config_worker_serves(loaded, worker, site);
    }
    for (size_t number = 0; number <= loaded->scopes_len; number++) {
        if (psv_config_site_of(loaded, number) != site ||
            !psv_worker_names_root(psv_config_of_scope(loaded, number), root)) {
            continue;
        }
        psv_worker_names_find(psv_config_of_scope(loaded, number), worker, root, names);
        if (names->len > 0) {
            return true;
        }
    }
    return false;
}
