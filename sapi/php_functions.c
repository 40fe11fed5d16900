/* The extension "phpsrv": functions for scripts, and the hooks that our other files set while PHP's modules
 * start. Functions are [worker].
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_functions.h"

#include <unistd.h>

#include "base/text_parse.h"
#include "php_engine.h"
#include "php_dev.h"
#include "php_error.h"
#include "php_module.h"
#include "php_opcache.h"
#include "php_signals.h"
#include "php_superglobals.h"
#include "php_tables.h"
#include "php_thread.h"
#include "php_timeout.h"
#include "php_worker_request.h"
#include "php_worker_touched.h"
#include "php_worker_reset.h"
#include "phpsrv/executor.h"
#include "phpsrv/message.h"
#include "phpsrv_arginfo.h"
#include "psv_version.h"

PHP_FUNCTION(phpsrv_request_id)
{
    ZEND_PARSE_PARAMETERS_NONE();
    struct psv_php_thread *thread = psv_php_thread_current();
    if (thread == NULL)
        RETURN_EMPTY_STRING();
    RETURN_STRINGL(thread->message->request_id.data, thread->message->request_id.len);
}

PHP_FUNCTION(phpsrv_worker_id)
{
    ZEND_PARSE_PARAMETERS_NONE();
    struct psv_php_thread *thread = psv_php_thread_current();
    RETURN_LONG(thread == NULL ? -1 : (zend_long)psv_worker_id(thread->worker));
}

PHP_FUNCTION(phpsrv_server_info)
{
    ZEND_PARSE_PARAMETERS_NONE();
    const struct psv_php_settings *settings = psv_php_engine_settings();
    struct psv_php_thread *thread = psv_php_thread_current();
    array_init(return_value);
    add_assoc_string(return_value, "server", "phpsrv");
    add_assoc_string(return_value, "version", PSV_VERSION);
    add_assoc_string(return_value, "sapi", sapi_module.name);
    add_assoc_string(return_value, "php", PHP_VERSION);
    add_assoc_string(return_value, "executor", "ext");
    add_assoc_long(return_value, "workers", (zend_long)settings->workers);
    add_assoc_long(return_value, "worker", thread == NULL ? -1 : (zend_long)psv_worker_id(thread->worker));
    add_assoc_long(return_value, "pid", (zend_long)getpid());
    add_assoc_double(return_value, "start_time", (double)settings->start_unix_us / 1000000.0);
    add_assoc_bool(return_value, "opcache", psv_php_opcache_is_on());
    add_assoc_string(return_value, "jit", psv_php_opcache_jit());
}

/** "accept-ENCODING" -> "Accept-Encoding": scripts look names up in this spelling, whatever the client has
 * written. */
static void canonicalise(struct psv_bytes name, char *out)
{
    bool is_first = true;
    for (size_t i = 0; i < name.len; i++) {
        out[i] = is_first ? psv_ascii_upper(name.data[i]) : psv_ascii_lower(name.data[i]);
        is_first = name.data[i] == '-';
    }
}

zend_string *psv_php_functions_field_name(struct psv_bytes name)
{
    zend_string *text = zend_string_alloc(name.len, 0);
    canonicalise(name, ZSTR_VAL(text));
    ZSTR_VAL(text)[ZSTR_LEN(text)] = '\0';
    return text;
}

static void add_request_field(HashTable *table, const struct psv_field *field)
{
    zend_string *name = psv_php_functions_field_name(field->name);
    zval *slot = zend_symtable_find(table, name);
    zval value;
    if (slot == NULL) {
        ZVAL_STRINGL_FAST(&value, field->value.data != NULL ? field->value.data : "", field->value.len);
    } else {
        const char *separator = field->id == PSV_FIELD_COOKIE ? "; " : ", ";
        ZVAL_STR(&value,
                 zend_string_concat3(Z_STRVAL_P(slot), Z_STRLEN_P(slot), separator, 2,
                                     field->value.data != NULL ? field->value.data : "", field->value.len));
    }
    zend_symtable_update(table, name, &value);
    zend_string_release_ex(name, 0);
}

void psv_php_functions_request_headers(const struct psv_message *message, zval *ret_fields)
{
    array_init(ret_fields);
    for (unsigned i = 0; i < message->fields_len; i++) {
        if (message->fields[i].id != PSV_FIELD_PROXY) /* not in php-fpm's either: see HTTP_PROXY */
            add_request_field(Z_ARRVAL_P(ret_fields), &message->fields[i]);
    }
}

PHP_FUNCTION(apache_request_headers)
{
    ZEND_PARSE_PARAMETERS_NONE();
    struct psv_php_thread *thread = psv_php_thread_current();
    if (thread != NULL)
        psv_php_functions_request_headers(thread->message, return_value);
    else
        array_init(return_value);
}

PHP_FUNCTION(apache_response_headers)
{
    ZEND_PARSE_PARAMETERS_NONE();
    array_init(return_value);
    zend_llist_position position;
    const sapi_header_struct *line = zend_llist_get_first_ex(&SG(sapi_headers).headers, &position);
    for (; line != NULL; line = zend_llist_get_next_ex(&SG(sapi_headers).headers, &position)) {
        struct psv_bytes text = {line->header, line->header_len};
        size_t colon = psv_bytes_find(text, ':');
        struct psv_bytes name = psv_bytes_trim(psv_bytes_first(text, colon));
        struct psv_bytes value = psv_bytes_trim(psv_bytes_from(text, colon + 1));
        if (colon < text.len && name.len > 0)
            add_assoc_stringl_ex(return_value, name.data, name.len, value.len > 0 ? value.data : "",
                                 value.len);
    }
}

/* The line editor has one terminal, one line and one table of keys for the whole process and no lock: two
 * threads in it crash. A server has no terminal; `phpsrv run` is PHP's own CLI, where it stays. */
static void leave_out_line_editor(void)
{
    const zend_module_entry *editor = psv_php_find_module("readline");
    if (editor == NULL)
        return;
    for (const zend_function_entry *entry = editor->functions; entry->fname != NULL; entry++)
        zend_disable_functions(entry->fname);
}

static PHP_MINIT_FUNCTION(phpsrv)
{
    (void)type;
    (void)module_number;
    psv_php_opcache_on_module_init();
    psv_php_timeout_on_module_init();
    psv_php_error_on_module_init();
    psv_php_dev_on_module_init();
    psv_php_superglobals_on_module_init();
    psv_php_touched_on_module_init();
    psv_php_worker_request_on_module_init();
    psv_php_signals_on_module_init();
    psv_php_worker_reset_on_module_init();
    leave_out_line_editor();
    return SUCCESS;
}

static PHP_MINFO_FUNCTION(phpsrv)
{
    (void)zend_module;
    char workers[20 + 1] = "";
    workers[psv_format_u64(workers, psv_php_engine_settings()->workers)] = '\0';
    php_info_print_table_start();
    php_info_print_table_row(2, "phpsrv", PSV_VERSION);
    php_info_print_table_row(2, "Workers", workers);
    php_info_print_table_row(2, "JIT", psv_php_opcache_jit());
    php_info_print_table_end();
}

static zend_module_entry module_entry = {
    STANDARD_MODULE_HEADER,
    "phpsrv",
    ext_functions,
    PHP_MINIT(phpsrv),
    NULL,
    NULL,
    NULL,
    PHP_MINFO(phpsrv),
    PSV_VERSION,
    STANDARD_MODULE_PROPERTIES,
};

zend_module_entry *psv_php_functions_module(void)
{
    return &module_entry;
}
