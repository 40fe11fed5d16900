/* See php_worker_server.h.  Requests of one script have most of $_SERVER in common: it is made once, copied
 * for each request (one copy of memory: keys and values are interned), and what differs is written into its
 * place.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_worker_server.h"

#include "php_environment.h"
#include "php_superglobals_table.h"
#include "php_thread.h"
#include "php_worker.h"
#include "phpsrv/executor.h"
#include "phpsrv/message.h"

/* An ordinary browser's fields, credentials and times: the copy does not grow. */
#define FIELDS_ROOM 28

bool psv_php_worker_is_compat(const struct psv_php_thread *thread)
{
    return thread->mode != NULL && !thread->mode->script->is_strict;
}

/* ---- the environment */

static void add_text(HashTable *table, const char *name, size_t len, const char *text)
{
    zval value;
    zend_string *key = zend_string_init_interned(name, len, false);
    ZVAL_STR(&value, zend_string_init_interned(text, strlen(text), false));
    zend_hash_update(table, key, &value);
    zend_string_release(key);
}

/* is_of_request: nothing that a client could have sent as a field. */
static void add_environment(HashTable *table, bool is_of_request)
{
    zval all;
    zend_string *name;
    zval *value;
    array_init(&all);
    psv_php_environment_import_process(&all);
    ZEND_HASH_FOREACH_STR_KEY_VAL (Z_ARRVAL(all), name, value) {
        if (name != NULL && Z_TYPE_P(value) == IS_STRING &&
            !(is_of_request && zend_string_starts_with_literal(name, "HTTP_")))
            add_text(table, ZSTR_VAL(name), ZSTR_LEN(name), Z_STRVAL_P(value));
    }
    ZEND_HASH_FOREACH_END();
    zval_ptr_dtor(&all);
}

/* What only a booting script sees. */
static void add_script_environment(HashTable *table, const struct psv_worker_script *script)
{
    for (size_t i = 0; i < script->environment_len; i++) {
        const char *item = script->environment[i];
        size_t len = strcspn(item, "=");
        if (item[len] == '=')
            add_text(table, item, len, item + len + 1);
    }
    add_text(table, ZEND_STRL("FRANKENPHP_WORKER"), "1");
}

/* ---- the template */

static bool has_place(const struct psv_php_variable *variable)
{
    return variable->kind != PSV_PHP_FIXED && variable->kind != PSV_PHP_ABSENT;
}

/* The environment, the fixed variables, and behind them a place for each that every request has.  Nothing of
 * the environment may look like a variable of the request. */
static void make_template(struct psv_php_worker *mode, const struct psv_message *message, bool is_compat)
{
    zend_string **names;
    size_t len;
    const struct psv_php_variable *variables = psv_php_variables_get(&names, &len);
    zval value;
    array_init_size(&mode->server_template, (uint32_t)len);
    HashTable *table = Z_ARRVAL(mode->server_template);
    zend_hash_real_init_mixed(table);
    add_environment(table, true);
    for (size_t i = 0; i < len; i++)
        (void)zend_hash_del(table, names[i]);
    for (size_t i = 0; i < len; i++) {
        if (variables[i].kind == PSV_PHP_FIXED && variables[i].value(message, &value))
            zend_hash_update(table, names[i], &value);
    }
    zend_hash_extend(table, table->nNumOfElements + (uint32_t)len + FIELDS_ROOM, 0);
    zend_hash_rehash(table); /* without holes: places keep their index */
    mode->server_places = table->nNumUsed;
    ZVAL_EMPTY_STRING(&value);
    for (size_t i = 0; i < len; i++) {
        if (is_compat && has_place(&variables[i]))
            zend_hash_add_new(table, names[i], &value);
    }
}

static void fill_places(const struct psv_php_worker *mode, HashTable *table,
                        const struct psv_message *message)
{
    zend_string **names;
    size_t len;
    const struct psv_php_variable *variables = psv_php_variables_get(&names, &len);
    Bucket *place = table->arData + mode->server_places;
    zval value;
    for (size_t i = 0; i < len; i++) {
        if (!has_place(&variables[i]))
            continue;
        if (variables[i].value(message, &value))
            ZVAL_COPY_VALUE(&place->val, &value); /* over an empty, interned string */
        place++;
    }
    for (size_t i = 0; i < len; i++) {
        if (variables[i].kind == PSV_PHP_ABSENT &&
            psv_php_variable_compat_value(&variables[i], message, &value))
            zend_hash_add_new(table, names[i], &value);
    }
}

static void copy_template(struct psv_php_thread *thread, zval *array)
{
    struct psv_php_worker *mode = thread->mode;
    if (Z_ISUNDEF(mode->server_template))
        make_template(mode, thread->message, psv_php_worker_is_compat(thread));
    zval_ptr_dtor(array);
    ZVAL_ARR(array, zend_array_dup(Z_ARRVAL(mode->server_template)));
}

bool psv_php_worker_server_fill(struct psv_php_thread *thread, zval *array)
{
    psv_php_worker_server_fill_environment(thread, array);
    if (!thread->mode->is_serving || !psv_php_worker_is_compat(thread))
        return false;
    fill_places(thread->mode, Z_ARRVAL_P(array), thread->message);
    psv_php_superglobals_add_fields(Z_ARRVAL_P(array), thread->message, true);
    return true;
}

void psv_php_worker_server_fill_environment(struct psv_php_thread *thread, zval *array)
{
    if (thread->mode->is_serving) {
        copy_template(thread, array);
        return;
    }
    add_environment(Z_ARRVAL_P(array), false);
    add_script_environment(Z_ARRVAL_P(array), thread->mode->script);
}

void psv_php_worker_server_forget(struct psv_php_thread *thread)
{
    if (Z_ISUNDEF(thread->mode->server_template))
        return;
    zval_ptr_dtor(&thread->mode->server_template);
    ZVAL_UNDEF(&thread->mode->server_template);
}
