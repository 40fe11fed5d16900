/* The engine between two requests of a script; see php_worker_reset.h.  [worker]
 *
 * While there is no request the output layer is active, so that what the script prints reaches the log, and
 * the SAPI layer is not.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_worker_reset.h"

#include "observe/log.h"
#include "os/clock.h"
#include "php_dev.h"
#include "php_input.h"
#include "php_output.h"
#include "php_request.h"
#include "php_thread.h"
#include "php_worker.h"

/* ---- opcache's clock */

/* opcache takes the time once for each request of the engine's, and judges by it whether a cached file may
 * have changed and whether a file is too new to be cached.  For a script that lives for days the time has to
 * go on.  It is a field of opcache's globals (ZCG(request_time) of ext/opcache/ZendAccelerator.h), whose
 * place no installed header tells: its settings lie in the same struct, and the field is found by what two
 * empty requests with known times leave in it. */
#define CLOCK_SEARCH_WORDS 256

enum { CLOCK_UNKNOWN = -1, CLOCK_ABSENT = -2 };

static _Atomic int clock_index = CLOCK_UNKNOWN; /* in words; the same in all threads */
static _Thread_local time_t *opcache_clock;     /* NULL: no opcache, or not found */

static time_t *opcache_globals(void)
{
    const zend_ini_entry *entry =
        zend_hash_str_find_ptr(EG(ini_directives), ZEND_STRL("opcache.revalidate_freq"));
    if (entry == NULL || entry->mh_arg2 == NULL)
        return NULL;
    return ts_resource(*(int *)entry->mh_arg2);
}

/* Index of the only word that is `first` after an empty request at that time, and `second` after another. */
static int search_clock(struct psv_php_thread *thread, const time_t *globals)
{
    time_t first = (time_t)(psv_clock_unix_us() / 1000000) - 1009;
    time_t second = first - 2003;
    bool is_candidate[CLOCK_SEARCH_WORDS];
    int found = CLOCK_ABSENT;
    if (!psv_php_request_probe_at(thread, (double)first))
        return CLOCK_ABSENT;
    for (int i = 0; i < CLOCK_SEARCH_WORDS; i++)
        is_candidate[i] = globals[i] == first;
    if (!psv_php_request_probe_at(thread, (double)second))
        return CLOCK_ABSENT;
    for (int i = 0; i < CLOCK_SEARCH_WORDS; i++) {
        if (is_candidate[i] && globals[i] == second) {
            if (found != CLOCK_ABSENT)
                return CLOCK_ABSENT;
            found = i;
        }
    }
    return found;
}

void psv_php_worker_find_request_time(struct psv_php_thread *thread)
{
    time_t *globals = opcache_globals();
    /* relaxed: every thread would find the same */
    int index = atomic_load_explicit(&clock_index, memory_order_relaxed);
    opcache_clock = NULL;
    if (globals == NULL)
        return;
    if (index == CLOCK_UNKNOWN) {
        index = search_clock(thread, globals);
        if (atomic_exchange_explicit(&clock_index, index, memory_order_relaxed) == CLOCK_UNKNOWN &&
            index == CLOCK_ABSENT && INI_INT("opcache.enable") != 0)
            PSV_LOG(PSV_LOG_WARN, "php.opcache_clock_unknown",
                    PSV_LOG_TEXT("effect", "opcache does not cache files that are younger than the script"));
    }
    if (index >= 0)
        opcache_clock = globals + index;
}

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

/* Code that was compiled earlier does not ask again for what PHP fills when it is first mentioned. */
static void import_input(struct psv_php_worker *mode)
{
    zval environment;
    ZVAL_COPY_VALUE(&environment, &PG(http_globals)[TRACK_VARS_ENV]);
    (void)php_hash_environment();
    if (!Z_ISUNDEF(environment)) {
        ZVAL_COPY_VALUE(&PG(http_globals)[TRACK_VARS_ENV], &environment);
        zend_auto_global *global = zend_hash_find_ptr(CG(auto_globals), ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_ENV));
        if (global != NULL)
            global->armed = false;
    }
    if (mode->uses_server)
        (void)zend_is_auto_global(ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_SERVER));
    if (mode->uses_request)
        (void)zend_is_auto_global(ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_REQUEST));
}

/* ---- session */

#if PSV_PHP_HAS_SESSION
static zend_module_entry *session_module(void)
{
    return zend_hash_str_find_ptr(&module_registry, ZEND_STRL("session"));
}

static void add_reference(zval *value)
{
    Z_TRY_ADDREF_P(value);
}

/* The module's own end of a request frees save handlers that the script has set, too; they are kept. */
static void end_session(void)
{
    const zend_module_entry *module = session_module();
    if (module == NULL)
        return;
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
    (void)module->request_shutdown_func(module->type, module->module_number);
    PS(mod_user_names) = kept;
    PS(mod_user_class_name) = class_name;
}

static void begin_session(void)
{
    const zend_module_entry *module = session_module();
    if (module != NULL)
        (void)module->request_startup_func(module->type, module->module_number);
}
#else
static void end_session(void) {}
static void begin_session(void) {}
#endif

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

void psv_php_worker_begin_request(struct psv_php_thread *thread)
{
    zval handler;
    end_limbo();
    psv_php_input_take_credentials(thread);
    /* Warnings about the request's form are none of the application's business. */
    ZVAL_COPY_VALUE(&handler, &EG(user_error_handler));
    ZVAL_UNDEF(&EG(user_error_handler));
    PG(header_is_being_sent) = false;
    PG(connection_status) = PHP_CONNECTION_NORMAL;
    PG(ignore_user_abort) = true; /* a client that goes away must not take the script along */
    EG(exit_status) = 0;
    begin_output();
    sapi_activate();
    if (PG(max_input_time) != -1)
        zend_set_timeout(PG(max_input_time), true);
    if (PG(expose_php) && !SG(headers_sent))
        sapi_add_header(SAPI_PHP_VERSION_HEADER, sizeof(SAPI_PHP_VERSION_HEADER) - 1, true);
    import_input(thread->mode);
    ZVAL_COPY_VALUE(&EG(user_error_handler), &handler);
    begin_session();
    /* without an input time of its own, nothing but the setting has set the engine's */
    zend_set_timeout(PG(max_input_time) == -1 ? EG(timeout_seconds) : INI_INT("max_execution_time"), false);
    if (opcache_clock != NULL)
        *opcache_clock = (time_t)(thread->message->received_unix_us / 1000000);
    zend_memory_reset_peak_usage();
}

void psv_php_worker_end_response(struct psv_php_thread *thread)
{
    php_output_end_all();
    (void)sapi_send_headers();
    end_session();
    psv_php_request_note_usage(thread);
    psv_php_output_finish(thread);
    psv_php_dev_forget(thread);
}

void psv_php_worker_leave_request(struct psv_php_thread *thread)
{
    struct psv_php_worker *mode = thread->mode;
    if (mode->is_serving && mode->job == NULL)
        return; /* none was taken */
    php_output_end_all();
    php_output_deactivate();
    sapi_deactivate();
    drop_input(mode);
    if (thread->environment_text != NULL) {
        zend_string_release(thread->environment_text);
        thread->environment_text = NULL;
    }
    begin_limbo();
}
