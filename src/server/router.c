/* Routing by rules and by the document root.  [loop]  One look-up in the file cache for most requests, no
 * system call when the path was seen within the cache's validity.  Must not know codecs, jobs or how anything
 * is sent.
 *
 * SPDX-License-Identifier: MIT */
#include "router.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/memory.h"
#include "config/config.h"
#include "exec/body_filter.h"
#include "exec/exchange.h"
#include "handler/encoded_cache.h"
#include "http/script_path.h"
#include "server/route_rules.h"
#include "server/router_redirect.h"
#include "server/worker_routes.h"

/* Small files are sent from memory: head and body in one write, and no descriptor held. */
#define CONTENT_MAX_BYTES (UINT64_C(16) << 10)
#define CONTENT_MEMORY_MAX_BYTES (UINT64_C(16) << 20)

static const struct psv_bytes index_names[] = {PSV_BYTES_INIT("index.php"), PSV_BYTES_INIT("index.html")};
#define INDEX_NAME_MAX 10

/* The request while it is being routed. */
struct routing {
    struct psv_router *router;
    struct psv_exchange *exchange;
    struct psv_route *route;
};

static bool route_matched(const struct routing *routing, struct psv_bytes path);
static bool route_script_path(const struct routing *routing);
static void route_folder(const struct routing *routing, struct psv_bytes path);
static void route_file(const struct routing *routing, struct psv_bytes path);
static void route_nothing(const struct routing *routing, const char *reason);
static void route_with_index(const struct routing *routing, struct psv_bytes path);
static bool answer_with(const struct routing *routing, struct psv_bytes path, const char *why);

static struct psv_bytes without_slash_at_end(struct psv_bytes path)
{
    while (path.len != 0 && path.data[path.len - 1] == '/')
        path.len--;
    return path;
}

static int init_rules(struct psv_router *router, const struct psv_config *config, struct psv_error *reterr)
{
    const struct psv_config_site *site = &config->site;
    router->assets = psv_bytes_of(site->assets);
    router->fallback = psv_bytes_of(site->fallback);
    if (router->fallback.len == 0 && !config->static_files.enabled)
        router->fallback = PSV_BYTES("/index.php");
    if (router->fallback.len > 0 && router->fallback.data[0] != '/')
        return psv_error_set(reterr, PSV_EINVAL, "site.fallback \"%s\": a path begins with a slash",
                             site->fallback);
    if (*site->index != '\0') {
        if (strchr(site->index, '/') != NULL)
            return psv_error_set(
                reterr, PSV_EINVAL,
                "site.index \"%s\": it is the name of a file in the document root, such as index.php",
                site->index);
        size_t size = strlen(site->index) + 2;
        router->index_text = psv_malloc(size);
        if (router->index_text == NULL)
            return psv_error_set(reterr, PSV_ENOMEM, "no memory for the router");
        (void)snprintf(router->index_text, size, "/%s", site->index);
        router->index = (struct psv_bytes){router->index_text, size - 1};
    }
    int code = psv_route_rules_new(&site->redirects, true, "site.redirects", &router->redirects, reterr);
    if (code == PSV_OK)
        code = psv_route_rules_new(&site->rewrites, false, "site.rewrites", &router->rewrites, reterr);
    return code;
}

static void fini_rules(struct psv_router *router)
{
    psv_free(router->index_text);
    router->redirects = psv_route_rules_free(router->redirects);
    router->rewrites = psv_route_rules_free(router->rewrites);
}

int psv_router_check(const struct psv_config *config, struct psv_error *reterr)
{
    struct psv_router *router = psv_calloc(1, sizeof(*router));
    if (router == NULL)
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for the router");
    int code = init_rules(router, config, reterr);
    fini_rules(router);
    psv_free(router);
    return code;
}

int psv_router_new(const struct psv_config *config, int root_fd, struct psv_bytes document_root,
                   struct psv_router **ret_router, struct psv_error *reterr)
{
    const struct psv_config_static *files = &config->static_files;
    struct psv_router *router = psv_calloc(1, sizeof(*router));
    if (router == NULL)
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for the router");
    struct psv_bytes root = without_slash_at_end(document_root);
    const struct psv_file_cache_options cache_options = {
        .root_fd = root_fd,
        .links_may_leave = files->follow_symlinks,
        .max_entries = (size_t)files->cache_entries,
        .valid_ms = files->cache_valid_ms,
        .content_max_bytes = CONTENT_MAX_BYTES,
        .memory_max_bytes = CONTENT_MEMORY_MAX_BYTES,
    };
    psv_file_cache_init(&router->cache, &cache_options);
    router->static_enabled = files->enabled;
    router->static_file_storage.ranges_max = (unsigned)files->ranges_max;
    router->static_file_storage.immutable = files->immutable;
    if (files->ttl_ms > 0) {
        int len = snprintf(router->cache_control, sizeof(router->cache_control), "public, max-age=%llu",
                           (unsigned long long)(files->ttl_ms / 1000));
        router->static_file_storage.cache_control = (struct psv_bytes){router->cache_control, (size_t)len};
    }
    router->static_file = &router->static_file_storage;
    router->document_root = psv_strndup(root.data, root.len);
    router->document_root_len = root.len;
    int code = router->document_root != NULL ? init_rules(router, config, reterr)
                                             : psv_error_set(reterr, PSV_ENOMEM, "no memory for the router");
    if (code != PSV_OK) {
        psv_router_free(router);
        return code;
    }
    *ret_router = router;
    return 0;
}

struct psv_router *psv_router_free(struct psv_router *router)
{
    if (router == NULL)
        return NULL;
    psv_file_cache_fini(&router->cache);
    psv_free(router->document_root);
    router->workers = psv_worker_routes_free(router->workers);
    fini_rules(router);
    return psv_free(router);
}

static void refuse(const struct routing *routing, unsigned status, const char *reason)
{
    *routing->route = (struct psv_route){.kind = PSV_ROUTE_NONE, .status = status, .reason = reason};
}

/* A redirect ends it; a rewrite changes what is looked up, not what scripts see as REQUEST_URI. */
static bool apply_rules(const struct routing *routing, const char **ret_rule)
{
    struct psv_request *request = &routing->exchange->request;
    struct psv_arena *arena = &routing->exchange->arena;
    struct psv_route_change change;
    if (psv_route_rules_apply(routing->router->redirects, arena, request->path, request->query, &change)) {
        *routing->route = (struct psv_route){.kind = PSV_ROUTE_REDIRECT,
                                             .location = change.location,
                                             .status = change.status,
                                             .rule = change.rule};
        return true;
    }
    if (psv_route_rules_apply(routing->router->rewrites, arena, request->path, request->query, &change)) {
        request->path = change.path;
        request->query = change.query;
        *ret_rule = change.rule;
    }
    return false;
}

void psv_router_route(struct psv_router *router, struct psv_exchange *exchange, struct psv_route *ret)
{
    struct routing routing = {.router = router, .exchange = exchange, .route = ret};
    INVARIANT(exchange->request.path.len != 0 && exchange->request.path.data[0] == '/');
    const char *rule = NULL;
    if ((router->redirects != NULL || router->rewrites != NULL) && apply_rules(&routing, &rule))
        return;
    struct psv_bytes path = exchange->request.path;
    if (router->workers != NULL && route_matched(&routing, path)) {
        /* decided */
    } else if (router->index.len > 0)
        route_with_index(&routing, path);
    else if (!route_script_path(&routing)) {
        if (psv_path_is_hidden(path))
            refuse(&routing, 404, "hidden path");
        else if (path.data[path.len - 1] == '/')
            route_folder(&routing, path);
        else
            route_file(&routing, path);
    }
    if (rule != NULL)
        ret->rule = rule;
}

/* The entry of path; NULL when it cannot be had, then the request is refused already. */
static struct psv_cached_file *find_ref(const struct routing *routing, struct psv_bytes path)
{
    struct psv_cached_file *file;
    int error = psv_file_cache_find_ref(&routing->router->cache, path, &file);
    if (error == 0)
        return file;
    if (error == PSV_EIO)
        refuse(routing, 500, "document root cannot be read");
    else
        refuse(routing, 503, "file cannot be opened now");
    return NULL;
}

static enum psv_cached_kind kind_of(const struct routing *routing, struct psv_bytes path,
                                    bool *ret_is_refused)
{
    struct psv_cached_file *file = find_ref(routing, path);
    *ret_is_refused = file == NULL;
    enum psv_cached_kind kind = file != NULL ? file->kind : PSV_CACHED_ABSENT;
    psv_cached_file_unref(file);
    return kind;
}

static void keep_path_info(const struct routing *routing, struct psv_bytes path_info)
{
    if (path_info.data == NULL)
        return;
    routing->route->script.path_info = psv_arena_copy(&routing->exchange->arena, path_info);
    if (routing->route->script.path_info.data == NULL)
        refuse(routing, 503, "out of memory");
}

static void run_worker(const struct routing *routing, const struct psv_worker_route *worker)
{
    *routing->route = (struct psv_route){
        .kind = PSV_ROUTE_SCRIPT,
        .script = {.filename = worker->filename, .name = worker->name},
        .worker = worker->number,
    };
}

static void run_script(const struct routing *routing, struct psv_bytes script, struct psv_bytes path_info)
{
    struct psv_arena *arena = &routing->exchange->arena;
    const struct psv_router *router = routing->router;
    size_t root_len = router->document_root_len;
    const struct psv_worker_route *worker = psv_worker_routes_find(router->workers, script);
    if (worker != NULL) {
        run_worker(routing, worker);
        keep_path_info(routing, path_info);
        return;
    }
    char *filename = psv_arena_alloc_text(arena, root_len + script.len + 1);
    if (filename == NULL) {
        refuse(routing, 503, "out of memory");
        return;
    }
    memcpy(filename, router->document_root, root_len);
    memcpy(filename + root_len, script.data, script.len);
    filename[root_len + script.len] = '\0';
    struct psv_route *route = routing->route;
    route->kind = PSV_ROUTE_SCRIPT;
    route->script = (struct psv_script){
        .filename = {filename, root_len + script.len},
        .name = {filename + root_len, script.len},
    };
    route->worker = 0;
    route->rule = route->why = NULL;
    keep_path_info(routing, path_info);
}

/* True when a prefix of the path is a script, or the request was refused.  Deeper candidates exist only below
 * a folder, so that a path of many ".php/" costs no more than one look-up of something absent. */
static bool route_script_path(const struct routing *routing)
{
    struct psv_bytes path = routing->exchange->request.path;
    size_t position = 0;
    struct psv_bytes script;
    struct psv_bytes path_info;
    while (psv_script_path_next(path, &position, &script, &path_info)) {
        if (psv_path_is_hidden(script))
            return false;
        bool is_refused;
        enum psv_cached_kind kind = kind_of(routing, script, &is_refused);
        if (is_refused)
            return true;
        if (kind == PSV_CACHED_SCRIPT) {
            run_script(routing, script, path_info);
            return true;
        }
        if (kind != PSV_CACHED_DIRECTORY)
            return false;
    }
    return false;
}

static void drop_file(void *context)
{
    psv_cached_file_unref(context);
}

/* The exchange's arena keeps the reference, so that nobody else has to think of it.  Takes file; false when
 * there is no memory. */
static bool keep(const struct routing *routing, struct psv_cached_file *file_take)
{
    if (psv_arena_on_fini(&routing->exchange->arena, drop_file, file_take) != 0) {
        psv_cached_file_unref(file_take);
        return false;
    }
    return true;
}

static struct psv_bytes suffix_of(struct psv_bytes coding)
{
    static const struct {
        struct psv_bytes coding;
        struct psv_bytes suffix;
    } suffixes[] = {
        {PSV_BYTES_INIT("br"), PSV_BYTES_INIT(".br")},
        {PSV_BYTES_INIT("gzip"), PSV_BYTES_INIT(".gz")},
        {PSV_BYTES_INIT("zstd"), PSV_BYTES_INIT(".zst")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        if (psv_bytes_equal(coding, suffixes[i].coding))
            return suffixes[i].suffix;
    }
    return PSV_BYTES_EMPTY;
}

/* "app.js.br" beside "app.js", unless it is older: then it is a copy of what "app.js" was. */
static struct psv_cached_file *find_copy_ref(const struct routing *routing,
                                             const struct psv_cached_file *file, struct psv_bytes coding)
{
    struct psv_bytes suffix = suffix_of(coding);
    char *text = psv_arena_alloc_text(&routing->exchange->arena, file->path.len + suffix.len);
    struct psv_cached_file *copy;
    if (text == NULL || suffix.len == 0)
        return NULL;
    memcpy(text, file->path.data, file->path.len);
    memcpy(text + file->path.len, suffix.data, suffix.len);
    struct psv_bytes path = {text, file->path.len + suffix.len};
    if (psv_file_cache_find_ref(&routing->router->cache, path, &copy) != 0)
        return NULL; /* the plain form does as well */
    bool is_current = copy->kind == PSV_CACHED_FILE &&
                      (copy->modified_s > file->modified_s ||
                       (copy->modified_s == file->modified_s && copy->modified_ns >= file->modified_ns));
    if (!is_current) {
        psv_cached_file_unref(copy);
        return NULL;
    }
    return copy;
}

/* takes_type compares with many patterns; the types of files are few, and static texts. */
static bool takes_type(struct psv_router *router, struct psv_bytes type)
{
    size_t slot = ((uintptr_t)type.data >> 3) % PSV_ROUTER_TYPES_KNOWN;
    if (router->types_known[slot].type != type.data) {
        router->types_known[slot].type = type.data;
        router->types_known[slot].is_taken = router->codings.takes_type(router->codings.context, type);
    }
    return router->types_known[slot].is_taken;
}

static void drop_made_copy(void *context)
{
    psv_encoded_file_unref(context);
}

/* A copy of ours; the first requests for a file still get it as it is. */
static void choose_made_copy(const struct routing *routing, struct psv_cached_file *file,
                             const struct psv_body_filter *filter, struct psv_static_choice *choice)
{
    int64_t now_s = (int64_t)(routing->exchange->received_unix_us / 1000000);
    struct psv_encoded_file *copy = psv_encoded_cache_find_ref(routing->router->encoded, file, filter, now_s);
    if (copy == NULL)
        return;
    if (psv_arena_on_fini(&routing->exchange->arena, drop_made_copy, copy) != 0) {
        psv_encoded_file_unref(copy);
        return;
    }
    choice->form = (struct psv_static_form){.coding = filter->coding,
                                            .etag = copy->etag,
                                            .content = copy->content,
                                            .fd = -1,
                                            .size_bytes = copy->size_bytes};
}

/* An encoded copy that this client takes.  Ranges are always of the plain form. */
static void choose_copy(const struct routing *routing, struct psv_cached_file *file,
                        struct psv_static_choice *choice)
{
    const struct psv_router_codings *codings = &routing->router->codings;
    const struct psv_headers *headers = &routing->exchange->request.headers;
    const struct psv_body_filter *ranked[PSV_ROUTER_CODINGS_MAX];
    if (codings->context == NULL || choice->file->size_bytes == 0 ||
        !takes_type(routing->router, choice->file->content_type))
        return;
    choice->varies = true;
    if (psv_headers_find(headers, PSV_FIELD_RANGE) != NULL)
        return;
    unsigned len = codings->rank(codings->context, headers, ranked);
    for (unsigned i = 0; i < len && routing->router->has_siblings; i++) {
        struct psv_cached_file *copy = find_copy_ref(routing, choice->file, ranked[i]->coding);
        if (copy != NULL && keep(routing, copy)) {
            choice->form = psv_static_form_of(copy, ranked[i]->coding);
            return;
        }
    }
    if (len > 0 && routing->router->encoded != NULL)
        choose_made_copy(routing, file, ranked[0], choice);
}

/* Takes file. */
static void send_file(const struct routing *routing, struct psv_cached_file *file_take)
{
    if (!keep(routing, file_take)) {
        refuse(routing, 503, "out of memory");
        return;
    }
    *routing->route =
        (struct psv_route){.kind = PSV_ROUTE_STATIC,
                           .file = {.file = file_take, .form = psv_static_form_of(file_take, PSV_BYTES(""))}};
    choose_copy(routing, file_take, &routing->route->file);
}

/* "/dir/": its index, never a listing. */
static void route_folder(const struct routing *routing, struct psv_bytes path)
{
    char *text = psv_arena_alloc_text(&routing->exchange->arena, path.len + INDEX_NAME_MAX);
    if (text == NULL) {
        refuse(routing, 503, "out of memory");
        return;
    }
    memcpy(text, path.data, path.len);
    for (size_t i = 0; i < ARRAY_SIZE(index_names); i++) {
        memcpy(text + path.len, index_names[i].data, index_names[i].len);
        struct psv_bytes index = {text, path.len + index_names[i].len};
        struct psv_cached_file *file = find_ref(routing, index);
        if (file == NULL)
            return;
        if (file->kind == PSV_CACHED_FILE && routing->router->static_enabled) {
            send_file(routing, file);
            return;
        }
        enum psv_cached_kind kind = file->kind;
        psv_cached_file_unref(file);
        if (kind == PSV_CACHED_SCRIPT) {
            run_script(routing, index, PSV_BYTES_EMPTY);
            return;
        }
    }
    route_nothing(routing, "folder without index");
}

static void redirect_to_folder(const struct routing *routing, struct psv_bytes path)
{
    struct psv_bytes location;
    if (psv_router_folder_location(&routing->exchange->arena, path, routing->exchange->request.query,
                                   &location) != PSV_OK)
        refuse(routing, 503, "out of memory");
    else
        *routing->route = (struct psv_route){.kind = PSV_ROUTE_REDIRECT, .location = location, .status = 301};
}

static void route_file(const struct routing *routing, struct psv_bytes path)
{
    struct psv_cached_file *file = find_ref(routing, path);
    if (file == NULL)
        return;
    enum psv_cached_kind kind = file->kind;
    if (kind == PSV_CACHED_FILE && routing->router->static_enabled) {
        send_file(routing, file);
        return;
    }
    psv_cached_file_unref(file);
    if (kind == PSV_CACHED_DIRECTORY)
        redirect_to_folder(routing, path);
    else if (kind == PSV_CACHED_SCRIPT)
        refuse(routing, 404, "program text is never sent");
    else
        route_nothing(routing, "no such file");
}

static void route_nothing(const struct routing *routing, const char *reason)
{
    if (routing->router->runs_absent) {
        *routing->route = (struct psv_route){
            .kind = PSV_ROUTE_SCRIPT,
            .script = {.filename = PSV_BYTES(""), .name = routing->exchange->request.path}};
        return;
    }
    struct psv_bytes fallback = routing->router->fallback;
    if (fallback.len == 0 || !answer_with(routing, fallback, "the path names nothing: the fallback"))
        refuse(routing, 404, reason);
}

/* A script of worker mode whose pattern the path fits; true: decided.  Files that are there are served all
 * the same, and who asks for another script of worker mode by its name gets that. */
static bool route_matched(const struct routing *routing, struct psv_bytes path)
{
    struct psv_router *router = routing->router;
    const struct psv_worker_route *worker = psv_worker_routes_match(router->workers, path, NULL);
    struct psv_bytes script;
    struct psv_bytes path_info;
    size_t position = 0;
    if (worker == NULL)
        return false;
    if (router->index.len == 0 && psv_script_path_next(path, &position, &script, &path_info) &&
        psv_worker_routes_find(router->workers, script) != NULL)
        return false;
    if (psv_path_is_hidden(path)) {
        refuse(routing, 404, "hidden path");
        return true;
    }
    if (router->static_enabled && path.data[path.len - 1] != '/') {
        struct psv_cached_file *file = find_ref(routing, path);
        if (file == NULL)
            return true; /* refused */
        if (file->kind == PSV_CACHED_FILE) {
            send_file(routing, file);
            routing->route->why = "the file is there: it comes before patterns of workers (match)";
            return true;
        }
        psv_cached_file_unref(file);
    }
    run_worker(routing, worker);
    routing->route->why = "the path fits a pattern of the worker (match)";
    return true;
}

/* "/style.css" that is not there need not wake a worker. */
static bool is_asset(const struct psv_router *router, struct psv_bytes path)
{
    struct psv_bytes rest = router->assets;
    struct psv_bytes extension;
    struct psv_bytes name = psv_bytes_from(path, psv_bytes_find_last(path, '/') + 1);
    size_t dot = psv_bytes_find_last(name, '.');
    if (dot >= name.len)
        return false;
    name = psv_bytes_from(name, dot + 1);
    while (psv_bytes_split(&rest, ',', &extension)) {
        if (psv_bytes_equal_case(psv_bytes_trim(extension), name))
            return true;
    }
    return false;
}

/* A script or file of the configuration answers; false: there is none, and nothing was decided. */
static bool answer_with(const struct routing *routing, struct psv_bytes path, const char *why)
{
    if (is_asset(routing->router, routing->exchange->request.path)) {
        refuse(routing, 404, "no such file (asset-extensions)");
        return true;
    }
    struct psv_cached_file *file = find_ref(routing, path);
    if (file == NULL)
        return true; /* refused */
    enum psv_cached_kind kind = file->kind;
    if (kind == PSV_CACHED_FILE) {
        send_file(routing, file);
    } else {
        psv_cached_file_unref(file);
        if (kind != PSV_CACHED_SCRIPT)
            return false;
        run_script(routing, path, PSV_BYTES_EMPTY);
    }
    routing->route->why = why;
    return true;
}

/* Files, and the index for all the rest. */
static void route_with_index(const struct routing *routing, struct psv_bytes path)
{
    size_t position = 0;
    struct psv_bytes script;
    struct psv_bytes path_info;
    if (psv_path_is_hidden(path)) {
        refuse(routing, 404, "hidden path");
        return;
    }
    if (psv_script_path_next(path, &position, &script, &path_info)) {
        refuse(routing, 404, "scripts are reached through the index only");
        return;
    }
    if (path.data[path.len - 1] != '/' && !psv_bytes_equal(path, routing->router->index)) {
        struct psv_cached_file *file = find_ref(routing, path);
        if (file == NULL)
            return;
        if (file->kind == PSV_CACHED_FILE && routing->router->static_enabled) {
            send_file(routing, file);
            return;
        }
        enum psv_cached_kind kind = file->kind;
        psv_cached_file_unref(file);
        if (kind == PSV_CACHED_SCRIPT) {
            refuse(routing, 404, "program text is never sent");
            return;
        }
    }
    if (!answer_with(routing, routing->router->index, "no file: the index answers"))
        refuse(routing, 404, "the index is not in the document root");
}
