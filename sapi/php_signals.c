/* Who gets which signal.  The server takes its signals (SIGTERM and others) on one thread, which blocks them
 * and reads them from a descriptor.  The other threads block everything too, until they run PHP: what
 * proc_open(), exec() or a library starts inherits the thread's mask, and a command that cannot be terminated
 * is a bug of the application's view.  So PHP threads block nothing, and a handler passes the server's
 * signals on.  [boot], [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "os/process.h"
#include "php_tables.h"
#include "php_thread.h"

static pthread_t server_thread;
static pid_t server_pid;
static sigset_t server_signals;

static void (*next_pcntl_signal)(INTERNAL_FUNCTION_PARAMETERS);

static void install(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
}

static void pass_on(int number, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    (void)context;
    if (getpid() == server_pid) {
        psv_process_pass_signal(server_thread, info); /* blocked there: it waits in the descriptor */
    } else {
        /* A forked process that psv_php_signals_after_fork has not reached yet: the default action, once we
         * return. */
        install(number, SIG_DFL);
        (void)raise(number);
    }
    errno = saved_errno;
}

static void install_pass_on(int number)
{
    struct sigaction action = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
}

static void ignore(int number)
{
    (void)number;
}

static bool is_server_signal(int number)
{
    return number > 0 && number < SIGSYS && number != SIGKILL && number != SIGSTOP &&
           sigismember(&server_signals, number) == 1;
}

void psv_php_signals_process_start(void)
{
    server_thread = pthread_self();
    server_pid = getpid();
    pthread_sigmask(SIG_SETMASK, NULL, &server_signals);
    for (int number = 1; number < SIGSYS; number++) {
        if (is_server_signal(number))
            install_pass_on(number);
    }
    /* pcntl_alarm() without a handler must not end the server.  Commands get the default back, as with any
     * handler. */
    if (!is_server_signal(SIGALRM))
        install(SIGALRM, ignore);
}

void psv_php_signals_after_fork(void)
{
    for (int number = 1; number < SIGSYS; number++) {
        if (is_server_signal(number) || number == SIGALRM)
            install(number, SIG_DFL);
    }
}

void psv_php_signals_thread_start(void)
{
    sigset_t blocked;
    sigemptyset(&blocked);
/* The thread sanitizer runs a signal's handler when the thread next calls something that it intercepts; an
 * idle worker sleeps in a futex call that it does not know, and would keep the server's signals for ever. */
#if HAS_THREAD_SANITIZER
    blocked = server_signals;
#endif
    pthread_sigmask(SIG_SETMASK, &blocked, NULL);
}

/** pcntl_signal(SIGTERM, ...) would replace the process's handler: the server could not be stopped any more.
 */
static void on_pcntl_signal(INTERNAL_FUNCTION_PARAMETERS)
{
    if (ZEND_NUM_ARGS() > 0 && Z_TYPE_P(ZEND_CALL_ARG(execute_data, 1)) == IS_LONG &&
        !psv_php_is_forked_child()) {
        zend_long number = Z_LVAL_P(ZEND_CALL_ARG(execute_data, 1));
        if (number < SIGSYS && is_server_signal((int)number)) {
            php_error_docref(NULL, E_WARNING, "Signal " ZEND_LONG_FMT " belongs to the server", number);
            RETURN_FALSE;
        }
    }
    next_pcntl_signal(INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

void psv_php_signals_on_module_init(void)
{
    next_pcntl_signal = psv_php_replace_function("pcntl_signal", on_pcntl_signal);
}
