/* The loop of worker mode; see php_worker.h.  [worker]
 *
 * The life of a script is one request of the engine's (php_request_run with no job).  Within it each call of
 * frankenphp_handle_request() gives the last job back, waits for the next, and runs the callback for it. What
 * the script does between two calls still belongs to the last request: its time limit, its place on the
 * scoreboard, its output (dropped).
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_worker.h"

#include <ext/spl/spl_exceptions.h>

#include "observe/log.h"
#include "os/clock.h"
#include "php_engine.h"
#include "php_environment.h"
#include "php_functions.h"
#include "php_opcache.h"
#include "php_output.h"
#include "php_request.h"
#include "php_thread.h"
#include "php_timeout.h"
#include "php_worker_cache.h"
#include "php_worker_idle.h"
#include "php_worker_request.h"
#include "php_worker_reset.h"
#include "php_worker_server.h"
#include "php_worker_strict.h"
#include "phpsrv/executor.h"

#define OUTPUT_LINE_MAX 1024

/* ---- boot */

static void fill_boot_message(struct psv_php_worker *mode)
{
    const struct psv_worker_script *script = mode->script;
    struct psv_bytes path = psv_bytes_of(script->path);
    struct psv_bytes root = psv_bytes_of(script->document_root);
    bool is_below = psv_bytes_starts_with(path, root) && path.len > root.len && path.data[root.len] == '/';
    struct psv_bytes name = psv_bytes_from(path, is_below ? root.len : psv_bytes_find_last(path, '/'));
    mode->boot_message = (struct psv_message){
        .method = PSV_BYTES("GET"),
        .protocol = PSV_BYTES("HTTP/1.1"),
        .scheme = PSV_BYTES("http"),
        .target = name,
        .document_root = root,
        .script_filename = path,
        .script_name = name,
        .server_name = PSV_BYTES("localhost"),
        .server_address = PSV_BYTES("127.0.0.1"),
        .remote_address = PSV_BYTES("127.0.0.1"),
        .settings = script->settings,
        .request_id = PSV_BYTES(""),
        .server_port = 80,
        .protocol_number = 1001,
        .hides_runtime = true,
    };
}

void psv_php_worker_prepare_boot(struct psv_php_thread *thread)
{
    struct psv_php_worker *mode = thread->mode;
    thread->job = NULL;
    thread->message = &mode->boot_message;
    mode->is_serving = false;
    mode->is_handling = false;
    mode->is_ending = false;
    mode->has_failed = false;
    mode->has_bailed = false;
    mode->snapshot = NULL;
    mode->idle_next_ns = 0;
    ZVAL_UNDEF(&mode->idle_function);
    mode->uses_server = false;
    mode->uses_request = false;
    ZVAL_UNDEF(&mode->server_template);
    SG(sapi_headers).http_response_code = 200;
    sapi_request_info *info = &SG(request_info);
    memset(info, 0, sizeof(*info));
    info->request_method = "GET";
    info->request_uri = (char *)(uintptr_t)mode->boot_message.script_name.data;
    info->path_translated = (char *)(uintptr_t)mode->script->path;
    for (size_t i = 0; i < mode->script->environment_len; i++) {
        /* the text stays where it is for as long as the thread */
        (void)putenv((char *)(uintptr_t)mode->script->environment[i]);
    }
}

size_t psv_php_worker_log_output(struct psv_php_thread *thread, const char *data, size_t len)
{
    struct psv_bytes rest = {data, len};
    struct psv_bytes line;
    while (psv_bytes_split(&rest, '\n', &line)) {
        if (line.len > 0)
            PSV_LOG(PSV_LOG_INFO, "worker.output", PSV_LOG_U64("worker", psv_worker_id(thread->worker)),
                    PSV_LOG_TEXT("script", thread->mode->script->path),
                    PSV_LOG_BYTES("text", psv_bytes_first(line, MIN(line.len, (size_t)OUTPUT_LINE_MAX))));
    }
    return len;
}

void psv_php_worker_note_end(struct psv_php_thread *thread)
{
    struct psv_php_worker *mode = thread->mode;
    mode->has_bailed = CG(unclean_shutdown) != 0;
    mode->has_failed = mode->has_bailed || EG(exit_status) != 0;
    psv_worker_script_note_exit(thread->worker, EG(exit_status), mode->has_bailed);
    psv_php_worker_idle_forget(thread);
    psv_php_worker_strict_end(thread);
    psv_php_worker_server_forget(thread);
}

/* ---- the loop */

static void give_job_back(struct psv_php_thread *thread)
{
    struct psv_php_worker *mode = thread->mode;
    struct psv_job *job = mode->job;
    if (job == NULL)
        return;
    mode->job = NULL;
    thread->job = NULL;
    thread->message = &mode->boot_message;
    psv_worker_end_job(thread->worker, job);
    psv_php_timeout_end_job(thread);
}

int psv_php_worker_run(struct psv_php_thread *thread)
{
    struct psv_php_worker mode = {.script = psv_worker_script(thread->worker)};
    bool goes_on = true;
    thread->mode = &mode;
    fill_boot_message(&mode);
    psv_php_worker_cache_thread_start(thread);
    psv_php_worker_reset_thread_start();
    while (goes_on) {
        psv_worker_script_begin(thread->worker);
        int rc = psv_php_request_run(thread, NULL);
        give_job_back(thread);
        bool is_broken = rc != PSV_OK || mode.has_bailed;
        goes_on = psv_worker_script_end(thread->worker,
                                        mode.has_failed || is_broken ? PSV_SCRIPT_FAILED : PSV_SCRIPT_DONE);
        if (is_broken) {
            thread->mode = NULL;
            return PSV_EAGAIN;
        }
    }
    thread->mode = NULL;
    return PSV_OK;
}

/* The memory of a script may only grow so far; what its code frees late counts as well. */
static bool is_too_large(const struct psv_php_worker *mode)
{
    return mode->script->memory_bytes_max > 0 && zend_memory_usage(true) > mode->script->memory_bytes_max;
}

static void retire(struct psv_php_thread *thread, enum psv_script_reason reason)
{
    psv_worker_script_retire(thread->worker, reason);
    thread->mode->is_ending = true;
}

/* What the script has done since its callback returned belonged to the last request. */
static void settle(struct psv_php_thread *thread)
{
    struct psv_php_worker *mode = thread->mode;
    if (!mode->is_serving) {
        psv_php_worker_cache_end_boot();
        psv_php_worker_strict_begin(thread);
        return;
    }
    psv_worker_script_note_memory(thread->worker, zend_memory_usage(true));
    if (is_too_large(mode))
        retire(thread, PSV_SCRIPT_HAS_GROWN);
    if (mode->job != NULL) {
        psv_php_worker_strict_settle(thread);
        mode->is_ending |= !psv_php_worker_report_uncaught();
    }
}

static struct psv_job *wait_for_job(struct psv_php_thread *thread)
{
    for (;;) {
        bool is_timeout = false;
        uint64_t until_ns =
            psv_clock_sooner(psv_php_worker_idle_next_ns(thread), psv_php_opcache_boot_retry_ns(thread));
        struct psv_job *job = psv_worker_next_job_until(thread->worker, until_ns, &is_timeout);
        if (job != NULL || !is_timeout)
            return job;
        if (psv_php_opcache_wants_boot(thread)) {
            retire(thread, PSV_SCRIPT_RESTARTS);
            return NULL;
        }
        if (!psv_php_worker_idle_run(thread))
            return NULL;
    }
}

/* Waits for a request and makes it the current one; false when there are no more. */
static bool take_request(struct psv_php_thread *thread)
{
    struct psv_php_worker *mode = thread->mode;
    settle(thread);
    if (psv_php_opcache_wants_boot(thread))
        retire(thread, PSV_SCRIPT_RESTARTS);
    mode->is_ending |= (EG(flags) & EG_FLAGS_IN_SHUTDOWN) != 0;
    psv_php_worker_leave_request(thread);
    give_job_back(thread);
    if (!mode->is_serving) {
        psv_worker_script_ready(thread->worker);
        psv_php_timeout_end_job(thread); /* an interrupt that came just before is not meant for a request */
    }
    mode->is_serving = true;
    if (mode->is_ending)
        return false;
    if (psv_php_engine_settings()->limits_wall_time)
        zend_unset_timeout();
    struct psv_job *job = wait_for_job(thread);
    if (job == NULL) {
        mode->is_ending = true;
        return false;
    }
    mode->job = job;
    psv_php_request_take(thread, job);
    psv_php_worker_begin_request(thread);
    psv_php_worker_strict_begin_request(thread);
    return true;
}

/* FrankenPHP calls without arguments, and callbacks written for it may have parameters of their own. */
static bool is_own_name(const zend_function *function)
{
    return zend_string_starts_with_literal(function->common.function_name, "phpsrv_");
}

/* message: goes in as an argument, if there is a parameter; NULL: does not. */
static void call_back(zend_fcall_info *call, zend_fcall_info_cache *cache, const struct psv_message *message)
{
    zval result, request;
    ZVAL_UNDEF(&result);
    ZVAL_UNDEF(&request);
    call->retval = &result;
    const zend_function *function = cache->function_handler;
    if (message != NULL &&
        (function->common.num_args > 0 || (function->common.fn_flags & ZEND_ACC_VARIADIC) != 0)) {
        psv_php_worker_request_make(message, &request);
        call->params = &request;
        call->param_count = 1;
    }
    if (zend_call_function(call, cache) == SUCCESS)
        zval_ptr_dtor(&result);
    zval_ptr_dtor(&request);
}

PHP_FUNCTION(phpsrv_handle_request)
{
    zend_fcall_info call;
    zend_fcall_info_cache cache;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_FUNC(call, cache)
    ZEND_PARSE_PARAMETERS_END();
    struct psv_php_thread *thread = psv_php_thread_current();
    if (thread == NULL || thread->mode == NULL || psv_php_is_forked_child()) {
        zend_throw_exception(spl_ce_RuntimeException,
                             "frankenphp_handle_request() called while not in worker mode", 0);
        RETURN_THROWS();
    }
    struct psv_php_worker *mode = thread->mode;
    if (mode->is_handling) {
        zend_throw_exception(spl_ce_RuntimeException,
                             "frankenphp_handle_request() called while a request is being handled", 0);
        RETURN_THROWS();
    }
    if (!take_request(thread)) {
        if (EG(exception) != NULL) /* exit() of a function that was called meanwhile */
            return;
        RETURN_FALSE;
    }
    mode->is_handling = true;
    call_back(&call, &cache, is_own_name(EX(func)) ? thread->message : NULL);
    if (!psv_php_worker_report_uncaught()) /* exit: the script ends with this request */
        return;
    psv_php_worker_strict_end_request(thread);
    if (!psv_php_worker_report_uncaught() || !psv_php_worker_end_response(thread))
        return;
    mode->is_handling = false;
    RETURN_TRUE;
}
