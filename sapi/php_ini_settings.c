/* Default settings and the command line's settings, in the form that PHP's own start-up reads.  [boot]
 * Knows nothing of where they come from.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_ini_settings.h"

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

void psv_php_ini_set_defaults(HashTable *configuration)
{
    static const struct {
        const char *name;
        const char *value;
    } defaults[] = {
#define X(name, value) {name, value},
        DEFAULT_TABLE(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
        zval value;
        ZVAL_NEW_STR(&value, zend_string_init(defaults[i].value, strlen(defaults[i].value), 1));
        zend_hash_str_update(configuration, defaults[i].name, strlen(defaults[i].name), &value);
    }
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
