/* The engine between two requests of a script; see php_worker_reset.h.  [worker]
 *
 * While there is no request the output layer is active, so that what the script prints reaches the log, and
 * the SAPI layer is not.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_worker_reset.h"

#include <ext/standard/basic_functions.h>

#include "php_dev.h"
#include "php_engine.h"
#include "php_input.h"
#include "php_output.h"
#include "php_request.h"
#include "php_session.h"
#include "php_tables.h"
#include "php_thread.h"
#include "php_worker.h"
#include "php_worker_cache.h"
#include "php_worker_release.h"
#include "php_worker_server.h"
#include "phpsrv/executor.h"

/* ---- variables */

enum { NAME_GET, NAME_POST, NAME_COOKIE, NAME_FILES, NAME_SESSION, NAME_COUNT };

static zend_string *input_names[NAME_COUNT]; /* written at start */

void psv_php_worker_reset_on_module_init(void)
{
    static const char *const texts[NAME_COUNT] = {"_GET", "_POST", "_COOKIE", "_FILES", "_SESSION"};
    for (size_t i = 0; i < NAME_COUNT; i++)
        input_names[i] = zend_string_init_interned(texts[i], strlen(texts[i]), true);
}

/* The arrays of the last request; $_ENV is the script's. */
static void drop_input(struct psv_php_worker *mode)
{
    for (int i = 0; i < NUM_TRACK_VARS; i++) {
        if (i == TRACK_VARS_ENV)
            continue;
        zval_ptr_dtor(&PG(http_globals)[i]);
        ZVAL_UNDEF(&PG(http_globals)[i]);
    }
    for (size_t i = 0; i < NAME_COUNT; i++)
        (void)zend_hash_del(&EG(symbol_table), input_names[i]);
    mode->uses_server |= zend_hash_del(&EG(symbol_table), ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_SERVER)) == SUCCESS;
    mode->uses_request |=
        zend_hash_del(&EG(symbol_table), ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_REQUEST)) == SUCCESS;
}

/* Code that was compiled earlier does not ask again for what PHP fills when it is first mentioned.  $_ENV is
 * not filled a second time, also with auto_globals_jit=0. */
static void import_input(struct psv_php_worker *mode)
{
    zval environment;
    zend_auto_global *global = zend_hash_find_ptr(CG(auto_globals), ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_ENV));
    zend_auto_global_callback fill_environment = NULL;
    ZVAL_COPY_VALUE(&environment, &PG(http_globals)[TRACK_VARS_ENV]);
    if (!Z_ISUNDEF(environment) && global != NULL) {
        fill_environment = global->auto_global_callback;
        global->auto_global_callback = NULL;
    }
    (void)php_hash_environment();
    if (fill_environment != NULL) {
        ZVAL_COPY_VALUE(&PG(http_globals)[TRACK_VARS_ENV], &environment);
        global->auto_global_callback = fill_environment;
        global->armed = false;
    }
    if (mode->uses_server)
        (void)zend_is_auto_global(ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_SERVER));
    if (mode->uses_request)
        (void)zend_is_auto_global(ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_REQUEST));
}

/* ---- modules that keep something of a request */

enum { MODULE_FILTER, MODULE_ZLIB, MODULE_SESSION, MODULE_COUNT };

/* Of the thread's registry, which is the process's; NULL: not loaded. */
static _Thread_local const zend_module_entry *modules[MODULE_COUNT];

void psv_php_worker_reset_thread_start(void)
{
    static const char *const names[MODULE_COUNT] = {"filter", "zlib", "session"};
    for (size_t i = 0; i < MODULE_COUNT; i++)
        modules[i] = psv_php_find_module(names[i]);
}

static void drop_header_callback(void);

/* The filter module keeps copies for filter_input(); the next request begins with an empty set and does not
 * free them. */
static void release_input(void)
{
    psv_php_worker_release_input();
    psv_php_stop_module(modules[MODULE_FILTER]);
}

/* A script whose save handler has not let its session go lets it go with its own end. */
static void end_session(struct psv_php_thread *thread)
{
    thread->mode->is_ending |= !psv_php_session_end(modules[MODULE_SESSION]);
}

/* ---- output */

static void begin_output(void)
{
    php_output_activate();
    if (PG(output_handler) != NULL && *PG(output_handler) != '\0') {
        zval handler;
        ZVAL_STRING(&handler, PG(output_handler));
        (void)php_output_start_user(&handler, 0, PHP_OUTPUT_HANDLER_STDFLAGS);
        zval_ptr_dtor(&handler);
    } else if (PG(output_buffering) > 0) {
        (void)php_output_start_user(NULL, PG(output_buffering) > 1 ? (size_t)PG(output_buffering) : 0,
                                    PHP_OUTPUT_HANDLER_STDFLAGS);
    } else if (PG(implicit_flush)) {
        php_output_set_implicit_flush(1);
    }
}

/* As ext/standard's end of a request does: output_add_rewrite_var() begins anew. */
static void end_rewriting(url_adapt_state_ex_t *state)
{
    if (!state->active)
        return;
    smart_str_free(&state->form_app);
    smart_str_free(&state->url_app);
    smart_str_free(&state->result);
    smart_str_free(&state->buf);
    smart_str_free(&state->tag);
    smart_str_free(&state->arg);
    smart_str_free(&state->attr_val);
    memset(state, 0, offsetof(url_adapt_state_ex_t, tags));
}

/* Header lines go nowhere, and do not warn that they are late. */
static void begin_limbo(void)
{
    php_output_activate();
    SG(request_info).content_type_dup = NULL; /* freed */
    SG(request_info).current_user = NULL;
    SG(request_info).no_headers = true;
    SG(headers_sent) = true;
}

static void end_limbo(void)
{
    php_output_end_all();
    php_output_deactivate();
    release_input(); /* of php://input between two requests */
    drop_header_callback();
    zend_llist_destroy(&SG(sapi_headers).headers);
    if (SG(sapi_headers).mimetype != NULL) {
        efree(SG(sapi_headers).mimetype);
        SG(sapi_headers).mimetype = NULL;
    }
    if (SG(sapi_headers).http_status_line != NULL) {
        efree(SG(sapi_headers).http_status_line);
        SG(sapi_headers).http_status_line = NULL;
    }
}

/* ---- the three steps */

/* What the engine has may be the last request's input time. */
static zend_long max_execution_time(void)
{
    return PG(max_input_time) == -1 ? EG(timeout_seconds) : INI_INT("max_execution_time");
}

void psv_php_worker_begin_request(struct psv_php_thread *thread)
{
    zval handler;
    end_limbo();
    psv_php_input_take_credentials(thread);
    /* Warnings about the request's form are none of the application's business. */
    ZVAL_COPY_VALUE(&handler, &EG(user_error_handler));
    ZVAL_UNDEF(&EG(user_error_handler));
    PG(header_is_being_sent) = false;
    PG(during_request_startup) = true;
    PG(connection_status) = PHP_CONNECTION_NORMAL;
    PG(ignore_user_abort) = true; /* a client that goes away must not take the script along */
    EG(exit_status) = 0;
    begin_output();
    sapi_activate();
    SG(sapi_started) = true;
    const zend_long seconds = max_execution_time();
    if (thread->message->content_length > 0)
        zend_set_timeout(PG(max_input_time) == -1 ? seconds : PG(max_input_time), true);
    if (PG(expose_php) && !SG(headers_sent))
        sapi_add_header(SAPI_PHP_VERSION_HEADER, sizeof(SAPI_PHP_VERSION_HEADER) - 1, true);
    import_input(thread->mode);
    PG(during_request_startup) = false;
    ZVAL_COPY_VALUE(&EG(user_error_handler), &handler);
    psv_php_start_module(modules[MODULE_ZLIB]);
    psv_php_start_module(modules[MODULE_SESSION]);
    zend_set_timeout(seconds, false);
    psv_php_worker_cache_set_time((time_t)(thread->message->received_unix_us / 1000000));
    zend_memory_reset_peak_usage();
}

bool psv_php_worker_end_response(struct psv_php_thread *thread)
{
    php_output_end_all();
    if (!psv_php_worker_report_uncaught())
        return false;
    end_session(thread);
    if (CG(unclean_shutdown)) /* of a save handler, caught by PHP, which has nothing left to do then */
        zend_bailout();
    if (!psv_php_worker_report_uncaught())
        return false;
    (void)sapi_send_headers();
    if (!psv_php_worker_report_uncaught()) /* of header_register_callback() */
        return false;
    psv_php_request_note_usage(thread);
    psv_php_output_finish(thread);
    psv_php_dev_forget(thread);
    SG(request_info).no_headers = true; /* what follows until the next request may set some, in vain */
    return true;
}

/* header_register_callback() of a request that never called it, or of none. */
static void drop_header_callback(void)
{
    zval_ptr_dtor(&SG(callback_func));
    ZVAL_UNDEF(&SG(callback_func));
}

/* It is of no interest to later requests, and shutdown functions would take it for the reason of the end. */
static void forget_last_error(void)
{
    if (EXPECTED(PG(last_error_message) == NULL))
        return;
    PG(last_error_type) = 0;
    PG(last_error_lineno) = 0;
    zend_string_release(PG(last_error_message));
    PG(last_error_message) = NULL;
    if (PG(last_error_file) != NULL)
        zend_string_release(PG(last_error_file));
    PG(last_error_file) = NULL;
}

void psv_php_worker_leave_request(struct psv_php_thread *thread)
{
    struct psv_php_worker *mode = thread->mode;
    if (mode->is_serving && mode->job == NULL)
        return; /* none was taken */
    if (!mode->is_serving) {
        end_session(thread); /* session.auto_start: of the boot */
        mode->is_ending |= !psv_php_worker_report_uncaught();
    }
    php_output_end_all();
    php_output_deactivate();
    end_rewriting(&BG(url_adapt_output_ex));
    end_rewriting(&BG(url_adapt_session_ex));
    release_input();
    drop_header_callback();
    sapi_deactivate();
    drop_input(mode);
    psv_php_stop_module(modules[MODULE_ZLIB]);
    forget_last_error();
    if (thread->environment_text != NULL) {
        zend_string_release(thread->environment_text);
        thread->environment_text = NULL;
    }
    begin_limbo();
}

static void add_empty_array(zend_string *name)
{
    zval empty;
    array_init(&empty);
    zend_hash_update(&EG(symbol_table), name, &empty);
}

void psv_php_worker_begin_idle(struct psv_php_thread *thread)
{
    zval server;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (i != NAME_SESSION)
            add_empty_array(input_names[i]);
    }
    add_empty_array(ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_REQUEST));
    array_init(&server);
    psv_php_worker_server_fill_environment(thread, &server);
    zend_hash_update(&EG(symbol_table), ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_SERVER), &server);
    zend_set_timeout(max_execution_time(), true);
}

void psv_php_worker_end_idle(struct psv_php_thread *thread)
{
    struct psv_php_worker *mode = thread->mode;
    const bool uses_server = mode->uses_server;
    const bool uses_request = mode->uses_request;
    if (psv_php_engine_settings()->limits_wall_time)
        zend_unset_timeout();
    drop_input(mode);
    mode->uses_server = uses_server; /* that they were there tells nothing */
    mode->uses_request = uses_request;
    forget_last_error();
}

bool psv_php_worker_report_uncaught(void)
{
    if (EXPECTED(EG(exception) == NULL))
        return true;
    if (zend_is_unwind_exit(EG(exception)) || zend_is_graceful_exit(EG(exception)))
        return false;
    if (!SG(headers_sent) && SG(sapi_headers).http_response_code == 200)
        SG(sapi_headers).http_response_code = 500;
    (void)zend_exception_error(EG(exception), E_ERROR);
    EG(exit_status) = 0;
    psv_worker_script_note_error(psv_php_thread_current()->worker, PSV_BYTES("")); /* the script goes on */
    return EG(exception) == NULL;
}
