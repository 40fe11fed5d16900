/* Reads the scripts of worker mode, then finds their sites and files.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#include "config_workers.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_parse.h"
#include "option_value.h"
#include "toml_reader.h"

#define WORKER "worker"
#define SECTION "worker_mode"
#define COUNT_MAX 4096

/* ---- keys */

/* "worker[1].count" taken apart; index_plus_1 0: the list itself. */
struct place {
    size_t index_plus_1;
    struct psv_bytes key; /* empty: the table */
};

static bool find_place(struct psv_bytes path, struct place *ret)
{
    bool is_list = false;
    *ret = (struct place){.index_plus_1 = 0};
    bool is_found = psv_config_file_take_table(&path, WORKER, &is_list, &ret->index_plus_1);
    ret->key = path;
    return is_found;
}

bool psv_config_is_of_worker(struct psv_bytes path)
{
    struct place place;
    return find_place(path, &place);
}

int psv_config_check_worker_tables(const struct psv_config_file *file, struct psv_bytes path,
                                   const struct psv_toml_value *value)
{
    struct place place;
    if (!find_place(path, &place) || place.index_plus_1 > 0) {
        return 0;
    }
    if (!psv_config_file_are_tables(value)) {
        return psv_error_set(
            file->reterr, PSV_EINVAL,
            "%s:%u:%u: \"" WORKER "\" is a list of tables, each under a line [[" WORKER
            "]] for one script of worker mode; the threads for all other scripts are [workers]",
            file->name, value->key_line, value->key_column);
    }
    if (value->len > PSV_CONFIG_WORKERS_MAX) {
        return psv_error_set(file->reterr, PSV_ELIMIT, "%s:%u: more than %d scripts of worker mode",
                             file->name, value->line, PSV_CONFIG_WORKERS_MAX);
    }
    file->loaded->worker_tables_len = value->len;
    return 0;
}

const struct psv_option *psv_config_worker_option(struct psv_bytes key)
{
    char path[64];
    if (key.len > sizeof(path) - sizeof(SECTION ".") || psv_bytes_equal(key, PSV_BYTES("scripts"))) {
        return NULL;
    }
    int len = snprintf(path, sizeof(path), SECTION ".%.*s", PSV_BYTES_ARG(key));
    return psv_option_find_path((struct psv_bytes){path, (size_t)len});
}

uint32_t psv_config_worker_bit(const struct psv_option *option)
{
    unsigned position = 0;
    for (const struct psv_option *before = psv_options; before < option; before++) {
        position += psv_bytes_equal(psv_option_section(before), PSV_BYTES(SECTION));
    }
    return UINT32_C(1) << (position & 31);
}

static int refuse_key(const struct psv_config_file *file, struct psv_bytes key,
                      const struct psv_toml_value *value)
{
    static const char *const own[] = {"script", "name", "site"};
    const char *near = NULL;
    unsigned best = UINT_MAX;
    char quoted[PSV_OPTION_QUOTE_BYTES];

    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        near = psv_option_is_near(key, psv_bytes_of(own[i]), &best) ? own[i] : near;
    }
    for (size_t i = 0; i < psv_options_len; i++) {
        struct psv_bytes name = psv_bytes_from(psv_bytes_of(psv_options[i].path), sizeof(SECTION));
        if (psv_bytes_equal(psv_option_section(&psv_options[i]), PSV_BYTES(SECTION)) &&
            !psv_bytes_equal(name, PSV_BYTES("scripts")) && psv_option_is_near(key, name, &best)) {
            near = name.data;
        }
    }
    return psv_error_set(file->reterr, PSV_EINVAL, "%s:%u:%u: unknown key %s in [[" WORKER "]]; %s%s%s",
                         file->name, value->key_line, value->key_column, psv_option_quote(quoted, key),
                         near != NULL ? "did you mean \"" : "docs/worker-mode.md lists all keys",
                         near != NULL ? near : "", near != NULL ? "\"?" : "");
}

/* ---- filling */

struct reading {
    struct psv_config_file file;
    struct psv_config_worker *tables; /* those of the file */
    struct psv_config scratch;        /* what psv_config_file_set_as can fill */
};

static void begin(const struct psv_config_loaded *loaded, struct psv_config_worker *worker, unsigned line)
{
    *worker = (struct psv_config_worker){
        .name = "", .site = "", .given = "", .line = line, .mode = loaded->config.worker_mode};
    worker->mode.scripts = (struct psv_config_list){.len = 0};
}

/* script, name or site. */
static int set_text(const struct psv_config_file *file, struct psv_bytes key, const char **ret,
                    const struct psv_toml_value *value)
{
    const struct psv_option shape = {.type = PSV_OPTION_TEXT, .min = 1, .max = PATH_MAX - 1, .offset = 0};
    char name[32];
    struct psv_config *text = (struct psv_config *)(void *)ret; /* offset 0: nothing else is written */
    (void)snprintf(name, sizeof(name), WORKER ".%.*s", PSV_BYTES_ARG(key));
    return psv_config_file_set_as(file, &shape, text, value, name);
}

static int set_key(struct reading *reading, struct psv_config_worker *worker, struct psv_bytes key,
                   const struct psv_toml_value *value)
{
    const struct psv_config_file *file = &reading->file;
    if (psv_bytes_equal(key, PSV_BYTES("script"))) {
        return set_text(file, key, &worker->given, value);
    }
    if (psv_bytes_equal(key, PSV_BYTES("name"))) {
        worker->is_named = true;
        return set_text(file, key, &worker->name, value);
    }
    if (psv_bytes_equal(key, PSV_BYTES("site"))) {
        return set_text(file, key, &worker->site, value);
    }
    const struct psv_option *option = psv_config_worker_option(key);
    if (option == NULL) {
        return refuse_key(file, key, value);
    }
    reading->scratch.worker_mode = worker->mode;
    if (option->type == PSV_OPTION_LIST) { /* it takes the place of the one for all */
        struct psv_config_list *list = (void *)((char *)&reading->scratch + option->offset);
        *list = (struct psv_config_list){.len = 0};
    }
    char name[64];
    (void)snprintf(name, sizeof(name), WORKER ".%.*s", PSV_BYTES_ARG(key));
    int result = psv_config_file_set_as(file, option, &reading->scratch, value, name);
    if (result == 0) {
        worker->mode = reading->scratch.worker_mode;
        worker->set |= psv_config_worker_bit(option);
    }
    return result;
}

static int visit(struct psv_bytes path, const struct psv_toml_value *value, void *argument)
{
    struct reading *reading = argument;
    struct place place;
    if (!find_place(path, &place) || place.index_plus_1 == 0) {
        return 0;
    }
    struct psv_config_worker *worker = &reading->tables[place.index_plus_1 - 1];
    if (place.key.len == 0) {
        begin(reading->file.loaded, worker, value->line);
        return 0;
    }
    return set_key(reading, worker, place.key, value);
}

static int read_tables(struct psv_config_loaded *loaded, struct psv_bytes text, const char *name,
                       struct psv_error *reterr)
{
    struct reading reading = {.file = {.loaded = loaded, .name = name, .reterr = reterr},
                              .tables = loaded->workers + loaded->workers_len};
    int result = psv_toml_read(text, name, visit, &reading, reterr);
    for (size_t i = 0; i < loaded->worker_tables_len && result == 0; i++) {
        if (reading.tables[i].given[0] == '\0') {
            result = psv_error_set(reterr, PSV_EINVAL,
                                   "%s:%u: this [[" WORKER "]] has no script, such as script = \"index.php\"",
                                   name, reading.tables[i].line);
        }
    }
    loaded->workers_len += loaded->worker_tables_len;
    return result;
}

/* "FILE" or "FILE,N". */
static int read_item(struct psv_config_loaded *loaded, const char *item, struct psv_error *reterr)
{
    struct psv_config_worker *worker = &loaded->workers[loaded->workers_len];
    struct psv_bytes text = psv_bytes_of(item);
    size_t comma = psv_bytes_find_last(text, ',');
    uint64_t *count = &worker->mode.count;

    begin(loaded, worker, 0);
    if (comma < text.len &&
        (psv_parse_u64(psv_bytes_from(text, comma + 1), count) != 0 || *count == 0 || *count > COUNT_MAX)) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "--worker \"%s\": behind the comma is no number of threads from 1 to %d", item,
                             COUNT_MAX);
    }
    if (comma == 0) {
        return psv_error_set(reterr, PSV_EINVAL, "--worker \"%s\": before the comma is no file", item);
    }
    worker->given = psv_arena_copy(&loaded->arena, psv_bytes_first(text, comma)).data;
    loaded->workers_len++;
    return worker->given == NULL ? psv_error_set(reterr, PSV_ENOMEM, "out of memory") : 0;
}

/* ---- sites and files */

bool psv_config_worker_serves(const struct psv_config_loaded *loaded, const struct psv_config_worker *worker,
                              size_t number)
{
    return worker->site_number == PSV_CONFIG_ANY_SITE ||
           worker->site_number == psv_config_site_of(loaded, number);
}

/* By its name, else by one of its hosts. */
static bool is_called(const struct psv_config_site *site, const char *name)
{
    const char *own = site->name[0] != '\0' ? site->name : site->hosts.len == 0 ? "default" : "";
    bool is_so = strcmp(own, name) == 0;
    for (size_t i = 0; i < site->hosts.len; i++) {
        is_so |= psv_bytes_equal_case(psv_bytes_of(site->hosts.items[i]), psv_bytes_of(name));
    }
    return is_so;
}

/* Site_number stays beyond all scopes when there is no such site. */
static void find_site(const struct psv_config_loaded *loaded, struct psv_config_worker *worker)
{
    worker->site_number = worker->site[0] == '\0' ? PSV_CONFIG_ANY_SITE : loaded->scopes_len + 1;
    for (size_t number = 0; number <= loaded->scopes_len && worker->site[0] != '\0'; number++) {
        if (psv_config_site_of(loaded, number) == number &&
            is_called(&psv_config_of_scope(loaded, number)->site, worker->site)) {
            worker->site_number = number;
            return;
        }
    }
}

/* From the working directory, else from a document root of its sites. */
static bool find_file(const struct psv_config_loaded *loaded, const struct psv_config_worker *worker,
                      char real[PATH_MAX])
{
    char path[PATH_MAX * 2];
    if (realpath(worker->given, real) != NULL) {
        return true;
    }
    for (size_t number = 0; number <= loaded->scopes_len && worker->given[0] != '/'; number++) {
        (void)snprintf(path, sizeof(path), "%s/%s", psv_config_of_scope(loaded, number)->site.docroot,
                       worker->given);
        if (psv_config_worker_serves(loaded, worker, number) && realpath(path, real) != NULL) {
            return true;
        }
    }
    return false;
}

/* The scope with the longest document root around the script. */
static void find_home(const struct psv_config_loaded *loaded, struct psv_config_worker *worker)
{
    struct psv_bytes script = psv_bytes_of(worker->script);
    char root[PATH_MAX];
    size_t longest = 0;
    worker->home_number = worker->site_number <= loaded->scopes_len ? worker->site_number : 0;
    for (size_t number = 0; number <= loaded->scopes_len; number++) {
        if (!psv_config_worker_serves(loaded, worker, number) ||
            realpath(psv_config_of_scope(loaded, number)->site.docroot, root) == NULL) {
            continue;
        }
        struct psv_bytes folder = psv_bytes_of(root);
        if (folder.len > longest && psv_bytes_starts_with(script, folder) && folder.len < script.len &&
            (folder.len == 1 || script.data[folder.len] == '/')) {
            longest = folder.len;
            worker->home_number = number;
        }
    }
}

static int resolve(struct psv_config_loaded *loaded, struct psv_config_worker *worker,
                   struct psv_error *reterr)
{
    char real[PATH_MAX];
    find_site(loaded, worker);
    worker->script = worker->given;
    if (find_file(loaded, worker, real)) {
        worker->script = psv_arena_copy(&loaded->arena, psv_bytes_of(real)).data;
    }
    if (worker->script == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    if (!worker->is_named) {
        worker->name = worker->script;
    }
    find_home(loaded, worker);
    return 0;
}

int psv_config_apply_workers(struct psv_config_loaded *loaded, struct psv_bytes text, const char *name,
                             struct psv_error *reterr)
{
    const struct psv_config_list *scripts = &loaded->config.worker_mode.scripts;
    size_t len = scripts->len + loaded->worker_tables_len;
    int result = 0;

    if (len == 0) {
        return 0;
    }
    if (len > PSV_CONFIG_WORKERS_MAX) {
        return psv_error_set(reterr, PSV_ELIMIT, "more than %d scripts of worker mode",
                             PSV_CONFIG_WORKERS_MAX);
    }
    loaded->workers = psv_arena_calloc(&loaded->arena, len * sizeof(*loaded->workers));
    if (loaded->workers == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < scripts->len && result == 0; i++) {
        result = read_item(loaded, scripts->items[i], reterr);
    }
    if (result == 0 && loaded->worker_tables_len > 0) {
        result = read_tables(loaded, text, name, reterr);
    }
    for (size_t i = 0; i < loaded->workers_len && result == 0; i++) {
        result = resolve(loaded, &loaded->workers[i], reterr);
    }
    return result;
}
