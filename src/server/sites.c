/* See sites.h.
 *
 * SPDX-License-Identifier: MIT */
#include "sites.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/memory.h"
#include "config/config.h"
#include "exec/executor_registry.h"
#include "handler/sendfile.h"
#include "os/clock.h"
#include "os/fd.h"
#include "server/error_pages_load.h"
#include "server/response_fields.h"
#include "server/router.h"
#include "server/worker_routes.h"

/* A site while it is made. */
struct making {
    struct psv_sites *sites;
    const struct psv_config_loaded *loaded;
    const struct psv_config_scope *scope; /* NULL: the configuration itself */
    struct psv_site *site;
    const struct psv_site *around; /* NULL for the configuration itself */
    struct psv_error *reterr;
};

/* Whether the site has something of its own in one of these sections. */
static bool sets(const struct making *making, const char *section, const char *other_section)
{
    return making->scope == NULL || psv_config_scope_sets(making->scope, section) ||
           (other_section != NULL && psv_config_scope_sets(making->scope, other_section));
}

static int make_router(const struct making *making)
{
    struct psv_site *site = making->site;

    if (!sets(making, "site", "static")) {
        site->router = making->around->router;
        site->dynamic.document_root = making->around->dynamic.document_root;
        return PSV_OK;
    }
    const char *path = site->config->site.docroot;
    site->docroot = realpath(path, NULL);
    if (site->docroot == NULL) {
        return psv_error_set(making->reterr, PSV_ENOENT, "document root \"%s\" cannot be resolved", path);
    }
    site->docroot_fd = open(site->docroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (site->docroot_fd < 0) {
        return psv_error_set(making->reterr, PSV_EACCESS, "document root \"%s\" cannot be opened", path);
    }
    site->dynamic.document_root = psv_bytes_of(site->docroot);
    int code = psv_router_new(site->config, site->docroot_fd, site->dynamic.document_root, &site->own_router,
                              making->reterr);
    if (code == PSV_OK) {
        site->router = site->own_router;
        site->router->runs_absent = making->sites->executor == &psv_executor_stub; /* it has no files */
        code = psv_worker_routes_new(making->loaded, (size_t)(site - making->sites->items),
                                     site->dynamic.document_root, &site->router->workers, making->reterr);
    }
    return code;
}

static int make_sendfile(const struct making *making)
{
    struct psv_site *site = making->site;

    if (!sets(making, "sendfile", "static")) {
        site->dynamic.sendfile = making->around->dynamic.sendfile;
        return PSV_OK;
    }
    int code = psv_sendfile_new(&site->config->sendfile.roots, &site->config->static_files,
                                &site->own_sendfile, making->reterr);
    site->dynamic.sendfile = site->own_sendfile;
    return code;
}

static int make_guards(const struct making *making)
{
    struct psv_site *site = making->site;

    if (!sets(making, "guard", NULL)) {
        site->guards = making->around->guards;
        site->dynamic.limit = making->around->dynamic.limit;
        return PSV_OK;
    }
    site->own_limit.max = site->config->guard.requests_max;
    site->dynamic.limit = &site->own_limit;
    site->guards = &site->own_guards;
    return psv_guards_init(&site->own_guards, &site->config->guard, making->reterr);
}

static int make_cors(const struct making *making)
{
    struct psv_site *site = making->site;

    if (!sets(making, "cors", NULL)) {
        site->cors = making->around->cors;
        return PSV_OK;
    }
    site->cors = &site->own_cors;
    return psv_cors_init(&site->own_cors, &site->config->cors, making->reterr);
}

/* A prefix has no rules of its own (config_check.c): which one a request falls under, other spellings of its
 * path could change. */
static int make_basic_auth(const struct making *making)
{
    struct psv_site *site = making->site;
    const struct psv_config_list *list = &site->config->guard.basic_auth;

    if (making->around != NULL && list->items == making->around->config->guard.basic_auth.items &&
        list->len == making->around->config->guard.basic_auth.len) {
        site->basic_auth = making->around->basic_auth;
        return PSV_OK;
    }
    site->basic_auth = &site->own_basic_auth;
    return psv_basic_auth_init(&site->own_basic_auth, site->config, true, making->reterr);
}

static int make_answers(const struct making *making)
{
    struct psv_site *site = making->site;
    const struct psv_config *config = site->config;
    int code = psv_response_fields_init(&site->fields, config, false, site->hsts_text, making->reterr);

    if (code == PSV_OK) {
        code = psv_response_fields_init(&site->secure_fields, config, true, site->hsts_text, making->reterr);
    }
    if (code == PSV_OK) {
        code = psv_error_pages_load(&site->own_pages, config->response.error_pages, making->reterr);
    }
    const char *name = config->site.name;
    if (*name == '\0') {
        name = config->site.hosts.len > 0 ? config->site.hosts.items[0] : "default";
    }
    site->answers = (struct psv_exchange_site){
        .name = name,
        .error_pages = site->own_pages.len > 0 ? &site->own_pages : NULL,
        .fields = site->fields.len > 0 ? &site->fields : NULL,
        .secure_fields = site->secure_fields.len > 0 ? &site->secure_fields : NULL,
    };
    return code;
}

/* The configuration's own are the process's. */
static int make_settings(const struct making *making)
{
    struct psv_site *site = making->site;
    const struct psv_executor *executor = making->sites->executor;

    if (making->scope == NULL) {
        return PSV_OK;
    }
    site->dynamic.settings = making->around->dynamic.settings;
    if (!psv_config_scope_sets(making->scope, "php") || executor->settings_start == NULL) {
        return PSV_OK;
    }
    int code = executor->settings_start(&site->config->php.ini_values, site->dynamic.settings,
                                        &site->own_settings, making->reterr);
    site->dynamic.settings = site->own_settings;
    return code;
}

static void make_rest(const struct making *making)
{
    struct psv_site *site = making->site;
    const struct psv_config *config = site->config;

    site->early.min_version = (enum psv_http_version)config->http.min_version;
    site->early.body_bytes_max = config->http.body_bytes_max;
    site->redirect_port = (uint16_t)config->tls.redirect_port;
    site->dynamic.hides_runtime = !config->server.tokens;
    site->dynamic.server_name = psv_bytes_of(config->site.server_name);
    site->dynamic.timeout_ns = config->request.timeout_ms * PSV_NS_PER_MS;
    site->dynamic.stream_timeout_ms = config->request.stream_timeout_ms;
}

static int make(const struct making *making)
{
    static int (*const steps[])(const struct making *making) = {
        make_router, make_sendfile, make_guards, make_cors, make_basic_auth, make_answers, make_settings};

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        int code = steps[i](making);
        if (code != PSV_OK) {
            return code;
        }
    }
    make_rest(making);
    return PSV_OK;
}

static void note_guards(struct psv_sites *sites, size_t number)
{
    size_t site = psv_site_table_site_of(&sites->table, number);

    for (size_t other = 0; other < sites->len; other++) {
        sites->items[number].has_other_guards |= psv_site_table_site_of(&sites->table, other) == site &&
                                                 sites->items[other].guards != sites->items[number].guards;
    }
}

int psv_sites_init(struct psv_sites *sites, const struct psv_config_loaded *loaded,
                   const struct psv_executor *executor, struct psv_error *reterr)
{
    size_t len = loaded->scopes_len + 1;
    int code = psv_site_table_init(&sites->table, loaded, reterr);

    if (code != PSV_OK) {
        return code;
    }
    sites->executor = executor;
    sites->items = psv_calloc(len, sizeof(*sites->items));
    if (sites->items == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for %zu sites", len);
    }
    for (size_t number = 0; number < len && code == PSV_OK; number++) {
        const struct psv_config_scope *scope = number > 0 ? &loaded->scopes[number - 1] : NULL;
        struct psv_site *site = &sites->items[number];
        const struct making making = {
            .sites = sites,
            .loaded = loaded,
            .scope = scope,
            .site = site,
            .around = scope != NULL ? &sites->items[scope->around] : NULL,
            .reterr = reterr,
        };
        site->config = scope != NULL ? &scope->config : &loaded->config;
        site->docroot_fd = -1;
        sites->len = number + 1;
        code = make(&making);
    }
    for (size_t number = 0; number < len && code == PSV_OK; number++) {
        note_guards(sites, number);
    }
    return code;
}

void psv_sites_fini(struct psv_sites *sites)
{
    for (size_t i = 0; i < sites->len; i++) {
        struct psv_site *site = &sites->items[i];
        (void)psv_router_free(site->own_router);
        (void)psv_sendfile_free(site->own_sendfile);
        psv_guards_fini(&site->own_guards);
        psv_cors_fini(&site->own_cors);
        psv_basic_auth_fini(&site->own_basic_auth);
        psv_error_pages_fini(&site->own_pages);
        if (site->own_settings != NULL) {
            sites->executor->settings_stop(site->own_settings);
        }
        (void)psv_fd_close(site->docroot_fd);
        free(site->docroot); /* from realpath(3) */
    }
    psv_free(sites->items);
    psv_site_table_fini(&sites->table);
    *sites = (struct psv_sites){.len = 0};
}
