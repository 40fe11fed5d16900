/* See php_worker_idle.h.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_worker_idle.h"

#include <ext/spl/spl_exceptions.h>

#include "os/clock.h"
#include "php_engine.h"
#include "php_functions.h"
#include "php_thread.h"
#include "php_timeout.h"
#include "php_worker.h"
#include "php_worker_cache.h"
#include "php_worker_reset.h"
#include "php_worker_strict.h"
#include "phpsrv/executor.h"

#define SECONDS_MIN 0.001
#define SECONDS_MAX (7 * 86400)

uint64_t psv_php_worker_idle_next_ns(const struct psv_php_thread *thread)
{
    return thread->mode->idle_next_ns;
}

static void call_function(struct psv_php_worker *mode)
{
    zval function, result;
    ZVAL_COPY(&function, &mode->idle_function); /* it may take itself away */
    ZVAL_UNDEF(&result);
    mode->is_handling = true;
    (void)call_user_function(NULL, NULL, &function, &result, 0, NULL);
    mode->is_handling = false;
    zval_ptr_dtor(&result);
    zval_ptr_dtor(&function);
}

bool psv_php_worker_idle_run(struct psv_php_thread *thread)
{
    struct psv_php_worker *mode = thread->mode;
    if (mode->idle_next_ns == 0 || psv_clock_monotonic_ns() < mode->idle_next_ns)
        return true;
    psv_php_worker_cache_set_time((time_t)(psv_clock_unix_us() / 1000000));
    if (!psv_worker_script_begin_idle(thread->worker))
        return true;
    psv_php_worker_begin_idle(thread);
    call_function(mode);
    bool goes_on = psv_php_worker_report_uncaught();
    if (goes_on) {
        psv_php_worker_strict_settle(thread);
        goes_on = psv_php_worker_report_uncaught();
    }
    psv_php_worker_end_idle(thread);
    psv_worker_script_end_idle(thread->worker);
    psv_php_timeout_end_job(thread);
    if (mode->idle_next_ns != 0)
        mode->idle_next_ns = psv_clock_monotonic_ns() + mode->idle_wait_ns;
    return goes_on;
}

void psv_php_worker_idle_forget(struct psv_php_thread *thread)
{
    struct psv_php_worker *mode = thread->mode;
    zval function;
    mode->idle_next_ns = 0;
    ZVAL_COPY_VALUE(&function, &mode->idle_function);
    ZVAL_UNDEF(&mode->idle_function);
    zval_ptr_dtor(&function);
}

PHP_FUNCTION(phpsrv_on_idle)
{
    zend_fcall_info call;
    zend_fcall_info_cache cache;
    double seconds = 1;
    ZEND_PARSE_PARAMETERS_START(1, 2)
    Z_PARAM_FUNC_OR_NULL(call, cache)
    Z_PARAM_OPTIONAL
    Z_PARAM_DOUBLE(seconds)
    ZEND_PARSE_PARAMETERS_END();
    struct psv_php_thread *thread = psv_php_thread_current();
    if (!(seconds >= SECONDS_MIN && seconds <= SECONDS_MAX)) {
        zend_argument_value_error(2, "must be between 0.001 and %d", SECONDS_MAX);
        RETURN_THROWS();
    }
    if (thread == NULL || thread->mode == NULL || psv_php_is_forked_child()) {
        zend_throw_exception(spl_ce_RuntimeException, "phpsrv_on_idle() called while not in worker mode", 0);
        RETURN_THROWS();
    }
    psv_php_worker_idle_forget(thread);
    if (!ZEND_FCI_INITIALIZED(call))
        return;
    ZVAL_COPY(&thread->mode->idle_function, &call.function_name);
    thread->mode->idle_wait_ns = (uint64_t)(seconds * (double)PSV_NS_PER_S);
    thread->mode->idle_next_ns = psv_clock_monotonic_ns() + thread->mode->idle_wait_ns;
}

PHP_FUNCTION(phpsrv_is_worker)
{
    ZEND_PARSE_PARAMETERS_NONE();
    const struct psv_php_thread *thread = psv_php_thread_current();
    RETURN_BOOL(thread != NULL && thread->mode != NULL);
}
