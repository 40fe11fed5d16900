/* Reads, checks and applies the settings of sites; see php_site_settings.h.  Strings of the engine belong to
 * one thread, so that each keeps its own copies of what it has applied.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_site_settings.h"

#include <zend_ini_scanner.h>

#include "base/memory.h"
#include "config/config.h"
#include "php_ini_settings.h"
#include "php_thread.h"
#include "phpsrv/message.h"

#define SETTINGS_MAX 256

struct setting {
    char *name;
    char *value;
};

/* One site's, those around it first. */
struct site_settings {
    size_t len;
    struct setting items[SETTINGS_MAX];
};

/* The same as strings of one thread. */
struct psv_php_site_cache {
    struct psv_php_site_cache *next;
    const struct site_settings *settings;
    size_t len;
    struct {
        zend_string *name;
        zend_string *value;
    } items[];
};

/* Read when the engine starts, and by nobody later. */
static const char *const startup_only[] = {
    "disable_classes",
    "disable_functions",
    "extension",
    "extension_dir",
    "opcache.file_cache",
    "opcache.file_cache_only",
    "opcache.interned_strings_buffer",
    "opcache.jit_buffer_size",
    "opcache.max_accelerated_files",
    "opcache.memory_consumption",
    "opcache.preload",
    "opcache.preload_user",
    "zend_extension",
};

struct reading {
    struct site_settings *settings;
    struct psv_error *reterr;
    int code;
};

static int add(struct site_settings *settings, const char *name, const char *value)
{
    if (settings->len == SETTINGS_MAX)
        return PSV_ELIMIT;
    struct setting setting = {psv_strndup(name, strlen(name)), psv_strndup(value, strlen(value))};
    if (setting.name == NULL || setting.value == NULL) {
        psv_free(setting.name);
        psv_free(setting.value);
        return PSV_ENOMEM;
    }
    settings->items[settings->len++] = setting;
    return PSV_OK;
}

static bool is_startup_only(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(startup_only); i++) {
        if (strcmp(name, startup_only[i]) == 0)
            return true;
    }
    return false;
}

/* Whether PHP would take it; the boot thread's own value is put back. */
static bool is_taken(zend_string *name, zend_string *value)
{
    if (zend_alter_ini_entry_ex(name, value, PHP_INI_USER, PHP_INI_STAGE_ACTIVATE, true) != SUCCESS)
        return false;
    (void)zend_restore_ini_entry(name, PHP_INI_STAGE_SHUTDOWN);
    return true;
}

static int check(zend_string *name, zend_string *value, struct psv_error *reterr)
{
    if (is_startup_only(ZSTR_VAL(name)))
        return psv_error_set(reterr, PSV_EINVAL,
                             "php.ini_values: %s is for the whole server: PHP reads it when it starts",
                             ZSTR_VAL(name));
    if (!zend_hash_exists(EG(ini_directives), name))
        return psv_error_set(reterr, PSV_EINVAL,
                             "php.ini_values: PHP knows no setting %s (is its extension loaded?)",
                             ZSTR_VAL(name));
    if (!is_taken(name, value))
        return psv_error_set(reterr, PSV_EINVAL, "php.ini_values: PHP does not take %s=%s", ZSTR_VAL(name),
                             ZSTR_VAL(value));
    return PSV_OK;
}

/* Called by PHP's parser of ini files for each line. */
static void on_line(zval *name, zval *value, zval *index, int kind, void *context)
{
    struct reading *reading = context;
    (void)index;
    if (reading->code != PSV_OK || name == NULL)
        return;
    if (kind != ZEND_INI_PARSER_ENTRY || Z_TYPE_P(name) != IS_STRING) {
        reading->code =
            psv_error_set(reading->reterr, PSV_EINVAL,
                          "php.ini_values: sections and lists have no place in a site's settings");
        return;
    }
    zend_string *text = value != NULL ? zval_get_string(value) : ZSTR_EMPTY_ALLOC();
    reading->code = check(Z_STR_P(name), text, reading->reterr);
    if (reading->code == PSV_OK) {
        reading->code = add(reading->settings, Z_STRVAL_P(name), ZSTR_VAL(text));
        if (reading->code != PSV_OK)
            (void)psv_error_set(reading->reterr, reading->code, "php.ini_values: %s",
                                psv_error_text(reading->code));
    }
    zend_string_release(text);
}

int psv_php_site_settings_start(const struct psv_config_list *list, const void *around, void **ret,
                                struct psv_error *reterr)
{
    const struct site_settings *outer = around;
    char *text = NULL;
    struct reading reading = {.settings = psv_calloc(1, sizeof(*reading.settings)), .reterr = reterr};
    if (reading.settings == NULL)
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for a site's settings");
    for (size_t i = 0; outer != NULL && i < outer->len && reading.code == PSV_OK; i++)
        reading.code = add(reading.settings, outer->items[i].name, outer->items[i].value);
    if (reading.code == PSV_OK)
        reading.code = psv_php_ini_join_entries(list->items, list->len, &text, reterr);
    if (reading.code == PSV_OK &&
        zend_parse_ini_string(text, true, ZEND_INI_SCANNER_NORMAL, on_line, &reading) != SUCCESS &&
        reading.code == PSV_OK)
        reading.code = psv_error_set(reterr, PSV_EINVAL,
                                     "php.ini_values of a site cannot be read: the line above says why");
    psv_php_ini_free_entries(text);
    if (reading.code != PSV_OK) {
        psv_php_site_settings_stop(reading.settings);
        return reading.code;
    }
    *ret = reading.settings;
    return PSV_OK;
}

void psv_php_site_settings_stop(void *context)
{
    struct site_settings *settings = context;
    for (size_t i = 0; settings != NULL && i < settings->len; i++) {
        psv_free(settings->items[i].name);
        psv_free(settings->items[i].value);
    }
    psv_free(settings);
}

/* ---- on a worker */

static struct psv_php_site_cache *find(struct psv_php_thread *thread, const struct site_settings *settings)
{
    struct psv_php_site_cache *cache = thread->site_settings;
    while (cache != NULL && cache->settings != settings)
        cache = cache->next;
    if (cache != NULL)
        return cache;
    cache = psv_malloc(sizeof(*cache) + settings->len * sizeof(cache->items[0]));
    if (cache == NULL)
        return NULL;
    *cache = (struct psv_php_site_cache){
        .next = thread->site_settings, .settings = settings, .len = settings->len};
    for (size_t i = 0; i < cache->len; i++) {
        const struct setting *setting = &settings->items[i];
        cache->items[i].name = zend_string_init(setting->name, strlen(setting->name), true);
        cache->items[i].value = zend_string_init(setting->value, strlen(setting->value), true);
    }
    thread->site_settings = cache;
    return cache;
}

void psv_php_site_settings_apply(struct psv_php_thread *thread)
{
    const struct site_settings *settings = thread->message->settings;
    if (EXPECTED(settings == NULL))
        return;
    const struct psv_php_site_cache *cache = find(thread, settings);
    if (cache == NULL)
        zend_error_noreturn(E_ERROR, "Out of memory for the settings of the site");
    for (size_t i = 0; i < cache->len; i++)
        (void)zend_alter_ini_entry_ex(cache->items[i].name, cache->items[i].value, PHP_INI_USER,
                                      PHP_INI_STAGE_ACTIVATE, true);
}

void psv_php_site_settings_forget(struct psv_php_site_cache *cache)
{
    while (cache != NULL) {
        struct psv_php_site_cache *next = cache->next;
        for (size_t i = 0; i < cache->len; i++) {
            zend_string_release_ex(cache->items[i].name, true);
            zend_string_release_ex(cache->items[i].value, true);
        }
        psv_free(cache);
        cache = next;
    }
}
