/* See php_worker_touched.h.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_worker_touched.h"

#include <locale.h>

#include <ext/standard/basic_functions.h>
#include <ext/standard/file.h>

#include "php_tables.h"

enum group {
    GROUP_AUTOLOADERS,
    GROUP_DIRECTORY,
    GROUP_ENVIRONMENT,
    GROUP_FOLDER,
    GROUP_LIBXML,
    GROUP_LOCALE,
    GROUP_MBSTRING,
    GROUP_RANDOM,
    GROUP_STREAM_CONTEXT,
    GROUP_TIMEZONE,
    GROUP_UMASK,
    GROUP_COUNT
};

/* GROUP_FOLDER has none: it is no setting. */
static const char *const group_names[GROUP_COUNT] = {
    [GROUP_AUTOLOADERS] = "autoloaders", [GROUP_DIRECTORY] = "working directory",
    [GROUP_ENVIRONMENT] = "environment", [GROUP_LIBXML] = "libxml's errors and loader",
    [GROUP_LOCALE] = "locale",           [GROUP_MBSTRING] = "mbstring",
    [GROUP_RANDOM] = "random seed",      [GROUP_STREAM_CONTEXT] = "default stream context",
    [GROUP_TIMEZONE] = "time zone",      [GROUP_UMASK] = "umask",
};

/* ---- noticing */

static struct setter {
    const char *name;
    enum group group;
    zif_handler handler; /* PHP's own; written at start */
} setters[] = {
    {"chdir", GROUP_DIRECTORY, NULL},
    {"date_default_timezone_set", GROUP_TIMEZONE, NULL},
    {"dir", GROUP_FOLDER, NULL},
    {"libxml_set_external_entity_loader", GROUP_LIBXML, NULL},
    {"libxml_use_internal_errors", GROUP_LIBXML, NULL},
    {"mb_detect_order", GROUP_MBSTRING, NULL},
    {"mb_http_output", GROUP_MBSTRING, NULL},
    {"mb_internal_encoding", GROUP_MBSTRING, NULL},
    {"mb_language", GROUP_MBSTRING, NULL},
    {"mb_regex_encoding", GROUP_MBSTRING, NULL},
    {"mb_regex_set_options", GROUP_MBSTRING, NULL},
    {"mb_substitute_character", GROUP_MBSTRING, NULL},
    {"mt_srand", GROUP_RANDOM, NULL},
    {"opendir", GROUP_FOLDER, NULL},
    {"putenv", GROUP_ENVIRONMENT, NULL},
    {"setlocale", GROUP_LOCALE, NULL},
    {"spl_autoload_register", GROUP_AUTOLOADERS, NULL},
    {"spl_autoload_unregister", GROUP_AUTOLOADERS, NULL},
    {"srand", GROUP_RANDOM, NULL},
    {"stream_context_get_default", GROUP_STREAM_CONTEXT, NULL},
    {"stream_context_set_default", GROUP_STREAM_CONTEXT, NULL},
    {"umask", GROUP_UMASK, NULL},
};

static _Thread_local unsigned touched; /* one bit for each group */

static void on_setter(INTERNAL_FUNCTION_PARAMETERS)
{
    const zend_string *name = EX(func)->common.function_name;
    for (size_t i = 0; i < ARRAY_SIZE(setters); i++) {
        if (strcmp(ZSTR_VAL(name), setters[i].name) != 0)
            continue;
        if (ZEND_NUM_ARGS() > 0 || setters[i].group == GROUP_RANDOM ||
            setters[i].group == GROUP_AUTOLOADERS || setters[i].group == GROUP_STREAM_CONTEXT)
            touched |= 1u << setters[i].group;
        setters[i].handler(INTERNAL_FUNCTION_PARAM_PASSTHRU);
        return;
    }
}

void psv_php_touched_on_module_init(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(setters); i++)
        setters[i].handler = psv_php_replace_function(setters[i].name, on_setter);
}

/* ---- PHP's own functions */

/* LC_ALL comes first, for those that PHP has no name for (paper, telephone numbers). */
static const int locale_categories[] = {LC_ALL,     LC_CTYPE, LC_COLLATE, LC_MONETARY,
                                        LC_NUMERIC, LC_TIME,  LC_MESSAGES};

/* Without an argument they tell, with one they set. */
static const char *const mb_functions[] = {
    "mb_language",     "mb_internal_encoding", "mb_http_output",       "mb_substitute_character",
    "mb_detect_order", "mb_regex_encoding",    "mb_regex_set_options",
};

enum value {
    VALUE_AUTOLOADERS,
    VALUE_DIRECTORY,
    VALUE_ENVIRONMENT, /* name -> value, or false: not there */
    VALUE_LIBXML_ERRORS,
    VALUE_LIBXML_LOADER,
    VALUE_STREAM_OPTIONS, /* null: there is no default context */
    VALUE_TIMEZONE,
    VALUE_UMASK,
    VALUE_LOCALE,
    VALUE_MB = VALUE_LOCALE + ARRAY_SIZE(locale_categories),
    VALUE_COUNT = VALUE_MB + ARRAY_SIZE(mb_functions)
};

struct psv_php_kept {
    zval values[VALUE_COUNT];
};

static enum group group_of(unsigned value)
{
    static const enum group groups[] = {
        [VALUE_AUTOLOADERS] = GROUP_AUTOLOADERS, [VALUE_DIRECTORY] = GROUP_DIRECTORY,
        [VALUE_ENVIRONMENT] = GROUP_ENVIRONMENT, [VALUE_LIBXML_ERRORS] = GROUP_LIBXML,
        [VALUE_LIBXML_LOADER] = GROUP_LIBXML,    [VALUE_STREAM_OPTIONS] = GROUP_STREAM_CONTEXT,
        [VALUE_TIMEZONE] = GROUP_TIMEZONE,       [VALUE_UMASK] = GROUP_UMASK,
    };
    if (value < VALUE_LOCALE)
        return groups[value];
    return value < VALUE_MB ? GROUP_LOCALE : GROUP_MBSTRING;
}

/* False: there is no such function, or it has failed. */
static bool call(const char *name, zval *ret_value, uint32_t len, zval *arguments)
{
    zend_function *function = zend_hash_str_find_ptr(EG(function_table), name, strlen(name));
    ZVAL_UNDEF(ret_value);
    if (function == NULL)
        return false;
    zend_call_known_function(function, NULL, NULL, ret_value, len, arguments, NULL);
    return EG(exception) == NULL && !Z_ISUNDEF_P(ret_value);
}

static void ask(const char *name, zval *ret_value)
{
    if (!call(name, ret_value, 0, NULL)) {
        zval_ptr_dtor(ret_value);
        ZVAL_UNDEF(ret_value);
    }
}

static void set(const char *name, zval *value)
{
    zval result;
    if (Z_ISUNDEF_P(value))
        return;
    (void)call(name, &result, 1, value);
    zval_ptr_dtor(&result);
}

/* ---- the environment */

static void find_variable(zend_string *name, zval *ret_value)
{
    const char *text = getenv(ZSTR_VAL(name));
    if (text != NULL)
        ZVAL_STRING(ret_value, text);
    else
        ZVAL_FALSE(ret_value);
}

static void keep_environment(zval *ret_values)
{
    zend_string *name;
    zval value;
    array_init(ret_values);
    ZEND_HASH_FOREACH_STR_KEY(&BG(putenv_ht), name)
    {
        if (name == NULL)
            continue;
        find_variable(name, &value);
        zend_hash_update(Z_ARRVAL_P(ret_values), name, &value);
    }
    ZEND_HASH_FOREACH_END();
}

/* PHP puts a variable back when it forgets that a script has set it. */
static void restore_environment(zval *values)
{
    zval all;
    zend_string *name;
    zval *kept;
    keep_environment(&all);
    ZEND_HASH_FOREACH_STR_KEY(Z_ARRVAL(all), name)
    {
        if (!zend_hash_exists(Z_ARRVAL_P(values), name))
            (void)zend_hash_del(&BG(putenv_ht), name);
    }
    ZEND_HASH_FOREACH_END();
    zval_ptr_dtor(&all);
    ZEND_HASH_FOREACH_STR_KEY_VAL (Z_ARRVAL_P(values), name, kept) {
        zval now, text, result;
        find_variable(name, &now);
        if (!zend_is_identical(&now, kept)) {
            ZVAL_STR(&text, Z_TYPE_P(kept) == IS_STRING
                                ? zend_string_concat3(ZSTR_VAL(name), ZSTR_LEN(name), "=", 1,
                                                      Z_STRVAL_P(kept), Z_STRLEN_P(kept))
                                : zend_string_copy(name));
            (void)call("putenv", &result, 1, &text);
            zval_ptr_dtor(&text);
        }
        zval_ptr_dtor(&now);
    }
    ZEND_HASH_FOREACH_END();
}

/* ---- the others */

static void ask_locale(int category, zval *ret_value)
{
    zval arguments[2];
    ZVAL_LONG(&arguments[0], category);
    ZVAL_CHAR(&arguments[1], '0');
    (void)call("setlocale", ret_value, ARRAY_SIZE(arguments), arguments);
}

/* All at once: back to C, from where the others go on. */
static void restore_locale(int category, zval *value)
{
    zval arguments[2], result;
    if (Z_TYPE_P(value) != IS_STRING)
        return;
    ZVAL_LONG(&arguments[0], category);
    if (category == LC_ALL)
        ZVAL_CHAR(&arguments[1], 'C');
    else
        ZVAL_COPY_VALUE(&arguments[1], value);
    (void)call("setlocale", &result, ARRAY_SIZE(arguments), arguments);
    zval_ptr_dtor(&result);
}

static void ask_stream_options(zval *ret_value)
{
    if (FG(default_context) != NULL)
        ZVAL_DUP(ret_value, &FG(default_context)->options);
    else
        ZVAL_NULL(ret_value);
}

static void restore_stream_options(zval *value)
{
    php_stream_context *context = FG(default_context);
    if (context == NULL)
        return;
    if (Z_TYPE_P(value) == IS_NULL) {
        FG(default_context) = NULL;
        zend_list_delete(context->res);
        return;
    }
    zval_ptr_dtor(&context->options);
    ZVAL_DUP(&context->options, value);
}

static bool is_in(zval *list, zval *value)
{
    zval *item;
    ZEND_HASH_FOREACH_VAL (Z_ARRVAL_P(list), item) {
        if (zend_is_identical(item, value))
            return true;
    }
    ZEND_HASH_FOREACH_END();
    return false;
}

/* Those that have come go, those that have gone come last. */
static void restore_autoloaders(zval *kept)
{
    zval now, *item;
    ask("spl_autoload_functions", &now);
    if (Z_TYPE_P(kept) == IS_ARRAY && Z_TYPE(now) == IS_ARRAY) {
        ZEND_HASH_FOREACH_VAL (Z_ARRVAL(now), item) {
            if (!is_in(kept, item))
                set("spl_autoload_unregister", item);
        }
        ZEND_HASH_FOREACH_END();
        ZEND_HASH_FOREACH_VAL (Z_ARRVAL_P(kept), item) {
            if (!is_in(&now, item))
                set("spl_autoload_register", item);
        }
        ZEND_HASH_FOREACH_END();
    }
    zval_ptr_dtor(&now);
}

/* That of opendir(); another one takes its place, and leaves none when it is closed. */
static void forget_folder(void)
{
    zval root, folder;
    ZVAL_CHAR(&root, '/');
    if (call("opendir", &folder, 1, &root))
        set("closedir", &folder);
    zval_ptr_dtor(&folder);
}

/* The next random number seeds the generator. */
static void forget_seed(void)
{
    psv_php_start_module(psv_php_find_module("random"));
}

/* ---- all of them */

static void ask_value(unsigned value, zval *ret_value)
{
    switch (value) {
    case VALUE_AUTOLOADERS:
        ask("spl_autoload_functions", ret_value);
        return;
    case VALUE_DIRECTORY:
        ask("getcwd", ret_value);
        return;
    case VALUE_ENVIRONMENT:
        keep_environment(ret_value);
        return;
    case VALUE_LIBXML_ERRORS:
        ask("libxml_use_internal_errors", ret_value);
        return;
    case VALUE_LIBXML_LOADER:
        ask("libxml_get_external_entity_loader", ret_value);
        return;
    case VALUE_STREAM_OPTIONS:
        ask_stream_options(ret_value);
        return;
    case VALUE_TIMEZONE:
        ask("date_default_timezone_get", ret_value);
        return;
    case VALUE_UMASK:
        ask("umask", ret_value);
        return;
    default:
        if (value < VALUE_MB)
            ask_locale(locale_categories[value - VALUE_LOCALE], ret_value);
        else
            ask(mb_functions[value - VALUE_MB], ret_value);
    }
}

static void restore_value(unsigned value, zval *kept)
{
    switch (value) {
    case VALUE_AUTOLOADERS:
        restore_autoloaders(kept);
        return;
    case VALUE_DIRECTORY:
        set("chdir", kept);
        return;
    case VALUE_ENVIRONMENT:
        restore_environment(kept);
        return;
    case VALUE_LIBXML_ERRORS:
        set("libxml_use_internal_errors", kept);
        return;
    case VALUE_LIBXML_LOADER:
        set("libxml_set_external_entity_loader", kept);
        return;
    case VALUE_STREAM_OPTIONS:
        restore_stream_options(kept);
        return;
    case VALUE_TIMEZONE:
        set("date_default_timezone_set", kept);
        return;
    case VALUE_UMASK:
        set("umask", kept);
        return;
    default:
        if (value < VALUE_MB)
            restore_locale(locale_categories[value - VALUE_LOCALE], kept);
        else
            set(mb_functions[value - VALUE_MB], kept);
    }
}

struct psv_php_kept *psv_php_touched_keep(void)
{
    struct psv_php_kept *kept = emalloc(sizeof(*kept));
    for (unsigned i = 0; i < VALUE_COUNT; i++)
        ask_value(i, &kept->values[i]);
    touched = 0;
    return kept;
}

/* True when the value is another one; it is put back, or becomes the one that is kept. */
static bool settle_value(zval *kept, unsigned value, bool restores)
{
    zval now;
    ask_value(value, &now);
    if (fast_is_identical_function(&now, kept)) {
        zval_ptr_dtor(&now);
        return false;
    }
    if (restores) {
        zval_ptr_dtor(&now);
        restore_value(value, kept);
    } else {
        zval_ptr_dtor(kept);
        ZVAL_COPY_VALUE(kept, &now);
    }
    return true;
}

/* What has no value that could be kept. */
static bool forget_group(enum group group, bool restores)
{
    zval nothing;
    if (!restores)
        return group == GROUP_RANDOM;
    if (group == GROUP_RANDOM)
        forget_seed();
    else if (group == GROUP_FOLDER)
        forget_folder();
    else if (group == GROUP_LIBXML)
        ask("libxml_clear_errors", &nothing);
    return group == GROUP_RANDOM;
}

static bool settle_group(struct psv_php_kept *kept, enum group group, bool restores)
{
    bool is_changed = false;
    for (unsigned i = 0; i < VALUE_COUNT; i++) {
        if (group_of(i) == group)
            is_changed |= settle_value(&kept->values[i], i, restores);
    }
    return forget_group(group, restores) || is_changed;
}

void psv_php_touched_settle(struct psv_php_kept *kept, bool restores, psv_php_tell_fn *tell, void *context)
{
    const unsigned groups = touched;
    if (EXPECTED(groups == 0))
        return;
    for (unsigned i = 0; i < GROUP_COUNT; i++) {
        if ((groups & (1u << i)) != 0 && settle_group(kept, i, restores))
            tell(context, group_names[i], NULL);
    }
    touched = 0;
}

void psv_php_touched_free(struct psv_php_kept *kept)
{
    for (unsigned i = 0; i < VALUE_COUNT; i++)
        zval_ptr_dtor(&kept->values[i]);
    efree(kept);
}
