/* Fills $_SERVER as php-fpm behind nginx has it, from one table.  [worker]
 *
 * Names are interned once at start, so that an entry costs one hash insertion.  PHP's input filter sees the
 * values only where that makes a difference: when filter.default changes them, or when a script asks
 * filter_input(INPUT_SERVER).
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_superglobals.h"
#include "php_superglobals_table.h"

#include <pwd.h>
#include <unistd.h>

#include "base/text_parse.h"
#include "http/cgi_name.h"
#include "os/privileges.h"
#include "php_engine.h"
#include "php_tables.h"
#include "php_thread.h"
#include "php_worker_server.h"
#include "phpsrv/message.h"
#include "psv_version.h"

static psv_php_variable_fn value_auth_type, value_content_length, value_content_type, value_document_root,
    value_gateway_interface, value_home, value_https, value_method, value_nothing, value_path_info,
    value_path_translated, value_protocol, value_query, value_redirect_status, value_remote_address,
    value_remote_port, value_remote_user, value_scheme, value_script_filename, value_script_name, value_self,
    value_server_address, value_server_name, value_server_port, value_software, value_target,
    value_tls_cipher, value_tls_protocol, value_tls_server_name, value_user;

/* The order is that of php-fpm's array. */
#define VARIABLE_TABLE(X)                                                                                    \
    X("USER", value_user, PSV_PHP_FIXED)                                                                     \
    X("HOME", value_home, PSV_PHP_FIXED)                                                                     \
    X("SCRIPT_FILENAME", value_script_filename, PSV_PHP_ALWAYS)                                              \
    X("PATH_INFO", value_path_info, PSV_PHP_EMPTY)                                                           \
    X("PATH_TRANSLATED", value_path_translated, PSV_PHP_ABSENT)                                              \
    X("REDIRECT_STATUS", value_redirect_status, PSV_PHP_FIXED)                                               \
    X("SERVER_NAME", value_server_name, PSV_PHP_ALWAYS)                                                      \
    X("SERVER_PORT", value_server_port, PSV_PHP_ALWAYS)                                                      \
    X("SERVER_ADDR", value_server_address, PSV_PHP_ALWAYS)                                                   \
    X("REMOTE_USER", value_remote_user, PSV_PHP_ALWAYS)                                                      \
    X("AUTH_TYPE", value_auth_type, PSV_PHP_EMPTY)                                                           \
    X("REMOTE_PORT", value_remote_port, PSV_PHP_ALWAYS)                                                      \
    X("REMOTE_ADDR", value_remote_address, PSV_PHP_ALWAYS)                                                   \
    X("REMOTE_HOST", value_remote_address, PSV_PHP_COMPAT)                                                   \
    X("REMOTE_IDENT", value_nothing, PSV_PHP_COMPAT)                                                         \
    X("SERVER_SOFTWARE", value_software, PSV_PHP_FIXED)                                                      \
    X("GATEWAY_INTERFACE", value_gateway_interface, PSV_PHP_FIXED)                                           \
    X("HTTPS", value_https, PSV_PHP_EMPTY)                                                                   \
    X("REQUEST_SCHEME", value_scheme, PSV_PHP_ALWAYS)                                                        \
    X("SSL_PROTOCOL", value_tls_protocol, PSV_PHP_EMPTY)                                                     \
    X("SSL_CIPHER", value_tls_cipher, PSV_PHP_EMPTY)                                                         \
    X("SSL_SERVER_NAME", value_tls_server_name, PSV_PHP_ABSENT)                                              \
    X("SERVER_PROTOCOL", value_protocol, PSV_PHP_ALWAYS)                                                     \
    X("DOCUMENT_ROOT", value_document_root, PSV_PHP_ALWAYS)                                                  \
    X("DOCUMENT_URI", value_self, PSV_PHP_ALWAYS)                                                            \
    X("REQUEST_URI", value_target, PSV_PHP_ALWAYS)                                                           \
    X("SCRIPT_NAME", value_script_name, PSV_PHP_ALWAYS)                                                      \
    X("CONTENT_LENGTH", value_content_length, PSV_PHP_ALWAYS)                                                \
    X("CONTENT_TYPE", value_content_type, PSV_PHP_ALWAYS)                                                    \
    X("REQUEST_METHOD", value_method, PSV_PHP_ALWAYS)                                                        \
    X("QUERY_STRING", value_query, PSV_PHP_ALWAYS)                                                           \
    X("PHP_SELF", value_self, PSV_PHP_ALWAYS)

static const struct psv_php_variable variables[] = {
#define X(name, value, kind) {name, value, kind},
    VARIABLE_TABLE(X)
#undef X
};

/* Values that requests share. */
#define TEXT_TABLE(X)                                                                                        \
    X(GET, "GET")                                                                                            \
    X(POST, "POST")                                                                                          \
    X(HEAD, "HEAD")                                                                                          \
    X(HTTP_10, "HTTP/1.0")                                                                                   \
    X(HTTP_11, "HTTP/1.1")                                                                                   \
    X(HTTP_20, "HTTP/2.0")                                                                                   \
    X(SCHEME_HTTP, "http")                                                                                   \
    X(SCHEME_HTTPS, "https")                                                                                 \
    X(ON, "on")                                                                                              \
    X(CGI, "CGI/1.1")                                                                                        \
    X(REDIRECT_STATUS, "200")                                                                                \
    X(SOFTWARE, "phpsrv/" PSV_VERSION)

enum shared_text {
#define X(id, text) TEXT_##id,
    TEXT_TABLE(X)
#undef X
        TEXT_COUNT
};

/* Enough for the table and an ordinary browser's fields without growing. */
#define TABLE_SIZE 64
#define CGI_NAME_MAX 256

/* Written at start, then read by all threads. */
static zend_string *names[ARRAY_SIZE(variables)];
static zend_string *field_names[PSV_FIELD_COUNT]; /* NULL: not forwarded */
static zend_string *content_type_name;            /* HTTP_CONTENT_TYPE, which is FrankenPHP's */
static zend_string *content_length_name;
static zend_string *shared[TEXT_COUNT];
static zend_string *user_name;
static zend_string *user_home;

static void (*next_filter_functions[3])(INTERNAL_FUNCTION_PARAMETERS);

/* ---- start */

static zend_string *intern(const char *text, size_t len)
{
    return zend_string_init_interned(text, len, true);
}

static void intern_field_names(void)
{
    for (enum psv_field_id id = PSV_FIELD_UNKNOWN + 1; id < PSV_FIELD_COUNT; id++) {
        const struct psv_field field = {.name = psv_field_name(id), .id = id};
        char name[CGI_NAME_MAX];
        size_t len = psv_cgi_name(&field, name, sizeof(name));
        if (len > 0)
            field_names[id] = intern(name, len);
    }
}

/** php-fpm gives its workers' environment these two. */
static void intern_user(void)
{
    struct passwd entry, *found = NULL;
    char buffer[4096];
    struct psv_privileges later;
    if (psv_privileges_find(psv_php_engine_settings()->user, "", &later, NULL) == PSV_OK && later.changes) {
        user_name = intern(later.user_name, strlen(later.user_name));
        user_home = intern(later.home, strlen(later.home));
        return;
    }
    if (getpwuid_r(geteuid(), &entry, buffer, sizeof(buffer), &found) != 0 || found == NULL)
        return;
    user_name = intern(entry.pw_name, strlen(entry.pw_name));
    user_home = intern(entry.pw_dir, strlen(entry.pw_dir));
}

static void on_filter_function(INTERNAL_FUNCTION_PARAMETERS, size_t index);
static void on_filter_input(INTERNAL_FUNCTION_PARAMETERS)
{
    on_filter_function(INTERNAL_FUNCTION_PARAM_PASSTHRU, 0);
}
static void on_filter_input_array(INTERNAL_FUNCTION_PARAMETERS)
{
    on_filter_function(INTERNAL_FUNCTION_PARAM_PASSTHRU, 1);
}
static void on_filter_has_var(INTERNAL_FUNCTION_PARAMETERS)
{
    on_filter_function(INTERNAL_FUNCTION_PARAM_PASSTHRU, 2);
}

static void wrap_filter_functions(void)
{
    static const struct {
        const char *name;
        void (*wrapper)(INTERNAL_FUNCTION_PARAMETERS);
    } wrapped[] = {
        {"filter_input", on_filter_input},
        {"filter_input_array", on_filter_input_array},
        {"filter_has_var", on_filter_has_var},
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrapped); i++)
        next_filter_functions[i] = psv_php_replace_function(wrapped[i].name, wrapped[i].wrapper);
}

void psv_php_superglobals_on_module_init(void)
{
    static const struct psv_bytes texts[] = {
#define X(id, text) PSV_BYTES_INIT(text),
        TEXT_TABLE(X)
#undef X
    };
    for (size_t i = 0; i < TEXT_COUNT; i++)
        shared[i] = intern(texts[i].data, texts[i].len);
    for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
        names[i] = intern(variables[i].name, strlen(variables[i].name));
    intern_field_names();
    content_type_name = intern(ZEND_STRL("HTTP_CONTENT_TYPE"));
    content_length_name = intern(ZEND_STRL("HTTP_CONTENT_LENGTH"));
    intern_user();
    wrap_filter_functions();
}

/* ---- values */

static bool take_shared(enum shared_text id, zval *ret_value)
{
    ZVAL_INTERNED_STR(ret_value, shared[id]);
    return true;
}

/** Empty text stays: behind nginx the variable is there without a value. */
static bool take_text(struct psv_bytes text, zval *ret_value)
{
    if (text.len == 0)
        ZVAL_EMPTY_STRING(ret_value);
    else
        ZVAL_STRINGL_FAST(ret_value, text.data, text.len);
    return true;
}

static bool take_number(uint64_t number, zval *ret_value)
{
    char digits[20];
    return take_text((struct psv_bytes){digits, psv_format_u64(digits, number)}, ret_value);
}

static bool take_interned(zend_string *text, zval *ret_value)
{
    if (text == NULL)
        return false;
    ZVAL_INTERNED_STR(ret_value, text);
    return true;
}

static bool take_pair(struct psv_bytes first, struct psv_bytes second, zval *ret_value)
{
    zend_string *text = zend_string_alloc(first.len + second.len, 0);
    if (first.len > 0)
        memcpy(ZSTR_VAL(text), first.data, first.len);
    if (second.len > 0)
        memcpy(ZSTR_VAL(text) + first.len, second.data, second.len);
    ZSTR_VAL(text)[ZSTR_LEN(text)] = '\0';
    ZVAL_NEW_STR(ret_value, text);
    return true;
}

static bool value_method(const struct psv_message *message, zval *ret_value)
{
    if (psv_bytes_equal(message->method, PSV_BYTES("GET")))
        return take_shared(TEXT_GET, ret_value);
    if (psv_bytes_equal(message->method, PSV_BYTES("POST")))
        return take_shared(TEXT_POST, ret_value);
    if (psv_bytes_equal(message->method, PSV_BYTES("HEAD")))
        return take_shared(TEXT_HEAD, ret_value);
    return take_text(message->method, ret_value);
}

static bool value_protocol(const struct psv_message *message, zval *ret_value)
{
    switch (message->protocol_number) {
    case 1000:
        return take_shared(TEXT_HTTP_10, ret_value);
    case 1001:
        return take_shared(TEXT_HTTP_11, ret_value);
    case 2000:
        return take_shared(TEXT_HTTP_20, ret_value);
    default:
        return take_text(message->protocol, ret_value);
    }
}

static bool value_scheme(const struct psv_message *message, zval *ret_value)
{
    return take_shared(psv_bytes_equal(message->scheme, PSV_BYTES("https")) ? TEXT_SCHEME_HTTPS
                                                                            : TEXT_SCHEME_HTTP,
                       ret_value);
}

static bool value_https(const struct psv_message *message, zval *ret_value)
{
    return message->is_https && take_shared(TEXT_ON, ret_value);
}

/* As Apache's mod_ssl names them. */
static bool value_tls_protocol(const struct psv_message *message, zval *ret_value)
{
    return message->tls_protocol.data != NULL && take_text(message->tls_protocol, ret_value);
}

static bool value_tls_cipher(const struct psv_message *message, zval *ret_value)
{
    return message->tls_cipher.data != NULL && take_text(message->tls_cipher, ret_value);
}

static bool value_tls_server_name(const struct psv_message *message, zval *ret_value)
{
    return message->tls_server_name.data != NULL && take_text(message->tls_server_name, ret_value);
}

/** RFC 3875 4.1.1: only when the server itself has checked it. */
static bool value_auth_type(const struct psv_message *message, zval *ret_value)
{
    return message->auth_type.data != NULL && take_text(message->auth_type, ret_value);
}

static bool value_self(const struct psv_message *message, zval *ret_value)
{
    return message->path_info.len == 0 ? take_text(message->script_name, ret_value)
                                       : take_pair(message->script_name, message->path_info, ret_value);
}

static bool value_path_info(const struct psv_message *message, zval *ret_value)
{
    return message->path_info.len > 0 && take_text(message->path_info, ret_value);
}

static bool value_path_translated(const struct psv_message *message, zval *ret_value)
{
    return message->path_info.len > 0 && take_pair(message->document_root, message->path_info, ret_value);
}

/** A body without the field (chunked) has a length all the same: it was read before the script began. */
static bool value_content_length(const struct psv_message *message, zval *ret_value)
{
    if (message->content_length > 0)
        return take_number((uint64_t)message->content_length, ret_value);
    for (unsigned i = 0; i < message->fields_len; i++) {
        if (message->fields[i].id == PSV_FIELD_CONTENT_LENGTH)
            return take_text(message->fields[i].value, ret_value);
    }
    return take_text(PSV_BYTES_EMPTY, ret_value);
}

/** As nginx's $remote_user: the name that the client gives, whether or not anybody has checked the password.
 */
static bool value_remote_user(const struct psv_message *message, zval *ret_value)
{
    (void)message;
    return take_text(psv_bytes_of(SG(request_info).auth_user), ret_value);
}

#define DEFINE_TEXT_VALUE(function, member)                                                                  \
    static bool function(const struct psv_message *message, zval *ret_value)                                 \
    {                                                                                                        \
        return take_text(message->member, ret_value);                                                        \
    }
DEFINE_TEXT_VALUE(value_content_type, content_type)
DEFINE_TEXT_VALUE(value_document_root, document_root)
DEFINE_TEXT_VALUE(value_query, query)
DEFINE_TEXT_VALUE(value_remote_address, remote_address)
DEFINE_TEXT_VALUE(value_script_filename, script_filename)
DEFINE_TEXT_VALUE(value_script_name, script_name)
DEFINE_TEXT_VALUE(value_server_address, server_address)
DEFINE_TEXT_VALUE(value_server_name, server_name)
DEFINE_TEXT_VALUE(value_target, target)

#define DEFINE_VALUE(function, expression)                                                                   \
    static bool function(const struct psv_message *message, zval *ret_value)                                 \
    {                                                                                                        \
        (void)message;                                                                                       \
        return expression;                                                                                   \
    }
DEFINE_VALUE(value_nothing, take_text(PSV_BYTES_EMPTY, ret_value))
DEFINE_VALUE(value_gateway_interface, take_shared(TEXT_CGI, ret_value))
DEFINE_VALUE(value_home, take_interned(user_home, ret_value))
DEFINE_VALUE(value_redirect_status, take_shared(TEXT_REDIRECT_STATUS, ret_value))
DEFINE_VALUE(value_remote_port, take_number(message->remote_port, ret_value))
DEFINE_VALUE(value_server_port, take_number(message->server_port, ret_value))
DEFINE_VALUE(value_software, take_shared(TEXT_SOFTWARE, ret_value))
DEFINE_VALUE(value_user, take_interned(user_name, ret_value))

/* ---- the array */

/** A field that came before: RFC 9110 5.3 joins values by a comma, RFC 9113 8.2.3 cookies by a semicolon. */
static void join_value(zval *first, const struct psv_field *field)
{
    struct psv_bytes separator = field->id == PSV_FIELD_COOKIE ? PSV_BYTES("; ") : PSV_BYTES(", ");
    size_t old_len = Z_STRLEN_P(first);
    zend_string *text = zend_string_alloc(old_len + separator.len + field->value.len, 0);
    char *next = zend_mempcpy(ZSTR_VAL(text), Z_STRVAL_P(first), old_len);
    next = zend_mempcpy(next, separator.data, separator.len);
    if (field->value.len > 0)
        next = zend_mempcpy(next, field->value.data, field->value.len);
    *next = '\0';
    zval_ptr_dtor_str(first);
    ZVAL_NEW_STR(first, text);
}

static void add_field(HashTable *table, zend_string *name, const struct psv_field *field)
{
    zval value;
    zval *slot = zend_hash_lookup(table, name);
    if (UNEXPECTED(Z_TYPE_P(slot) == IS_STRING)) {
        join_value(slot, field);
        return;
    }
    (void)take_text(field->value, &value);
    ZVAL_COPY_VALUE(slot, &value);
}

static void add_unknown_field(HashTable *table, const struct psv_field *field)
{
    char text[CGI_NAME_MAX];
    size_t len = psv_cgi_name(field, text, sizeof(text));
    if (len == 0)
        return;
    zend_string *name = zend_string_init(text, len, 0);
    add_field(table, name, field);
    zend_string_release_ex(name, 0);
}

void psv_php_superglobals_add_fields(HashTable *table, const struct psv_message *message, bool is_compat)
{
    for (unsigned i = 0; i < message->fields_len; i++) {
        const struct psv_field *field = &message->fields[i];
        if (field->id == PSV_FIELD_UNKNOWN)
            add_unknown_field(table, field);
        else if (field_names[field->id] != NULL)
            add_field(table, field_names[field->id], field);
        else if (is_compat && field->id == PSV_FIELD_CONTENT_TYPE)
            add_field(table, content_type_name, field);
        else if (is_compat && field->id == PSV_FIELD_CONTENT_LENGTH)
            add_field(table, content_length_name, field);
    }
}

static void fill(HashTable *table, const struct psv_message *message, bool is_compat)
{
    zend_hash_extend(table, MAX(TABLE_SIZE, TABLE_SIZE / 2 + message->fields_len), 0);
    psv_php_superglobals_add_fields(table, message, is_compat);
    for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
        zval value;
        if (is_compat ? psv_php_variable_compat_value(&variables[i], message, &value)
                      : variables[i].kind != PSV_PHP_COMPAT && variables[i].value(message, &value))
            zend_hash_update(table, names[i], &value);
    }
}

const struct psv_php_variable *psv_php_variables_get(zend_string ***ret_names, size_t *ret_len)
{
    *ret_names = names;
    *ret_len = ARRAY_SIZE(variables);
    return variables;
}

bool psv_php_variable_compat_value(const struct psv_php_variable *variable, const struct psv_message *message,
                                   zval *ret_value)
{
    bool is_there = variable->value(message, ret_value);
    if (variable->kind == PSV_PHP_ABSENT)
        return is_there && Z_STRLEN_P(ret_value) > 0;
    return is_there || (variable->kind == PSV_PHP_EMPTY && take_text(PSV_BYTES_EMPTY, ret_value));
}

/* ---- the input filter */

/** Shows the filter every variable; what it lets through, and what it registers by itself, ends up in target.
 */
static void fill_through_filter(const struct psv_message *message, bool is_compat, zval *target)
{
    zval all;
    array_init(&all);
    fill(Z_ARRVAL(all), message, is_compat);
    zend_string *name;
    zval *value;
    ZEND_HASH_FOREACH_STR_KEY_VAL (Z_ARRVAL(all), name, value) {
        char *text = estrndup(Z_STRVAL_P(value), Z_STRLEN_P(value));
        size_t len = Z_STRLEN_P(value);
        if (sapi_module.input_filter(PARSE_SERVER, ZSTR_VAL(name), &text, len, &len))
            php_register_variable_safe(ZSTR_VAL(name), text, len, target);
        efree(text);
    }
    ZEND_HASH_FOREACH_END();
    zval_ptr_dtor(&all);
}

/** The filter keeps its own copy of the variables: given to it when a script first asks, $_SERVER stays as it
 * is. */
static void give_to_filter(struct psv_php_thread *thread)
{
    if (thread->filter_has_server)
        return;
    thread->filter_has_server = true;
    zval scratch, real;
    array_init(&scratch);
    ZVAL_COPY_VALUE(&real, &PG(http_globals)[TRACK_VARS_SERVER]);
    ZVAL_COPY_VALUE(&PG(http_globals)[TRACK_VARS_SERVER], &scratch);
    fill_through_filter(thread->message, psv_php_worker_is_compat(thread),
                        &PG(http_globals)[TRACK_VARS_SERVER]);
    zval_ptr_dtor(&PG(http_globals)[TRACK_VARS_SERVER]);
    ZVAL_COPY_VALUE(&PG(http_globals)[TRACK_VARS_SERVER], &real);
}

static void on_filter_function(INTERNAL_FUNCTION_PARAMETERS, size_t index)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    if (thread != NULL && ZEND_NUM_ARGS() > 0 && Z_TYPE_P(ZEND_CALL_ARG(execute_data, 1)) == IS_LONG &&
        Z_LVAL_P(ZEND_CALL_ARG(execute_data, 1)) == PARSE_SERVER)
        give_to_filter(thread);
    next_filter_functions[index](INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

/** filter.default is "unsafe_raw", which changes nothing, unless somebody has set it. */
static bool filter_changes_values(void)
{
    if (sapi_module.input_filter == NULL || sapi_module.input_filter == php_default_input_filter)
        return false;
    const char *mode = INI_STR("filter.default");
    return mode != NULL && strcmp(mode, "unsafe_raw") != 0;
}

void psv_php_superglobals_fill_server(zval *array)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    if (thread == NULL)
        return;
    const bool is_compat = psv_php_worker_is_compat(thread);
    if (LIKELY(!filter_changes_values())) {
        if (LIKELY(thread->mode == NULL))
            fill(Z_ARRVAL_P(array), thread->message, false);
        else if (!psv_php_worker_server_fill(thread, array))
            fill(Z_ARRVAL_P(array), thread->message, is_compat);
        return;
    }
    if (thread->mode != NULL)
        psv_php_worker_server_fill_environment(thread, array);
    thread->filter_has_server = true;
    fill_through_filter(thread->message, is_compat, array);
}

/* ---- getenv() */

/** Value of a field by its variable's name, joined as in $_SERVER; false when no field has that name. */
static bool find_field(const struct psv_message *message, struct psv_bytes name, zval *ret_value)
{
    bool is_found = false;
    for (unsigned i = 0; i < message->fields_len; i++) {
        const struct psv_field *field = &message->fields[i];
        char text[CGI_NAME_MAX];
        size_t len = psv_cgi_name(field, text, sizeof(text));
        if (len == 0 || !psv_bytes_equal((struct psv_bytes){text, len}, name))
            continue;
        if (is_found)
            join_value(ret_value, field);
        else
            is_found = take_text(field->value, ret_value);
    }
    return is_found;
}

static bool find_variable(const struct psv_message *message, struct psv_bytes name, zval *ret_value)
{
    for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
        if (zend_string_equals_cstr(names[i], name.data, name.len))
            return variables[i].kind != PSV_PHP_COMPAT && variables[i].value(message, ret_value);
    }
    return psv_bytes_starts_with(name, PSV_BYTES("HTTP_")) && find_field(message, name, ret_value);
}

char *psv_php_superglobals_getenv(const char *name, size_t len)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    zval value;
    if (thread == NULL || !find_variable(thread->message, (struct psv_bytes){name, len}, &value))
        return NULL;
    if (thread->environment_text != NULL)
        zend_string_release(thread->environment_text);
    thread->environment_text = Z_STR(value);
    return Z_STRVAL(value);
}
