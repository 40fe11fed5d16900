/* Default settings and the command line's settings, in the form that PHP's own start-up reads.  [boot]
 * Knows nothing of where they come from.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_ini_settings.h"

#include "php_engine.h"

/* What differs from PHP's built-in defaults when neither php.ini nor -d says anything, and why. */
#define DEFAULT_TABLE(X)                                                                                     \
    /* A visitor must not see messages; the operator must. */                                                \
    X("display_errors", "0")                                                                                 \
    X("display_startup_errors", "0")                                                                         \
    X("log_errors", "1")                                                                                     \
    /* Made from the query string, which would be built for each request. */                                 \
    X("register_argc_argv", "0")                                                                             \
    X("implicit_flush", "0")                                                                                 \
    X("opcache.enable", "1")

/* What differs in development mode: all is told, and what was just saved is what runs.  opcache's
 * file_update_protection stays at its 2 s: opcache knows files by their second of change, and would keep the
 * first of two versions that were saved within one. */
#define DEV_TABLE(X)                                                                                         \
    X("display_errors", "1")                                                                                 \
    X("display_startup_errors", "1")                                                                         \
    X("html_errors", "1")                                                                                    \
    X("realpath_cache_ttl", "1")                                                                             \
    X("user_ini.cache_ttl", "-1") /* 0 would keep them to the end of the second */                           \
    X("opcache.validate_timestamps", "1")                                                                    \
    X("opcache.revalidate_freq", "0")

struct setting {
    const char *name;
    const char *value;
};

static void set_defaults(HashTable *configuration, const struct setting *settings, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        zval value;
        ZVAL_NEW_STR(&value, zend_string_init(settings[i].value, strlen(settings[i].value), 1));
        zend_hash_str_update(configuration, settings[i].name, strlen(settings[i].name), &value);
    }
}

void psv_php_ini_set_defaults(HashTable *configuration)
{
    static const struct setting defaults[] = {
#define X(name, value) {name, value},
        DEFAULT_TABLE(X)};
    static const struct setting dev_defaults[] = {DEV_TABLE(X)
#undef X
    };
    set_defaults(configuration, defaults, ARRAY_SIZE(defaults));
    if (psv_php_engine_settings()->is_dev)
        set_defaults(configuration, dev_defaults, ARRAY_SIZE(dev_defaults));
}

/** One definition is one line of an ini file: a line end in it would smuggle in another. */
static bool is_one_line(const char *definition)
{
    for (const char *p = definition; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 && *p != '\t')
            return false;
    }
    return true;
}

int psv_php_ini_join_entries(const char *const *definitions, size_t definitions_len, char **ret_entries,
                             struct psv_error *reterr)
{
    struct php_ini_builder builder;
    php_ini_builder_init(&builder);
    for (size_t i = 0; i < definitions_len; i++) {
        const char *definition = definitions[i];
        if (*definition == '\0' || *definition == '=' || !is_one_line(definition)) {
            php_ini_builder_deinit(&builder);
            return psv_error_set(reterr, PSV_EINVAL, "php setting '%s' is not of the form name=value",
                                 definition);
        }
        php_ini_builder_define(&builder, definition);
    }
    *ret_entries = php_ini_builder_finish(&builder);
    return PSV_OK;
}

void psv_php_ini_free_entries(char *entries)
{
    struct php_ini_builder builder = {.value = entries, .length = 0};
    if (entries != NULL)
        php_ini_builder_deinit(&builder);
}
