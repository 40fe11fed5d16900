/* See php_session.h.  In worker mode PS(mod) is, while a session is written, a copy of the module whose close
 * function sets the exception of write() aside: ext/session/session.c (php_session_save_current_state) would
 * call close() with it, and the engine calls nothing while there is one.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_session.h"

#include "php_tables.h"
#include "php_thread.h"
#include "php_worker.h"

#if PSV_PHP_HAS_SESSION
static _Thread_local const ps_module *user_module; /* that a copy stands for */
static _Thread_local bool has_close_failed;

static zif_handler next_write_close; /* session_write_close() and session_commit() */

static bool is_user_module(const ps_module *module)
{
    return module != NULL && strcmp(module->s_name, "user") == 0;
}

static bool is_exit(const zend_object *exception)
{
    return zend_is_unwind_exit(exception) || zend_is_graceful_exit(exception);
}

/* Back comes the first one, or both in a chain; exit() wins. */
static void put_back(zend_object *first)
{
    zend_object *second = EG(exception);
    if (second == NULL) {
        EG(exception) = first;
    } else if (is_exit(first)) {
        EG(exception) = first;
        OBJ_RELEASE(second);
    } else if (is_exit(second)) {
        EG(exception) = NULL;
        (void)zend_exception_error(first, E_WARNING);
        EG(exception) = second;
    } else {
        zend_exception_set_previous(second, first);
    }
}

static PS_CLOSE_FUNC(after_write)
{
    zend_object *first = EG(exception);
    EG(exception) = NULL;
    zend_result rc = user_module->s_close(mod_data);
    has_close_failed |= EG(exception) != NULL;
    if (first != NULL)
        put_back(first);
    return rc;
}

static void run_with_copy(void (*function)(void *context), void *context)
{
    const ps_module *module = PS(mod);
    ps_module copy = *module;
    volatile bool is_clean = true;
    copy.s_close = ps_close_after_write;
    user_module = module;
    PS(mod) = &copy;
    zend_try
    {
        function(context);
    }
    zend_catch
    {
        is_clean = false;
    }
    zend_end_try();
    PS(mod) = module;
    if (is_clean)
        return;
    /* what is left to do is closing it */
    PS(session_status) = php_session_none;
    PS(in_save_handler) = 0;
}

static void flush(void *context)
{
    (void)context;
    (void)php_session_flush(1);
}

static void add_reference(zval *value)
{
    Z_TRY_ADDREF_P(value);
}

/* The module's own end of a request frees save handlers that the script has set; they are kept. */
static void stop(const zend_module_entry *module)
{
    __typeof__(PS(mod_user_names)) *names = &PS(mod_user_names);
    add_reference(&names->ps_open);
    add_reference(&names->ps_close);
    add_reference(&names->ps_read);
    add_reference(&names->ps_write);
    add_reference(&names->ps_destroy);
    add_reference(&names->ps_gc);
    add_reference(&names->ps_create_sid);
    add_reference(&names->ps_validate_sid);
    add_reference(&names->ps_update_timestamp);
    const __typeof__(PS(mod_user_names)) kept = *names;
    zend_string *class_name = PS(mod_user_class_name);
    if (class_name != NULL)
        zend_string_addref(class_name);
    psv_php_stop_module(module);
    PS(mod_user_names) = kept;
    PS(mod_user_class_name) = class_name;
}

bool psv_php_session_end(const zend_module_entry *module)
{
    if (module == NULL)
        return true;
    if (PS(session_status) == php_session_active && is_user_module(PS(mod)))
        run_with_copy(flush, NULL);
    stop(module);
    psv_php_session_close_left();
    bool is_closed = !has_close_failed;
    has_close_failed = false;
    return is_closed;
}

/* The data are those of the handler's parent, which was the module before it. */
void psv_php_session_close_left(void)
{
    if (EXPECTED(PS(mod_data) == NULL) || !is_user_module(PS(mod)) || PS(default_mod) == NULL ||
        is_user_module(PS(default_mod)))
        return;
    PS(mod_user_is_open) = 0;
    (void)PS(default_mod)->s_close(&PS(mod_data));
}

struct call {
    zend_execute_data *execute_data;
    zval *return_value;
};

static void call_next(void *context)
{
    struct call *call = context;
    next_write_close(call->execute_data, call->return_value);
}

static ZEND_FUNCTION(write_close)
{
    const struct psv_php_thread *thread = psv_php_thread_current();
    struct call call = {execute_data, return_value};
    if (EXPECTED(PS(session_status) != php_session_active || thread == NULL || thread->mode == NULL ||
                 !is_user_module(PS(mod)))) {
        call_next(&call);
        return;
    }
    run_with_copy(call_next, &call);
    if (CG(unclean_shutdown)) /* caught above */
        zend_bailout();
}

void psv_php_session_on_started(void)
{
    static const char *const names[] = {"session_write_close", "session_commit"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        zif_handler next = psv_php_replace_function(names[i], ZEND_FN(write_close));
        if (next == NULL)
            return;
        next_write_close = next;
    }
}
#else
bool psv_php_session_end(const zend_module_entry *module)
{
    psv_php_stop_module(module);
    return true;
}

void psv_php_session_close_left(void) {}

void psv_php_session_on_started(void) {}
#endif
