/* See php_worker_strict.h.  Here is what the engine keeps: ini settings, handlers, shutdown functions, $_ENV;
 * what only PHP's functions reach is in php_worker_touched.c.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_worker_strict.h"

#include <ext/standard/basic_functions.h>

#include "observe/log.h"
#include "php_thread.h"
#include "php_worker.h"
#include "php_worker_touched.h"
#include "phpsrv/executor.h"

struct setting {
    zend_string *name;
    zend_string *value; /* NULL: none */
};

/* set_error_handler(), or set_exception_handler() with what it has been called before. */
struct handlers {
    zval current;
    int error_reporting;
    zval *stack;
    int *error_reportings;
    int stack_len;
};

struct psv_php_snapshot {
    struct setting *settings; /* those that are not as the process has them */
    uint32_t settings_len;
    struct handlers errors;
    struct handlers exceptions;
    zval environment;              /* $_ENV; undefined: not filled */
    HashTable *shutdown_functions; /* of the script, while a request has its own */
    bool has_own_functions;
    struct psv_php_kept *kept;
};

struct changes {
    struct psv_php_thread *thread;
    smart_str text;
};

/* ---- naming */

static void tell(void *context, const char *name, const char *detail)
{
    struct changes *changes = context;
    if (!changes->thread->mode->script->tells_changes)
        return;
    if (changes->text.s != NULL)
        smart_str_appends(&changes->text, ", ");
    smart_str_appends(&changes->text, name);
    if (detail != NULL) {
        smart_str_appendc(&changes->text, ' ');
        smart_str_appends(&changes->text, detail);
    }
}

static void log_changes(struct changes *changes)
{
    const struct psv_worker_script *script = changes->thread->mode->script;
    if (changes->text.s == NULL)
        return;
    PSV_LOG(
        PSV_LOG_INFO, "worker.request_changed",
        PSV_LOG_BYTES("request_id", changes->thread->message->request_id),
        PSV_LOG_TEXT("script", script->path),
        PSV_LOG_TEXT("effect", script->is_strict ? "put back" : "stays for all requests that follow"),
        PSV_LOG_BYTES("changes", ((struct psv_bytes){ZSTR_VAL(changes->text.s), ZSTR_LEN(changes->text.s)})));
    smart_str_free(&changes->text);
}

/* ---- ini settings */

static void free_settings(struct psv_php_snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->settings_len; i++) {
        zend_string_release(snapshot->settings[i].name);
        if (snapshot->settings[i].value != NULL)
            zend_string_release(snapshot->settings[i].value);
    }
    if (snapshot->settings != NULL)
        efree(snapshot->settings);
    snapshot->settings = NULL;
    snapshot->settings_len = 0;
}

static void keep_settings(struct psv_php_snapshot *snapshot)
{
    zend_ini_entry *entry;
    if (EG(modified_ini_directives) == NULL)
        return;
    snapshot->settings =
        safe_emalloc(zend_hash_num_elements(EG(modified_ini_directives)), sizeof(struct setting), 1);
    ZEND_HASH_MAP_FOREACH_PTR(EG(modified_ini_directives), entry)
    {
        struct setting *setting = &snapshot->settings[snapshot->settings_len++];
        setting->name = zend_string_copy(entry->name);
        setting->value = entry->value != NULL ? zend_string_copy(entry->value) : NULL;
    }
    ZEND_HASH_FOREACH_END();
}

static const struct setting *find_setting(const struct psv_php_snapshot *snapshot, const zend_string *name)
{
    for (uint32_t i = 0; i < snapshot->settings_len; i++) {
        if (zend_string_equals(snapshot->settings[i].name, name))
            return &snapshot->settings[i];
    }
    return NULL;
}

static bool has_value(const zend_ini_entry *entry, const zend_string *value)
{
    return entry->value == value ||
           (entry->value != NULL && value != NULL && zend_string_equals(entry->value, value));
}

/* The stage is that of a request's end: settings of sessions cannot be changed in any other, once a head is
 * sent. */
static void restore_setting(const struct setting *setting)
{
    if (setting->value != NULL)
        (void)zend_alter_ini_entry_ex(setting->name, setting->value, PHP_INI_SYSTEM, PHP_INI_STAGE_DEACTIVATE,
                                      true);
    else
        (void)zend_restore_ini_entry(setting->name, PHP_INI_STAGE_DEACTIVATE);
}

static bool are_settings_as_kept(const struct psv_php_snapshot *snapshot)
{
    uint32_t i = 0;
    const zend_ini_entry *entry;
    if (EG(modified_ini_directives) == NULL)
        return snapshot->settings_len == 0;
    if (zend_hash_num_elements(EG(modified_ini_directives)) != snapshot->settings_len)
        return false;
    ZEND_HASH_MAP_FOREACH_PTR(EG(modified_ini_directives), entry)
    {
        if (!zend_string_equals(entry->name, snapshot->settings[i].name) ||
            !has_value(entry, snapshot->settings[i].value))
            return false;
        i++;
    }
    ZEND_HASH_FOREACH_END();
    return true;
}

/* Names first: restoring takes entries out of PHP's list. */
static void settle_settings(struct psv_php_snapshot *snapshot, struct changes *changes, bool restores)
{
    struct psv_php_snapshot now = {.settings = NULL};
    if (EXPECTED(are_settings_as_kept(snapshot)))
        return;
    keep_settings(&now);
    for (uint32_t i = 0; i < now.settings_len; i++) {
        const struct setting *setting = &now.settings[i];
        const struct setting *kept = find_setting(snapshot, setting->name);
        if (kept != NULL)
            continue;
        tell(changes, "ini", ZSTR_VAL(setting->name));
        if (restores)
            (void)zend_restore_ini_entry(setting->name, PHP_INI_STAGE_DEACTIVATE);
    }
    for (uint32_t i = 0; i < snapshot->settings_len; i++) {
        const struct setting *setting = &snapshot->settings[i];
        const zend_ini_entry *entry = zend_hash_find_ptr(EG(ini_directives), setting->name);
        if (entry == NULL || has_value(entry, setting->value))
            continue;
        tell(changes, "ini", ZSTR_VAL(setting->name));
        if (restores)
            restore_setting(setting);
    }
    free_settings(&now);
    free_settings(snapshot);
    keep_settings(snapshot);
}

/* ---- handlers */

static void keep_handlers(struct handlers *handlers, const zval *current, int error_reporting,
                          const zend_stack *stack, const zend_stack *error_reportings)
{
    handlers->error_reporting = error_reporting;
    ZVAL_COPY(&handlers->current, current);
    handlers->stack_len = zend_stack_count(stack);
    handlers->stack = safe_emalloc((size_t)handlers->stack_len, sizeof(zval), 1);
    handlers->error_reportings = safe_emalloc((size_t)handlers->stack_len, sizeof(int), 1);
    for (int i = 0; i < handlers->stack_len; i++) {
        ZVAL_COPY(&handlers->stack[i], (zval *)zend_stack_base(stack) + i);
        handlers->error_reportings[i] =
            error_reportings != NULL ? ((int *)zend_stack_base(error_reportings))[i] : 0;
    }
}

static void free_handlers(struct handlers *handlers)
{
    zval_ptr_dtor(&handlers->current);
    for (int i = 0; i < handlers->stack_len; i++)
        zval_ptr_dtor(&handlers->stack[i]);
    efree(handlers->stack);
    efree(handlers->error_reportings);
}

static bool are_handlers_as_kept(const struct handlers *handlers, zval *current, int error_reporting,
                                 const zend_stack *stack)
{
    if (!fast_is_identical_function(current, (zval *)(uintptr_t)&handlers->current) ||
        handlers->stack_len != zend_stack_count(stack) || handlers->error_reporting != error_reporting)
        return false;
    for (int i = 0; i < handlers->stack_len; i++) {
        if (!fast_is_identical_function((zval *)zend_stack_base(stack) + i, &handlers->stack[i]))
            return false;
    }
    return true;
}

/* What is replaced is freed last: its destructors see the handlers that are kept. */
static void restore_handlers(const struct handlers *handlers, zval *current, zend_stack *stack,
                             zend_stack *error_reportings)
{
    zval old_current;
    zval *old = safe_emalloc((size_t)zend_stack_count(stack), sizeof(zval), 1);
    int old_len = zend_stack_count(stack);
    ZVAL_COPY_VALUE(&old_current, current);
    for (int i = 0; i < old_len; i++)
        ZVAL_COPY_VALUE(&old[i], (zval *)zend_stack_base(stack) + i);
    while (!zend_stack_is_empty(stack))
        zend_stack_del_top(stack);
    while (error_reportings != NULL && !zend_stack_is_empty(error_reportings))
        zend_stack_del_top(error_reportings);
    ZVAL_COPY(current, &handlers->current);
    for (int i = 0; i < handlers->stack_len; i++) {
        Z_TRY_ADDREF(handlers->stack[i]);
        (void)zend_stack_push(stack, &handlers->stack[i]);
        if (error_reportings != NULL)
            (void)zend_stack_push(error_reportings, &handlers->error_reportings[i]);
    }
    zval_ptr_dtor(&old_current);
    for (int i = 0; i < old_len; i++)
        zval_ptr_dtor(&old[i]);
    efree(old);
}

static void settle_error_handlers(struct handlers *handlers, struct changes *changes, bool restores)
{
    if (EXPECTED(are_handlers_as_kept(handlers, &EG(user_error_handler),
                                      EG(user_error_handler_error_reporting), &EG(user_error_handlers))))
        return;
    tell(changes, "error handler", NULL);
    if (restores) {
        EG(user_error_handler_error_reporting) = handlers->error_reporting;
        restore_handlers(handlers, &EG(user_error_handler), &EG(user_error_handlers),
                         &EG(user_error_handlers_error_reporting));
        return;
    }
    free_handlers(handlers);
    keep_handlers(handlers, &EG(user_error_handler), EG(user_error_handler_error_reporting),
                  &EG(user_error_handlers), &EG(user_error_handlers_error_reporting));
}

static void settle_exception_handlers(struct handlers *handlers, struct changes *changes, bool restores)
{
    if (EXPECTED(
            are_handlers_as_kept(handlers, &EG(user_exception_handler), 0, &EG(user_exception_handlers))))
        return;
    tell(changes, "exception handler", NULL);
    if (restores) {
        restore_handlers(handlers, &EG(user_exception_handler), &EG(user_exception_handlers), NULL);
        return;
    }
    free_handlers(handlers);
    keep_handlers(handlers, &EG(user_exception_handler), 0, &EG(user_exception_handlers), NULL);
}

/* ---- $_ENV */

static zval *find_environment(void)
{
    return zend_hash_find_ind(&EG(symbol_table), ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_ENV));
}

static void keep_environment(struct psv_php_snapshot *snapshot)
{
    zval *now = find_environment();
    ZVAL_UNDEF(&snapshot->environment);
    if (now != NULL)
        ZVAL_COPY_DEREF(&snapshot->environment, now);
}

/* PHP copies an array that someone else holds before it writes to it: the same one is unchanged. */
static void settle_environment(struct psv_php_snapshot *snapshot, struct changes *changes, bool restores)
{
    zval *now = find_environment();
    if (now == NULL)
        return;
    ZVAL_DEREF(now);
    if (Z_ISUNDEF(snapshot->environment)) { /* filled by this request, as any would */
        keep_environment(snapshot);
        return;
    }
    if (Z_TYPE_P(now) == Z_TYPE(snapshot->environment) && Z_TYPE_P(now) == IS_ARRAY &&
        Z_ARRVAL_P(now) == Z_ARRVAL(snapshot->environment))
        return;
    tell(changes, "$_ENV", NULL);
    if (restores) {
        Z_TRY_ADDREF(snapshot->environment);
        zend_hash_update_ind(&EG(symbol_table), ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_ENV), &snapshot->environment);
        return;
    }
    zval_ptr_dtor(&snapshot->environment);
    keep_environment(snapshot);
}

/* ---- shutdown functions */

void psv_php_worker_strict_begin_request(struct psv_php_thread *thread)
{
    struct psv_php_snapshot *snapshot = thread->mode->snapshot;
    if (snapshot == NULL || !thread->mode->script->is_strict)
        return;
    snapshot->shutdown_functions = BG(user_shutdown_function_names);
    snapshot->has_own_functions = true;
    BG(user_shutdown_function_names) = NULL;
}

void psv_php_worker_strict_end_request(struct psv_php_thread *thread)
{
    struct psv_php_snapshot *snapshot = thread->mode->snapshot;
    if (snapshot == NULL || !snapshot->has_own_functions || BG(user_shutdown_function_names) == NULL)
        return;
    php_call_shutdown_functions();
    php_free_shutdown_functions();
    if (CG(unclean_shutdown)) /* caught by PHP, which has nothing left to do then */
        zend_bailout();
}

/* Between requests, and when the script ends within one: the script's own, then the request's. */
static void join_shutdown_functions(struct psv_php_snapshot *snapshot)
{
    HashTable *own = snapshot->shutdown_functions;
    HashTable *of_request = BG(user_shutdown_function_names);
    void *entry;
    if (!snapshot->has_own_functions)
        return;
    snapshot->has_own_functions = false;
    snapshot->shutdown_functions = NULL;
    if (own == NULL)
        return;
    BG(user_shutdown_function_names) = own;
    if (of_request == NULL)
        return;
    ZEND_HASH_FOREACH_PTR (of_request, entry) {
        (void)zend_hash_next_index_insert_ptr(own, entry);
    }
    ZEND_HASH_FOREACH_END();
    of_request->pDestructor = NULL; /* the entries have moved */
    zend_hash_destroy(of_request);
    FREE_HASHTABLE(of_request);
}

/* ---- all of it */

void psv_php_worker_strict_begin(struct psv_php_thread *thread)
{
    const struct psv_worker_script *script = thread->mode->script;
    if (!script->is_strict && !script->tells_changes)
        return;
    struct psv_php_snapshot *snapshot = ecalloc(1, sizeof(*snapshot));
    keep_settings(snapshot);
    keep_handlers(&snapshot->errors, &EG(user_error_handler), EG(user_error_handler_error_reporting),
                  &EG(user_error_handlers), &EG(user_error_handlers_error_reporting));
    keep_handlers(&snapshot->exceptions, &EG(user_exception_handler), 0, &EG(user_exception_handlers), NULL);
    keep_environment(snapshot);
    snapshot->kept = psv_php_touched_keep();
    thread->mode->snapshot = snapshot;
}

void psv_php_worker_strict_settle(struct psv_php_thread *thread)
{
    struct psv_php_snapshot *snapshot = thread->mode->snapshot;
    struct changes changes = {.thread = thread};
    const bool restores = thread->mode->script->is_strict;
    if (snapshot == NULL)
        return;
    join_shutdown_functions(snapshot);
    settle_settings(snapshot, &changes, restores);
    settle_error_handlers(&snapshot->errors, &changes, restores);
    settle_exception_handlers(&snapshot->exceptions, &changes, restores);
    settle_environment(snapshot, &changes, restores);
    psv_php_touched_settle(snapshot->kept, restores, tell, &changes);
    log_changes(&changes);
}

void psv_php_worker_strict_end(struct psv_php_thread *thread)
{
    struct psv_php_snapshot *snapshot = thread->mode->snapshot;
    if (snapshot == NULL)
        return;
    thread->mode->snapshot = NULL;
    join_shutdown_functions(snapshot);
    free_settings(snapshot);
    free_handlers(&snapshot->errors);
    free_handlers(&snapshot->exceptions);
    zval_ptr_dtor(&snapshot->environment);
    psv_php_touched_free(snapshot->kept);
    efree(snapshot);
}
