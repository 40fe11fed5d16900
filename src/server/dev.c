/* See dev.h.
 *
 * SPDX-License-Identifier: MIT */
#include "dev.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "exec/executor_registry.h"
#include "filter/live_reload.h"
#include "handler/file_cache.h"
#include "handler/static_file.h"
#include "http/authority.h"
#include "observe/log.h"
#include "os/clock.h"
#include "os/fd.h"
#include "server/dev_overdue.h"
#include "server/live_streams.h"
#include "server/quiet_watch.h"
#include "server/server_state.h"
#include "server/worker_files.h"

/* Told when it has been quiet for so long, and so long after the first change at the latest. */
#define QUIET_NS (UINT64_C(40) * PSV_NS_PER_MS)
#define LATEST_NS (UINT64_C(400) * PSV_NS_PER_MS)
#define SOURCES_MAX 64

/* A file that the server was started from, or (with a slash at its end) a folder of them. */
struct source {
    char path[PATH_MAX];
};

struct psv_dev {
    struct psv_server *server;
    struct psv_quiet_watch quiet;
    struct psv_live_streams streams;
    struct psv_live_reload_injection *injections; /* of each site, by its number; NULL: no live reload */
    struct source *sources;
    unsigned sources_len;
    bool scripts_are_kept; /* preloaded: they run until the next start */
    /* what has changed and was not told yet */
    bool has_page;
    bool has_style;
    bool has_source;
    char changed[256]; /* the last of them, for the log */
};

/* ---- what a change means */

static bool has_extension(const char *name, const char *list)
{
    const char *dot = strrchr(name, '.');
    struct psv_bytes rest = psv_bytes_of(list);
    struct psv_bytes item;

    while (dot != NULL && psv_bytes_split(&rest, ' ', &item)) {
        if (psv_bytes_equal_case(psv_bytes_of(dot + 1), item)) {
            return true;
        }
    }
    return false;
}

/* What makes pages.  Not what applications write by themselves: logs, databases, sessions, uploads. */
static bool is_page_part(const char *name)
{
    static const char kinds[] =
        "php phtml inc html htm xhtml twig latte tpl mustache hbs md js mjs ts vue json "
        "xml yaml yml neon ini env svg png jpg jpeg gif webp avif ico woff woff2 po mo";
    return has_extension(name, kinds) || strcmp(name, ".user.ini") == 0 || strcmp(name, ".env") == 0;
}

static bool is_source(const struct psv_dev *dev, const char *folder, const char *name)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
        return false;
    }
    for (unsigned i = 0; i < dev->sources_len; i++) {
        const char *source = dev->sources[i].path;
        size_t len = strlen(source);
        bool is_part = source[len - 1] == '/' && strncmp(path, source, len) == 0 &&
                       strchr(path + len, '/') == NULL && has_extension(name, "ini");
        if (is_part || strcmp(path, source) == 0) {
            return true;
        }
    }
    return dev->scripts_are_kept && has_extension(name, "php inc phtml");
}

static void on_change(const struct psv_watch_event *event, void *context)
{
    struct psv_dev *dev = context;
    const char *name = event->name;
    bool is_style = name != NULL && has_extension(name, "css");
    bool is_part = name == NULL || is_page_part(name);
    bool is_of_server = name != NULL && is_source(dev, event->folder, name);

    if (!is_style && !is_part && !is_of_server) {
        return;
    }
    dev->has_style |= is_style;
    dev->has_page |= is_part;
    dev->has_source |= is_of_server;
    (void)snprintf(dev->changed, sizeof(dev->changed), "%s/%s", event->folder, name != NULL ? name : "");
    psv_quiet_watch_note(&dev->quiet);
}

static void ask_for_server(struct psv_dev *dev)
{
    bool is_supervised = psv_supervised_is(&dev->server->supervised);

    PSV_LOG(is_supervised ? PSV_LOG_INFO : PSV_LOG_WARN, is_supervised ? "dev.reload" : "dev.restart_needed",
            PSV_LOG_TEXT("changed", dev->changed));
    psv_supervised_tell_reload(&dev->server->supervised);
}

static bool on_quiet(void *context)
{
    struct psv_dev *dev = context;
    enum psv_live_change change = dev->has_page ? PSV_LIVE_PAGE : PSV_LIVE_STYLE;
    bool is_of_pages = dev->has_page || dev->has_style;

    if (psv_worker_files_are_changing(dev->server)) { /* pages are loaded when the new scripts are there */
        return false;
    }
    if (dev->has_source) {
        ask_for_server(dev);
    }
    /* with a new server pages are loaded when they meet it */
    if (is_of_pages && dev->server->config->dev.live_reload &&
        !(dev->has_source && psv_supervised_is(&dev->server->supervised))) {
        PSV_LOG(PSV_LOG_DEBUG, "dev.changed", PSV_LOG_TEXT("file", dev->changed),
                PSV_LOG_U64("pages", dev->streams.len));
        psv_live_streams_tell(&dev->streams, change);
    }
    dev->has_page = dev->has_style = dev->has_source = false;
    return true;
}

/* ---- boot */

static void watch_source(const char *path, void *context)
{
    struct psv_dev *dev = context;
    char folder[PATH_MAX];

    if (dev->sources_len == SOURCES_MAX || *path == '\0') {
        return;
    }
    size_t len = strlen(path);
    size_t folder_len = psv_bytes_find_last(psv_bytes_of(path), '/');
    if (folder_len == len) {
        (void)snprintf(folder, sizeof(folder), ".");
    } else {
        (void)snprintf(folder, sizeof(folder), "%.*s/", (int)folder_len, path);
    }
    char *real = realpath(folder, NULL);
    if (real == NULL) {
        return;
    }
    const char *name = folder_len == len ? path : path + folder_len + 1;
    struct source *source = &dev->sources[dev->sources_len];
    if (snprintf(source->path, sizeof(source->path), "%s/%s", real, name) < (int)sizeof(source->path) &&
        psv_watch_add_folder(dev->quiet.watch, real) == PSV_OK) {
        dev->sources_len++;
    }
    free(real); // NOLINT: realpath's
}

static void watch_tree(struct psv_dev *dev, const char *path)
{
    char *real = realpath(path, NULL);
    int code = real != NULL ? psv_watch_add_tree(dev->quiet.watch, real) : PSV_ENOENT;

    if (code != PSV_OK && code != PSV_ELIMIT) {
        PSV_LOG(PSV_LOG_WARN, "dev.not_watched", PSV_LOG_TEXT("folder", path),
                PSV_LOG_TEXT("reason", psv_error_text(code)));
    }
    free(real); // NOLINT: realpath's
}

static void watch_all(struct psv_dev *dev)
{
    const struct psv_config_dev *config = &dev->server->config->dev;
    const struct psv_executor *executor = dev->server->executor;

    watch_source(dev->server->loaded->file, dev);
    if (executor->sources != NULL) {
        dev->scripts_are_kept = executor->sources(watch_source, dev);
    }
    for (size_t i = 0; i < dev->server->pipeline.sites.len; i++) {
        const char *docroot = dev->server->pipeline.sites.items[i].docroot;
        if (docroot != NULL) { /* else the one of the site around */
            watch_tree(dev, docroot);
        }
    }
    for (size_t i = 0; i < config->watch_paths.len; i++) {
        watch_tree(dev, config->watch_paths.items[i]);
    }
}

static int start_watch(struct psv_dev *dev)
{
    const struct psv_quiet_watch_options options = {
        .loop = &dev->server->loop,
        .quiet_ns = QUIET_NS,
        .latest_ns = LATEST_NS,
        .folders_max = (unsigned)dev->server->config->dev.watch_folders_max,
        .on_change = on_change,
        .on_quiet = on_quiet,
        .context = dev,
    };
    struct psv_error error = {0};

    dev->sources = psv_calloc(SOURCES_MAX, sizeof(*dev->sources));
    if (dev->sources == NULL) {
        return PSV_ENOMEM;
    }
    if (psv_quiet_watch_init(&dev->quiet, &options, &error) != PSV_OK) {
        PSV_LOG(PSV_LOG_WARN, "dev.nothing_watched", PSV_LOG_TEXT("reason", error.message));
        return PSV_OK; /* the rest of development mode works without */
    }
    watch_all(dev);
    return psv_quiet_watch_start(&dev->quiet, "dev.too_many_folders");
}

static size_t site_of(const struct psv_dev *dev, const struct psv_exchange *exchange)
{
    const struct psv_sites *sites = &dev->server->pipeline.sites;

    for (size_t i = 0; i < sites->len; i++) {
        if (exchange->site == &sites->items[i].answers) {
            return i;
        }
    }
    return 0;
}

static const struct psv_live_reload_injection *injection_of(const struct psv_dev *dev,
                                                            const struct psv_exchange *exchange)
{
    return &dev->injections[site_of(dev, exchange)];
}

static const struct psv_body_injection *choose_injection(void *context, const struct psv_exchange *exchange)
{
    return psv_live_reload_is_page(&exchange->request) ? &injection_of(context, exchange)->base : NULL;
}

static void answer_overdue(void *context, struct psv_exchange *exchange)
{
    (void)context;
    psv_dev_answer_overdue(exchange);
}

static struct psv_bytes configured_policy(const struct psv_site *site)
{
    for (unsigned i = 0; i < site->fields.len; i++) {
        if (psv_bytes_equal_case(site->fields.items[i].name, PSV_BYTES("Content-Security-Policy"))) {
            return site->fields.items[i].value;
        }
    }
    return PSV_BYTES_EMPTY;
}

static int start_live_reload(struct psv_dev *dev)
{
    struct psv_pipeline *pipeline = &dev->server->pipeline;

    psv_live_streams_init(&dev->streams, &dev->server->loop, dev->server->started_unix_us);
    if (!dev->server->config->dev.live_reload) {
        return PSV_OK;
    }
    dev->injections = psv_calloc(pipeline->sites.len, sizeof(*dev->injections));
    if (dev->injections == NULL) {
        return PSV_ENOMEM;
    }
    for (size_t i = 0; i < pipeline->sites.len; i++) {
        psv_live_reload_injection_init(&dev->injections[i], configured_policy(&pipeline->sites.items[i]));
    }
    pipeline->dynamic.choose_injection = choose_injection;
    pipeline->dynamic.injection_context = dev;
    return PSV_OK;
}

int psv_dev_boot(struct psv_server *server, struct psv_error *reterr)
{
    if (!server->config->dev.enabled) {
        return PSV_OK;
    }
    struct psv_dev *dev = psv_calloc(1, sizeof(*dev));
    if (dev == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for development mode");
    }
    dev->server = server;
    server->dev = dev;
    server->pipeline.dev = dev;
    server->pipeline.dynamic.answer_overdue = answer_overdue;
    server->pipeline.dynamic.overdue_context = dev;
    int code = start_live_reload(dev);
    if (code == PSV_OK) {
        code = start_watch(dev);
    }
    return code == PSV_OK ? PSV_OK : psv_error_set(reterr, code, "no memory for development mode");
}

struct psv_dev *psv_dev_free(struct psv_dev *dev)
{
    if (dev != NULL) {
        psv_quiet_watch_fini(&dev->quiet);
        psv_free(dev->sources);
        psv_free(dev->injections);
        psv_free(dev);
    }
    return NULL;
}

/* "/etc/php.ini, /etc/conf.d/": what leads to a new server when it changes. */
static void list_sources(const struct psv_dev *dev, char *out, size_t size)
{
    size_t len = 0;

    *out = '\0';
    for (unsigned i = 0; i < dev->sources_len && len < size; i++) {
        int written = snprintf(out + len, size - len, "%s%s", i > 0 ? ", " : "", dev->sources[i].path);
        len += (size_t)MAX(written, 0);
    }
}

void psv_dev_say_hello(const struct psv_server *server)
{
    struct psv_executor_fact facts[16];
    const struct psv_executor *executor = server->executor;
    const char *php = "none";
    const char *own = server->secure.address[0] != '\0' ? server->secure.address : server->site.address;
    char url[1100];
    char sources[600];

    if (server->dev == NULL) {
        return;
    }
    size_t len = executor->facts != NULL ? executor->facts(facts, ARRAY_SIZE(facts)) : 0;
    for (size_t i = 0; i < len; i++) {
        if (strcmp(facts[i].name, "php") == 0) {
            php = facts[i].value;
        }
    }
    list_sources(server->dev, sources, sizeof(sources));
    /* a wildcard is no place to go to */
    bool is_any = strncmp(own, "0.0.0.0:", 8) == 0;
    (void)snprintf(url, sizeof(url), "%s://%s%s/", own == server->secure.address ? "https" : "http",
                   is_any ? "127.0.0.1:" : "", is_any ? own + 8 : own);
    PSV_LOG(PSV_LOG_INFO, "dev.ready", PSV_LOG_TEXT("url", url),
            PSV_LOG_TEXT("docroot", server->pipeline.sites.items[0].docroot), PSV_LOG_TEXT("php", php),
            PSV_LOG_U64("workers", server->workers), PSV_LOG_TEXT("settings", sources),
            PSV_LOG_U64("watched_folders",
                        server->dev->quiet.watch != NULL ? psv_watch_folders(server->dev->quiet.watch) : 0),
            PSV_LOG_BOOL("live_reload", server->config->dev.live_reload));
    PSV_LOG(PSV_LOG_WARN, "dev.not_for_production",
            PSV_LOG_TEXT("reason", "error pages show source, paths and settings to whoever asks"),
            PSV_LOG_TEXT("cure", "start without --dev"));
}

/* ---- requests */

/* A page of a stranger's reads all that this server says when its own name leads to this machine for a moment
 * (DNS rebinding); the browser sends that name as the host.  Hosts of the configuration are known, and names
 * that nobody far away can lead anywhere. */
static bool refuse_strange_host(const struct psv_dev *dev, struct psv_exchange *exchange)
{
    const struct psv_site *site = &dev->server->pipeline.sites.items[site_of(dev, exchange)];

    if (site->config->site.hosts.len > 0 || psv_host_is_local(exchange->request.host)) {
        return false;
    }
    PSV_LOG(PSV_LOG_WARN, "dev.unknown_host", PSV_LOG_BYTES("host", exchange->request.host),
            PSV_LOG_TEXT("reason", "a stranger's page could be behind it; development mode serves addresses, "
                                   "localhost, *.test, *.local and the hosts that it is told"),
            PSV_LOG_TEXT("cure", "--host NAME, also for each other name"));
    psv_exchange_refuse(exchange, 421, "development mode does not know this host", NULL, 0);
    return true;
}

bool psv_dev_answer(struct psv_dev *dev, struct psv_exchange *exchange)
{
    if (refuse_strange_host(dev, exchange)) {
        return true;
    }
    return dev->injections != NULL && psv_live_streams_answer(&dev->streams, exchange);
}

/* Its bytes, whole; data NULL: unreadable, or too large. */
static struct psv_bytes read_page(struct psv_arena *arena, const struct psv_static_form *form)
{
    size_t filled = 0;

    if (form->size_bytes > PSV_LIVE_RELOAD_BYTES_MAX) {
        return PSV_BYTES_EMPTY;
    }
    if (form->content != NULL) {
        return (struct psv_bytes){form->content, (size_t)form->size_bytes};
    }
    char *text = psv_arena_alloc_text(arena, (size_t)form->size_bytes + 1);
    if (text == NULL || psv_fd_pread_all(form->fd, text, (size_t)form->size_bytes, 0, &filled) != PSV_OK ||
        filled != form->size_bytes) {
        return PSV_BYTES_EMPTY;
    }
    return (struct psv_bytes){text, filled};
}

void psv_dev_change_file(struct psv_dev *dev, struct psv_exchange *exchange, struct psv_static_choice *choice)
{
    static const struct psv_bytes suffix = PSV_BYTES_INIT("-live\"");
    struct psv_arena *arena = psv_exchange_arena(exchange);
    const struct psv_cached_file *file = choice->file;
    const struct psv_field type = {
        .name = PSV_BYTES_INIT("Content-Type"), .value = file->content_type, .id = PSV_FIELD_CONTENT_TYPE};
    const char *reason;

    if (dev->injections == NULL || !psv_live_reload_is_page(&exchange->request) ||
        !psv_live_reload_takes(200, &type, 1, injection_of(dev, exchange)->policy, &reason)) {
        return;
    }
    struct psv_static_form form = psv_static_form_of(file, PSV_BYTES_EMPTY);
    struct psv_bytes page = read_page(arena, &form);
    char *etag = psv_arena_alloc_text(arena, form.etag.len + suffix.len);
    if (page.data != NULL && etag != NULL && form.etag.len > 0) {
        page = psv_live_reload_put(arena, page);
        memcpy(etag, form.etag.data, form.etag.len - 1); /* without its last quote */
        memcpy(etag + form.etag.len - 1, suffix.data, suffix.len);
        form.etag = (struct psv_bytes){etag, form.etag.len - 1 + suffix.len};
        form.content = page.data;
        form.fd = -1;
        form.size_bytes = page.len;
        choice->form = page.data != NULL ? form : choice->form;
    }
}

void psv_dev_drain(struct psv_dev *dev)
{
    if (dev != NULL) {
        psv_live_streams_close(&dev->streams);
    }
}
