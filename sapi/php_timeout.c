/* Turns the server's interrupt into a fatal error of the running script, at its next opcode or after its next
 * blocking call.  interrupt() is [any], the rest [worker].  Knows nothing of HTTP.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_timeout.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "php_engine.h"
#include "php_quiet_calls.h"
#include "php_thread.h"
#include "php_worker.h"
#include "phpsrv/executor.h"
#include "phpsrv/message.h"

/* PHP's own timers use SIGRTMIN. */
#define INTERRUPT_SIGNAL (SIGRTMIN + 3)

static void (*next_interrupt)(zend_execute_data *execute_data);

static void on_signal(int number)
{
    (void)number; /* it has done its work by making a system call return EINTR */
}

int psv_php_timeout_process_start(struct psv_error *reterr)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK}; /* no SA_RESTART */
    sigemptyset(&action.sa_mask);
    if (sigaction(INTERRUPT_SIGNAL, &action, NULL) != 0)
        return psv_error_set_errno(reterr, PSV_EIO, errno, "cannot install the interrupt signal");
    return PSV_OK;
}

/* The flag of this thread; NULL on threads that run no PHP. */
static _Thread_local const atomic_bool *own_flag;

static void make_timer(void);
static void delete_timer(void);

void psv_php_timeout_thread_start(struct psv_php_thread *thread)
{
    own_flag = &thread->is_interrupted;
    if (!psv_php_engine_settings()->limits_wall_time)
        make_timer();
}

bool psv_php_timeout_is_interrupted(void)
{
    return own_flag != NULL && atomic_load_explicit(own_flag, memory_order_relaxed);
}

void psv_php_timeout_thread_stop(void)
{
    own_flag = NULL;
    delete_timer();
}

#if PSV_PHP_HAS_THREAD_TIMERS
/* The engine's pid field says that a timer exists and in which process; 0 = none. */
static _Thread_local pid_t hidden_pid;

void psv_php_timeout_hide_timer(void)
{
    hidden_pid = EG(pid);
    EG(pid) = 0;
}

void psv_php_timeout_show_timer(void)
{
    if (hidden_pid == 0)
        return; /* the shutdown did not come that far, or there was no timer */
    EG(pid) = hidden_pid;
    hidden_pid = 0;
}

/* The engine would make one of CLOCK_BOOTTIME with the thread's first request, so that sleeping and waiting
 * for a database count; under php-fpm they do not (ITIMER_PROF).  As Zend/zend_max_execution_timer.c makes
 * it, but for the clock.  Without it the engine makes its own. */
static void make_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
    event.sigev_value.sival_ptr = &EG(max_execution_timer_timer);
    event._sigev_un._tid = gettid();
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &EG(max_execution_timer_timer)) == 0) {
        EG(pid) = getpid();
        sigaction(SIGRTMIN, NULL, &EG(oldact));
        psv_php_quiet_calls_set_timer(EG(max_execution_timer_timer));
    }
}

static void delete_timer(void)
{
    if (EG(pid) == 0)
        return;
    EG(pid) = 0;
    psv_php_quiet_calls_forget_timer();
    (void)timer_delete(EG(max_execution_timer_timer));
}
#else
void psv_php_timeout_hide_timer(void) {}

void psv_php_timeout_show_timer(void) {}

static void make_timer(void) {}

static void delete_timer(void) {}
#endif

void psv_php_timeout_interrupt(void *state)
{
    struct psv_php_thread *thread = state;
    CHECK_MAGIC(thread, PSV_PHP_THREAD_MAGIC);
    /* release: pairs with the exchange in on_interrupt */
    atomic_store_explicit(&thread->is_interrupted, true, memory_order_release);
    zend_atomic_bool_store(thread->vm_interrupt, true);
    (void)pthread_kill(thread->pthread, INTERRUPT_SIGNAL);
}

void psv_php_timeout_after_startup(struct psv_php_thread *thread)
{
    if (UNLIKELY(atomic_load_explicit(&thread->is_interrupted, memory_order_relaxed)))
        zend_atomic_bool_store(&EG(vm_interrupt), true);
}

void psv_php_timeout_end_job(struct psv_php_thread *thread)
{
    /* relaxed: whoever interrupts holds off the job's end, so none is on its way */
    atomic_store_explicit(&thread->is_interrupted, false, memory_order_relaxed);
}

/* A boot that nobody needs any more is no error, nor is what a script does while it waits when the server
 * stops: the script ends as after one, but there is none in the log or for its own handlers. */
static ZEND_COLD ZEND_NORETURN void end_without_job(struct psv_php_thread *thread)
{
    if (!psv_worker_script_wants_end(thread->worker))
        zend_error_noreturn(E_ERROR, "Boot of the worker script ended by the server");
    EG(exit_status) = 255;
    zend_objects_store_mark_destructed(&EG(objects_store));
    zend_bailout();
}

static void on_interrupt(zend_execute_data *execute_data)
{
    struct psv_php_thread *thread = psv_php_thread_current();
    if (thread != NULL && !psv_php_is_forked_child() &&
        (thread->job != NULL || psv_php_worker_is_booting(thread) || psv_php_worker_is_idling(thread))) {
        /* acquire: pairs with the store in psv_php_timeout_interrupt */
        if (atomic_exchange_explicit(&thread->is_interrupted, false, memory_order_acquire)) {
            if (thread->job == NULL)
                end_without_job(thread);
            PG(connection_status) |= PHP_CONNECTION_TIMEOUT;
            if (psv_job_is_overdue(thread->job))
                zend_error_noreturn(E_ERROR, "Request deadline exceeded");
            zend_error_noreturn(E_ERROR, "Request ended by the server");
        }
    }
    if (next_interrupt != NULL)
        next_interrupt(execute_data);
}

void psv_php_timeout_on_module_init(void)
{
    next_interrupt = zend_interrupt_function;
    zend_interrupt_function = on_interrupt;
}
