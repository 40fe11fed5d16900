/* Runs one job through the engine in classic mode: nothing survives the request but what PHP keeps itself
 * (opcache, persistent connections).  [worker]  All bailouts end in this file.
 *
 * No C state that must be freed lives between zend_try and its end: a bailout is a longjmp.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_request.h"

#include <unistd.h>

#include "observe/log.h"
#include "observe/metrics.h"
#include "php_body.h"
#include "php_dev.h"
#include "php_environment.h"
#include "php_input.h"
#include "php_locale.h"
#include "php_nice.h"
#include "php_opcache.h"
#include "php_output.h"
#include "php_session.h"
#include "php_site_settings.h"
#include "php_thread.h"
#include "php_timeout.h"
#include "php_user_ini.h"
#include "php_worker.h"
#include "php_worker_cache.h"
#include "phpsrv/message.h"

/* A heap of more than one chunk takes a while to free: then the response goes out before that. */
#define EARLY_END_BYTES (2 * 1024 * 1024)

static zend_result (*last_request_shutdown)(INIT_FUNC_ARGS);
static _Thread_local double probe_time; /* 0 = the clock's */

bool psv_php_request_try(void (*function)(void *context), void *context)
{
    volatile bool is_clean = true;
    zend_try
    {
        function(context);
    }
    zend_catch
    {
        is_clean = false;
    }
    zend_end_try();
    return is_clean;
}

/* ---- callbacks */

int psv_php_request_on_activate(void)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    if (thread == NULL)
        return SUCCESS; /* the empty request around module startup */
    SG(request_info).proto_num = thread->message->protocol_number; /* sapi_activate has reset it */
    /* HEAD: PHP would throw its output away; the server does that, and then knows the length that GET would
     * have. */
    SG(request_info).headers_only = false;
    psv_php_body_on_activate(thread);
    if (thread->mode != NULL && thread->job != NULL)
        return SUCCESS; /* settings are those that its script was booted with */
    psv_php_opcache_on_activate(thread);
    psv_php_user_ini_activate(thread);
    return SUCCESS;
}

int psv_php_request_time(double *ret_time)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    if (thread == NULL || thread->message->received_unix_us == 0) {
        *ret_time = probe_time;
        return probe_time != 0 ? SUCCESS : FAILURE; /* PHP takes the clock */
    }
    *ret_time = (double)thread->message->received_unix_us / 1000000.0;
    return SUCCESS;
}

/** In place of the request shutdown of the module that PHP calls last: scripts, output handlers and sessions
 * are done, only freeing remains. */
static zend_result on_last_request_shutdown(INIT_FUNC_ARGS)
{
    zend_result rc = last_request_shutdown(INIT_FUNC_ARGS_PASSTHRU);
    struct psv_php_thread *thread = psv_php_thread_current();
    psv_php_session_close_left();
    if (thread != NULL && thread->job != NULL && zend_memory_usage(true) > EARLY_END_BYTES) {
        (void)sapi_send_headers(); /* nothing was printed: PHP would do it after us */
        psv_php_output_finish(thread);
    }
    if (!psv_php_is_forked_child())
        psv_php_timeout_hide_timer();
    return rc;
}

void psv_php_request_on_started(void)
{
    zend_module_entry *module;
    ZEND_HASH_MAP_FOREACH_PTR(&module_registry, module)
    {
        if (module->request_shutdown_func != NULL) {
            /* The functions are called in reverse order of registration. */
            last_request_shutdown = module->request_shutdown_func;
            module->request_shutdown_func = on_last_request_shutdown;
            return;
        }
    }
    ZEND_HASH_FOREACH_END();
}

/* ---- one request */

static void begin(struct psv_php_thread *thread, struct psv_job *job)
{
    thread->stage = PSV_PHP_STAGE_NONE;
    thread->environment_text = NULL; /* the last request's memory is gone */
    thread->gc_runs = 0;
    thread->gc_collected = 0;
    thread->gc_time_ns = 0;
    SG(server_context) = thread;
    if (job != NULL)
        psv_php_request_take(thread, job);
    else
        psv_php_worker_prepare_boot(thread);
}

void psv_php_request_take(struct psv_php_thread *thread, struct psv_job *job)
{
    thread->job = job;
    thread->message = psv_job_message(job);
    thread->head_is_lost = false;
    thread->output_has_failed = false;
    thread->is_finished = false;
    thread->filter_has_server = false;
    SG(sapi_headers).http_response_code = 200; /* PHP leaves the last request's in it */
    psv_php_input_fill_request_info(thread);
}

/** A script that has gone since the router looked is the client's affair, not the server's failure. */
static void explain_missing_script(struct psv_php_thread *thread)
{
    const bool has_prepend = PG(auto_prepend_file) != NULL && *PG(auto_prepend_file) != '\0';
    if (SG(headers_sent) || zend_hash_num_elements(&EG(included_files)) > (has_prepend ? 1 : 0))
        return;
    if (access(thread->message->script_filename.data, R_OK) != 0) {
        SG(sapi_headers).http_response_code = errno == EACCES ? 403 : 404;
        psv_php_dev_forget(thread); /* no failure of the script's own */
    }
}

/* virtual_chdir (Zend/zend_virtual_cwd.c) without its stat: a folder in which a script has just been found is
 * one, and PHP remembers the way there.  The state is behind no function of PHP's, but in front of a field
 * that is. */
static int enter_folder(const char *path)
{
    virtual_cwd_globals *globals =
        (virtual_cwd_globals *)(void *)((char *)realpath_cache_get_buckets() -
                                        offsetof(virtual_cwd_globals, realpath_cache));
    return virtual_file_ex(&globals->cwd, path, NULL, CWD_REALPATH);
}

static void execute(struct psv_php_thread *thread)
{
    zend_file_handle script;
    zend_stream_init_filename(&script, thread->message->script_filename.data);
    script.primary_script = true;
    EG(exit_status) = 0;
    (void)virtual_chdir_file(thread->message->script_filename.data, enter_folder);
    bool is_done = php_execute_script(&script);
    zend_destroy_file_handle(&script);
    if (thread->mode != NULL)
        psv_php_worker_note_end(thread);
    else if (!is_done)
        explain_missing_script(thread);
#if PSV_PHP_HAS_SESSION
    /* A bailout inside a user's save handler leaves it set; the session would not be closed, and stay locked.
     */
    PS(in_save_handler) = 0;
#endif
}

static void note_memory(struct psv_php_thread *thread)
{
    uint64_t bytes = zend_memory_usage(true);
    uint64_t peak_bytes = zend_memory_peak_usage(true);
    atomic_store_explicit(&thread->memory_bytes, bytes, memory_order_relaxed);
    psv_metric_observe(PSV_HISTOGRAM_PHP_MEMORY_PEAK, peak_bytes);
    if (peak_bytes > atomic_load_explicit(&thread->memory_peak_bytes, memory_order_relaxed))
        atomic_store_explicit(&thread->memory_peak_bytes, peak_bytes, memory_order_relaxed);
    if (thread->job != NULL && UNEXPECTED(psv_job_wants_usage(thread->job)))
        psv_job_note_memory(thread->job, zend_memory_peak_usage(false));
}

/* The engine begins to count anew with each script. */
static void note_garbage(struct psv_php_thread *thread)
{
    zend_gc_status status;
    zend_gc_get_status(&status);
    psv_metric_add(PSV_METRIC_GC_ROOTS, status.num_roots);
    if (LIKELY(status.runs == thread->gc_runs))
        return;
    psv_metric_add(PSV_METRIC_GC_RUNS, status.runs - thread->gc_runs);
    psv_metric_add(PSV_METRIC_GC_COLLECTED, status.collected - thread->gc_collected);
    psv_metric_add(PSV_METRIC_GC_TIME, (int64_t)((uint64_t)status.collector_time - thread->gc_time_ns));
    thread->gc_runs = status.runs;
    thread->gc_collected = status.collected;
    thread->gc_time_ns = (uint64_t)status.collector_time;
}

void psv_php_request_note_usage(struct psv_php_thread *thread)
{
    psv_php_opcache_sample();
    note_memory(thread);
    note_garbage(thread);
}

static void shut_down(struct psv_php_thread *thread)
{
    thread->stage = PSV_PHP_STAGE_SHUTDOWN;
    php_request_shutdown(NULL);
    psv_php_timeout_show_timer();
}

/** Everything between begin() and finish(); returns false when startup failed and the thread cannot be
 * trusted. */
static bool run_in_engine(struct psv_php_thread *thread)
{
    psv_php_input_take_credentials(thread);
    psv_php_opcache_before_startup(thread);
    thread->stage = PSV_PHP_STAGE_STARTED;
    psv_php_site_settings_apply(thread);
    bool has_started = php_request_startup() == SUCCESS;
    psv_php_opcache_after_startup(thread, has_started);
    if (!has_started) {
        if (SG(sapi_headers).http_response_code == 200)
            SG(sapi_headers).http_response_code = 500;
        shut_down(thread);
        return false;
    }
    psv_php_timeout_after_startup(thread);
    if (thread->mode != NULL)
        psv_php_worker_cache_begin_boot();
    execute(thread);
    psv_php_request_note_usage(thread);
    shut_down(thread);
    return true;
}

static bool computes(void)
{
    zval result;
    ZVAL_UNDEF(&result);
    bool is_right = zend_eval_string("6 * 7", &result, "probe") == SUCCESS && Z_TYPE(result) == IS_LONG &&
                    Z_LVAL(result) == 42;
    zval_ptr_dtor(&result);
    return is_right;
}

/** session.auto_start is not meant for it: it would leave a session behind each time.  Returns what was set.
 */
static bool set_session_start(bool starts)
{
#if PSV_PHP_HAS_SESSION
    bool before = PS(auto_start);
    PS(auto_start) = starts;
    return before;
#else
    return starts;
#endif
}

bool psv_php_request_probe(struct psv_php_thread *thread)
{
    volatile bool is_right = false;
    const bool starts_sessions = set_session_start(false);
    zend_first_try
    {
        psv_php_opcache_before_startup(thread);
        bool has_started = php_request_startup() == SUCCESS;
        psv_php_opcache_after_startup(thread, has_started);
        is_right = has_started && computes();
        shut_down(thread);
    }
    zend_catch
    {
        is_right = false;
    }
    zend_end_try();
    (void)set_session_start(starts_sessions);
    psv_php_opcache_leave(thread);
    return is_right;
}

bool psv_php_request_probe_at(struct psv_php_thread *thread, double unix_time)
{
    probe_time = unix_time;
    bool is_right = psv_php_request_probe(thread);
    probe_time = 0;
    return is_right;
}

static _Noreturn void end_forked_child(int status)
{
    _exit(status);
}

/** The engine's state is unknown: saves what can be saved for the client.  The thread will be replaced. */
static void clean_up_after_escape(struct psv_php_thread *thread)
{
    PSV_LOG(PSV_LOG_ERROR, "php.bailout_escaped", PSV_LOG_BYTES("request_id", thread->message->request_id),
            PSV_LOG_BYTES("script", thread->message->script_filename));
    if (thread->stage != PSV_PHP_STAGE_STARTED)
        return;
    zend_try
    {
        shut_down(thread);
    }
    zend_end_try();
}

static void finish(struct psv_php_thread *thread)
{
    psv_php_worker_cache_end_script();
    psv_php_opcache_leave(thread);
    if (thread->job != NULL)
        psv_php_output_end(thread);
    psv_php_dev_forget(thread);
    psv_php_body_forget();
    psv_php_input_clear_request_info();
    psv_php_environment_forget();
    psv_php_locale_forget();
    SG(server_context) = NULL;
    thread->job = NULL;
    thread->message = NULL;
}

int psv_php_request_run(struct psv_php_thread *thread, struct psv_job *job)
{
    volatile bool is_sound = true;
    volatile bool has_escaped = false;
    begin(thread, job);
    zend_first_try
    {
        is_sound = run_in_engine(thread);
    }
    zend_catch
    {
        is_sound = false;
        has_escaped = true;
        if (!psv_php_is_forked_child())
            clean_up_after_escape(thread);
    }
    zend_end_try();
    if (psv_php_is_forked_child())
        end_forked_child(EG(exit_status));
    job = thread->job; /* worker mode: of the request that its script has ended with */
    if (job != NULL && (has_escaped || (!is_sound && !psv_job_has_responded(job))))
        psv_job_fail(job);
    finish(thread);
    psv_php_nice_restore();
    return is_sound ? PSV_OK : PSV_EAGAIN;
}
