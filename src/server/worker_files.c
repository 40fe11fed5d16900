/* See worker_files.h.
 *
 * SPDX-License-Identifier: MIT */
#include "worker_files.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "http/file_pattern.h"
#include "observe/log.h"
#include "os/clock.h"
#include "phpsrv/executor.h"
#include "server/quiet_watch.h"
#include "server/server_state.h"
#include "server/worker_restart.h"

/* Told when it has been quiet for so long, and so long after the first change at the latest. */
#define QUIET_NS (UINT64_C(50) * PSV_NS_PER_MS)
#define LATEST_NS (UINT64_C(500) * PSV_NS_PER_MS)
#define PATTERNS_MAX 1024

/* Of a folder: what applications are made of, and not what they write: logs, databases, sessions, uploads. */
#define KINDS "php,phtml,inc,twig,latte,tpl,mustache,hbs,yaml,yml,xml,neon,json,ini,env,po,mo"

struct pattern {
    unsigned group;
    char *text; /* absolute */
};

struct psv_worker_files {
    struct psv_server *server;
    struct psv_quiet_watch quiet;
    struct pattern *patterns;
    unsigned patterns_len;
    bool *has_changed; /* by group */
};

/* ---- changes */

static void note_change(struct psv_worker_files *files, unsigned group, const char *path)
{
    if (!files->has_changed[group]) {
        PSV_LOG(PSV_LOG_INFO, "worker.file_changed",
                PSV_LOG_TEXT("name", files->server->groups[group].script->name), PSV_LOG_TEXT("file", path));
    }
    files->has_changed[group] = true;
}

static void on_change(const struct psv_watch_event *event, void *context)
{
    struct psv_worker_files *files = context;
    char path[PATH_MAX];
    bool is_any = false;

    if (event->name != NULL &&
        snprintf(path, sizeof(path), "%s/%s", event->folder, event->name) >= (int)sizeof(path)) {
        return;
    }
    for (unsigned i = 0; i < files->patterns_len; i++) {
        const struct pattern *pattern = &files->patterns[i];
        if (event->name == NULL ||
            psv_file_pattern_matches(psv_bytes_of(pattern->text), psv_bytes_of(path))) {
            note_change(files, pattern->group, event->name != NULL ? path : "many");
            is_any = true;
        }
    }
    if (is_any) {
        psv_quiet_watch_note(&files->quiet);
    }
}

static bool on_quiet(void *context)
{
    struct psv_worker_files *files = context;

    for (unsigned i = 1; i < files->server->groups_len; i++) {
        if (files->has_changed[i]) {
            files->has_changed[i] = false;
            psv_worker_restart(files->server, i, "changed files");
        }
    }
    return true;
}

bool psv_worker_files_are_changing(const struct psv_server *server)
{
    bool is_any = server->worker_files != NULL && psv_quiet_watch_is_changing(&server->worker_files->quiet);

    for (unsigned i = 1; i < server->groups_len; i++) {
        is_any |= psv_worker_restart_is_pending(server, i);
    }
    return is_any;
}

/* ---- boot */

bool psv_worker_files_are_watched(const struct psv_server *server, unsigned group)
{
    return server->config->dev.enabled || server->loaded->workers[group - 1].mode.watch.len > 0;
}

static void add_pattern(struct psv_worker_files *files, unsigned group, const char *text)
{
    char *copy = files->patterns_len < PATTERNS_MAX ? psv_calloc(1, strlen(text) + 1) : NULL;

    if (copy == NULL) {
        PSV_LOG(PSV_LOG_WARN, "worker.not_watched", PSV_LOG_TEXT("file", text),
                PSV_LOG_TEXT("reason", "too many patterns, or no memory"));
        return;
    }
    memcpy(copy, text, strlen(text));
    files->patterns[files->patterns_len++] = (struct pattern){.group = group, .text = copy};
}

static void watch_base(struct psv_worker_files *files, const char *base, bool is_tree)
{
    int code = is_tree ? psv_watch_add_tree(files->quiet.watch, base)
                       : psv_watch_add_folder(files->quiet.watch, base);

    if (code != PSV_OK && code != PSV_ELIMIT) {
        PSV_LOG(PSV_LOG_WARN, "worker.not_watched", PSV_LOG_TEXT("file", base),
                PSV_LOG_TEXT("reason", psv_error_text(code)));
    }
}

/* What changes in a folder, or a file: found by its folder, also when it is replaced by another. */
static void watch_plain(struct psv_worker_files *files, unsigned group, const char *real)
{
    char text[PATH_MAX + sizeof(KINDS) + 16];
    char folder[PATH_MAX];
    struct stat status;

    if (stat(real, &status) == 0 && S_ISDIR(status.st_mode)) {
        (void)snprintf(text, sizeof(text), "%s/**.{" KINDS "}", real);
        add_pattern(files, group, text);
        watch_base(files, real, true);
        return;
    }
    add_pattern(files, group, real);
    size_t len = psv_bytes_find_last(psv_bytes_of(real), '/');
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)MAX(len, (size_t)1), real);
    watch_base(files, folder, false);
}

static void watch_item(struct psv_worker_files *files, unsigned group, const char *item)
{
    struct psv_bytes text = psv_bytes_of(item);
    size_t base_len = psv_file_pattern_base_len(text);
    char base[PATH_MAX];
    char whole[2 * PATH_MAX];

    (void)snprintf(base, sizeof(base), "%.*s", (int)base_len, item);
    char *real = realpath(base_len > 0 ? base : item[0] == '/' ? "/" : ".", NULL);
    if (real == NULL) {
        PSV_LOG(PSV_LOG_WARN, "worker.not_watched", PSV_LOG_TEXT("file", item),
                PSV_LOG_TEXT("reason", "there is no such file or folder"));
        return;
    }
    if (psv_file_pattern_is_plain(text)) {
        watch_plain(files, group, real);
    } else {
        const char *rest = item + base_len + (item[base_len] == '/');
        (void)snprintf(whole, sizeof(whole), "%s/%s", strcmp(real, "/") == 0 ? "" : real, rest);
        add_pattern(files, group, whole);
        watch_base(files, real, true);
    }
    free(real); // NOLINT: realpath's
}

/* With --dev: the folder of the application.  That of the document root, or the one around it when Composer
 * has its file there. */
static void watch_application(struct psv_worker_files *files, unsigned group)
{
    size_t home = files->server->loaded->workers[group - 1].home_number;
    const char *docroot = files->server->pipeline.sites.items[home].dynamic.document_root.data;
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/../composer.json", docroot) < (int)sizeof(path) &&
        access(path, F_OK) == 0) {
        (void)snprintf(path, sizeof(path), "%s/..", docroot);
        watch_item(files, group, path);
    } else {
        watch_item(files, group, docroot);
    }
}

static void watch_all(struct psv_worker_files *files)
{
    const struct psv_server *server = files->server;

    for (unsigned i = 1; i < server->groups_len; i++) {
        const struct psv_config_list *items = &server->loaded->workers[i - 1].mode.watch;
        for (size_t k = 0; k < items->len; k++) {
            watch_item(files, i, items->items[k]);
        }
        if (items->len == 0 && server->config->dev.enabled) {
            watch_application(files, i);
        }
    }
}

static bool is_any_watched(const struct psv_server *server)
{
    bool is_any = false;

    for (unsigned i = 1; i < server->groups_len; i++) {
        is_any |= psv_worker_files_are_watched(server, i);
    }
    return is_any;
}

int psv_worker_files_boot(struct psv_server *server, struct psv_error *reterr)
{
    struct psv_error error = {0};

    if (!is_any_watched(server)) {
        return PSV_OK;
    }
    struct psv_worker_files *files = psv_calloc(1, sizeof(*files));
    if (files == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory to watch files");
    }
    server->worker_files = files;
    files->server = server;
    files->has_changed = psv_calloc(server->groups_len, sizeof(*files->has_changed));
    files->patterns = psv_calloc(PATTERNS_MAX, sizeof(*files->patterns));
    if (files->has_changed == NULL || files->patterns == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory to watch files");
    }
    const struct psv_quiet_watch_options options = {
        .loop = &server->loop,
        .quiet_ns = QUIET_NS,
        .latest_ns = LATEST_NS,
        .folders_max = (unsigned)server->config->dev.watch_folders_max,
        .on_change = on_change,
        .on_quiet = on_quiet,
        .context = files,
    };
    if (psv_quiet_watch_init(&files->quiet, &options, &error) != PSV_OK) {
        PSV_LOG(PSV_LOG_WARN, "worker.nothing_watched", PSV_LOG_TEXT("reason", error.message));
        return PSV_OK; /* the rest works without */
    }
    watch_all(files);
    int code = psv_quiet_watch_start(&files->quiet, "worker.too_many_folders");
    return code == PSV_OK ? PSV_OK : psv_error_set(reterr, code, "no memory to watch files");
}

struct psv_worker_files *psv_worker_files_free(struct psv_worker_files *files)
{
    if (files == NULL) {
        return NULL;
    }
    psv_quiet_watch_fini(&files->quiet);
    for (unsigned i = 0; i < files->patterns_len; i++) {
        psv_free(files->patterns[i].text);
    }
    psv_free(files->patterns);
    psv_free(files->has_changed);
    return psv_free(files);
}
