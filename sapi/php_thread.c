/* Life of a PHP thread: its engine state, its place in the registry, and the loop that pulls jobs.  [worker]
 * Knows nothing of what a request is made of: see php_request.c.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_thread.h"

#include <sched.h>
#include <signal.h>

#include "base/assert.h"
#include "base/list.h"
#include "base/memory.h"
#include "php_body.h"
#include "php_environment.h"
#include "php_locale.h"
#include "php_request.h"
#include "php_signals.h"
#include "php_timeout.h"
#include "php_site_settings.h"
#include "php_tables.h"
#include "php_user_ini.h"
#include "php_worker.h"
#include "phpsrv/executor.h"

struct registered_thread {
    struct psv_list link;
    struct psv_php_thread thread;
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct psv_list registry = {&registry, &registry};
static bool is_forked_child;

bool psv_php_is_forked_child(void)
{
    return is_forked_child;
}

static void on_fork_in_child(void)
{
    is_forked_child = true;
    psv_php_signals_after_fork();
    psv_php_environment_on_fork_in_child();
}

int psv_php_thread_process_start(struct psv_error *reterr)
{
    static bool is_installed;
    if (is_installed)
        return PSV_OK;
    int rc = pthread_atfork(NULL, NULL, on_fork_in_child);
    if (rc != 0)
        return psv_error_set_errno(reterr, PSV_ENOMEM, rc, "cannot watch for forks");
    is_installed = true;
    return PSV_OK;
}

struct psv_php_thread *psv_php_thread_current(void)
{
    if (TSRMLS_CACHE == NULL)
        return NULL;
    return SG(server_context);
}

/** A request whose startup fails is shut down although no module has been activated for it.  The date module
 * then frees what nobody has initialised, unless this thread has activated it before. */
static void activate_date_once(void)
{
    psv_php_start_module(psv_php_find_module("date"));
}

int psv_php_thread_start(struct psv_worker *worker, void **ret_state, struct psv_error *reterr)
{
    struct registered_thread *registered =
        psv_calloc_aligned(_Alignof(struct registered_thread), sizeof(*registered));
    if (registered == NULL)
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for a PHP thread");

    struct psv_php_thread *thread = &registered->thread;
    thread->magic = PSV_PHP_THREAD_MAGIC;
    thread->worker = worker;
    thread->pthread = pthread_self();

    /* umask() and what extensions do with the working directory are this thread's alone from here on; where
     * the kernel does not allow it they are the process's, as in any threaded PHP */
    (void)unshare(CLONE_FS);
    psv_php_environment_thread_start();
    psv_php_locale_thread_start();
    (void)ts_resource(0);
    ZEND_TSRMLS_CACHE_UPDATE();
    thread->vm_interrupt = &EG(vm_interrupt);
    thread->current_execute_data = &EG(current_execute_data);
    SG(options) |= SAPI_OPTION_NO_CHDIR; /* php_request.c does it, without the way back */
    psv_php_body_thread_start();
    activate_date_once();
    psv_php_timeout_thread_start(thread);
    psv_php_signals_thread_start();

    pthread_mutex_lock(&registry_lock);
    psv_list_append(&registry, &registered->link);
    pthread_mutex_unlock(&registry_lock);
    if (!psv_php_request_probe(thread)) {
        psv_php_thread_stop(thread);
        return psv_error_set(reterr, PSV_EIO,
                             "PHP does not run a request on a new thread; the log above says why");
    }
    *ret_state = thread;
    return PSV_OK;
}

void psv_php_thread_stop(void *state)
{
    struct psv_php_thread *thread = state;
    CHECK_MAGIC(thread, PSV_PHP_THREAD_MAGIC);
    struct registered_thread *registered = CONTAINER_OF(thread, struct registered_thread, thread);

    pthread_mutex_lock(&registry_lock);
    psv_list_remove(&registered->link);
    pthread_mutex_unlock(&registry_lock);

    psv_php_user_ini_free(thread->user_ini);
    psv_php_site_settings_forget(thread->site_settings);
    psv_php_timeout_thread_stop();
    (void)zend_shutdown_strtod(); /* PHP does that for its first thread only */
    ts_free_thread();
    psv_php_environment_forget();
    psv_php_locale_forget();
    thread->magic = 0;
    psv_free(registered);
}

bool psv_php_thread_probe(void *state)
{
    struct psv_php_thread *thread = state;
    CHECK_MAGIC(thread, PSV_PHP_THREAD_MAGIC);
    return psv_php_request_probe(thread);
}

int psv_php_thread_run(struct psv_worker *worker, void *state)
{
    struct psv_php_thread *thread = state;
    CHECK_MAGIC(thread, PSV_PHP_THREAD_MAGIC);

    struct psv_job *job;
    if (psv_worker_script(worker) != NULL)
        return psv_php_worker_run(thread);
    while ((job = psv_worker_next_job(worker)) != NULL) {
        int rc = psv_php_request_run(thread, job);
        psv_worker_end_job(worker, job);
        psv_php_timeout_end_job(thread);
        if (rc != PSV_OK)
            return PSV_EAGAIN;
    }
    return PSV_OK;
}

bool psv_php_thread_for_each(psv_php_thread_visit_fn *visit, void *context)
{
    bool goes_on = true;
    pthread_mutex_lock(&registry_lock);
    PSV_LIST_FOR_EACH(node, &registry)
    {
        struct registered_thread *registered = PSV_LIST_ENTRY(node, struct registered_thread, link);
        goes_on = visit(&registered->thread, context);
        if (!goes_on)
            break;
    }
    pthread_mutex_unlock(&registry_lock);
    return goes_on;
}
