/* Loads opcache and shows it a SAPI name that it accepts, and keeps its restarts from pulling the cache away
 * under running scripts.  [boot] and [worker].  Knows nothing of requests.
 *
 * opcache restarts (opcache_reset(), memory or hash full) inside some thread's request startup, while its own
 * check "does anybody use the cache?" looks only at other processes.  Therefore: opcache announces a restart
 * by a hook; the hook counts up `announced` and waits until no other thread is between its look at that count
 * and the end of its startup.  Whoever sees it pending afterwards waits until no thread runs PHP, and starts
 * its request alone: the restart happens in there.  A script that does not end keeps the restart away: then
 * requests run without the cache for a while.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_opcache.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "observe/log.h"
#include "os/clock.h"
#include "php_module.h"
#include "php_tables.h"
#include "php_thread.h"
#include "php_worker.h"
#include "phpsrv/executor.h"

#define OPCACHE_NAME "Zend OPcache"
/* On the lists of opcache.enable and of opcache.huge_code_pages. */
#define ACCEPTED_SAPI_NAME "fpm-fcgi"

/* How long requests are held back for the running ones to end, and how long none is held back after that
 * failed. */
#define RESTART_WAIT_NS (500 * PSV_NS_PER_MS)
#define RESTART_RETRY_NS (5 * PSV_NS_PER_S)
/* A script of worker mode that boots waits longer, and without holding others up: without the cache it would
 * run for days.  If it must, it tries again after a while, and after twice that. */
#define BOOT_WAIT_NS (3 * PSV_NS_PER_S)
#define BOOT_RETRY_NS (5 * PSV_NS_PER_S)
#define BOOT_RETRY_MAX_NS (300 * PSV_NS_PER_S)
#define GATE_WAIT_NS (1 * PSV_NS_PER_S)
#define POLL_NS 100000

static zend_result (*next_post_startup)(void);
static void (*next_reset_function)(INTERNAL_FUNCTION_PARAMETERS);
static bool is_on;
static char jit_text[32] = "off";

static _Atomic uint32_t announced; /* restarts that opcache has asked for */
static _Atomic uint32_t
    handled; /* the value of `announced` that has been dealt with; written under restart_lock */
static pthread_mutex_t restart_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t handling;    /* under restart_lock: the value that the running restart deals with */
static uint64_t next_try_ns; /* under restart_lock */

static bool restart_is_pending(void)
{
    /* seq_cst: pairs with the increment in on_restart_scheduled and the stores of PSV_PHP_STARTING */
    return atomic_load(&announced) != atomic_load(&handled);
}

static void poll_pause(void)
{
    const struct timespec pause = {0, POLL_NS};
    (void)nanosleep(&pause, NULL);
}

/* ---- start */

static bool is_loaded(void)
{
    return zend_get_extension(OPCACHE_NAME) != NULL;
}

static void load_extension(void)
{
    if (PSV_PHP_HAS_STATIC_OPCACHE || is_loaded())
        return;
    char path[MAXPATHLEN];
    int len = snprintf(path, sizeof(path), "%s/opcache.so", INI_STR("extension_dir"));
    if (len < 0 || (size_t)len >= sizeof(path) || access(path, R_OK) != 0) {
        PSV_LOG(PSV_LOG_WARN, "php.opcache_missing", PSV_LOG_TEXT("path", path),
                PSV_LOG_TEXT("effect", "every request compiles its scripts again"));
        return;
    }
    if (zend_load_extension(path) != SUCCESS)
        PSV_LOG(PSV_LOG_WARN, "php.opcache_load_failed", PSV_LOG_TEXT("path", path));
}

/** opcache has decided by now; no script has run yet. */
static zend_result on_post_startup(void)
{
    psv_php_module_restore_name();
    zend_result (*next)(void) = next_post_startup;
    next_post_startup = NULL;
    return next != NULL ? next() : SUCCESS;
}

void psv_php_opcache_on_module_init(void)
{
    load_extension();
    next_post_startup = zend_post_startup_cb;
    zend_post_startup_cb = on_post_startup;
    psv_php_module_show_name(ACCEPTED_SAPI_NAME);
}

static bool jit_is_off(const char *mode)
{
    return mode == NULL || *mode == '\0' || strcmp(mode, "0") == 0 || strcasecmp(mode, "off") == 0 ||
           strcasecmp(mode, "disable") == 0 || strcasecmp(mode, "no") == 0 || strcasecmp(mode, "false") == 0;
}

#if PSV_PHP_HAS_RESTART_HOOK
static void (*next_restart_hook)(int reason);

static bool is_not_starting(struct psv_php_thread *thread, void *context)
{
    /* seq_cst: pairs with the store of STARTING before the look at `announced` */
    return thread == context || atomic_load(&thread->phase) != PSV_PHP_STARTING;
}

/** opcache is about to raise its own flag: from here on nobody may enter a startup without having seen ours.
 */
static void on_restart_scheduled(int reason)
{
    if (psv_php_is_forked_child())
        return;
    atomic_fetch_add(&announced, 1);
    uint64_t give_up_ns = psv_clock_monotonic_ns() + GATE_WAIT_NS;
    while (!psv_php_thread_for_each(is_not_starting, psv_php_thread_current()) &&
           psv_clock_monotonic_ns() < give_up_ns)
        poll_pause();
    PSV_LOG(PSV_LOG_INFO, "php.opcache_restart_scheduled", PSV_LOG_I64("reason", reason));
    psv_worker_scripts_reboot("opcache restarts");
    if (next_restart_hook != NULL)
        next_restart_hook(reason);
}
#endif

/** "tracing", "on", or four digits whose third says it (ext/opcache/jit/README). */
static bool jit_is_tracing(const char *mode)
{
    return strcasecmp(mode, "tracing") == 0 || strcasecmp(mode, "on") == 0 || strcasecmp(mode, "yes") == 0 ||
           strcasecmp(mode, "true") == 0 || (strlen(mode) == 4 && mode[2] == '5');
}

/** While a script of worker mode boots it has nothing to do: every file is compared with the disk, and a
 * restart of the cache would boot the script again, and again. */
static void on_reset_function(INTERNAL_FUNCTION_PARAMETERS)
{
    const struct psv_php_thread *thread = psv_php_thread_current();
    if (thread != NULL && thread->mode != NULL && !thread->mode->is_serving && ZEND_NUM_ARGS() == 0)
        RETURN_TRUE;
    next_reset_function(INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

void psv_php_opcache_on_started(void)
{
    is_on = is_loaded() && INI_INT("opcache.enable") != 0;
    const char *mode = is_on ? INI_STR("opcache.jit") : NULL;
    if (!jit_is_off(mode) && INI_INT("opcache.jit_buffer_size") > 0) {
        snprintf(jit_text, sizeof(jit_text), "%s", mode);
        if (jit_is_tracing(mode))
            PSV_LOG(PSV_LOG_INFO, "php.jit_is_tracing",
                    PSV_LOG_TEXT("advice", "PHP's tracing JIT crashes with some applications: "
                                           "opcache.jit=function, or none, does not"));
    }
#if PSV_PHP_HAS_RESTART_HOOK
    if (is_on) {
        next_reset_function = psv_php_replace_function("opcache_reset", on_reset_function);
        next_restart_hook = zend_accel_schedule_restart_hook;
        zend_accel_schedule_restart_hook = on_restart_scheduled;
    }
#else
    if (is_on)
        PSV_LOG(PSV_LOG_WARN, "php.opcache_restarts_unguarded",
                PSV_LOG_TEXT("advice", "this PHP does not announce them: do not call opcache_reset()"));
#endif
}

bool psv_php_opcache_is_on(void)
{
    return is_on;
}

const char *psv_php_opcache_jit(void)
{
    return jit_text;
}

/* ---- restarts */

/** Its request is the life of a script of worker mode; not so in an empty request between two scripts. */
static bool is_script(const struct psv_php_thread *thread)
{
    return thread->mode != NULL && thread->message != NULL;
}

static bool is_idle(struct psv_php_thread *thread, void *context)
{
    return thread == context || atomic_load(&thread->phase) == PSV_PHP_IDLE;
}

/** Holding restart_lock: true when nobody but this thread runs PHP. */
static bool wait_until_alone(struct psv_php_thread *thread)
{
    uint64_t begin_ns = psv_clock_monotonic_ns();
    if (begin_ns < next_try_ns)
        return psv_php_thread_for_each(is_idle, thread);
    while (!psv_php_thread_for_each(is_idle, thread)) {
        if (psv_clock_monotonic_ns() - begin_ns > RESTART_WAIT_NS) {
            next_try_ns = psv_clock_monotonic_ns() + RESTART_RETRY_NS;
            PSV_LOG(PSV_LOG_WARN, "php.opcache_restart_delayed",
                    PSV_LOG_TEXT("reason", "a script runs on; requests run without the cache meanwhile"));
            return false;
        }
        poll_pause();
    }
    return true;
}

/** Called and left IDLE, unless this thread is to do the restart: then STARTING with restart_lock held. */
static void join_pending_restart(struct psv_php_thread *thread)
{
    pthread_mutex_lock(&restart_lock);
    if (!restart_is_pending()) { /* another thread has done it */
        pthread_mutex_unlock(&restart_lock);
        return;
    }
    if (!wait_until_alone(thread)) {
        thread->cache_is_bypassed = true;
        pthread_mutex_unlock(&restart_lock);
        return;
    }
    handling = atomic_load(&announced);
    thread->restarts_cache = true;
    atomic_store(&thread->phase, PSV_PHP_STARTING);
}

uint64_t psv_php_opcache_boot_retry_ns(const struct psv_php_thread *thread)
{
    return thread->cache_is_bypassed ? thread->cache_retry_ns : 0;
}

/** Until the restart is done, or nobody runs PHP and this thread can do it. */
static void wait_before_boot(struct psv_php_thread *thread)
{
    uint64_t give_up_ns = psv_clock_monotonic_ns() + BOOT_WAIT_NS;
    while (restart_is_pending() && !psv_php_thread_for_each(is_idle, thread) &&
           psv_clock_monotonic_ns() < give_up_ns)
        poll_pause();
}

static void plan_retry(struct psv_php_thread *thread)
{
    uint64_t wait_ns = thread->cache_retry_wait_ns == 0 ? BOOT_RETRY_NS : 2 * thread->cache_retry_wait_ns;
    thread->cache_retry_wait_ns = MIN(wait_ns, BOOT_RETRY_MAX_NS);
    thread->cache_retry_ns = psv_clock_monotonic_ns() + thread->cache_retry_wait_ns;
}

static bool is_idle_or_script(struct psv_php_thread *thread, void *context)
{
    int phase = atomic_load(&thread->phase);
    return thread == context || phase == PSV_PHP_IDLE || phase == PSV_PHP_SCRIPT;
}

bool psv_php_opcache_wants_boot(struct psv_php_thread *thread)
{
    if (LIKELY(!thread->cache_is_bypassed))
        return UNLIKELY(atomic_load_explicit(&announced, memory_order_relaxed) != thread->cache_restarts);
    if (!restart_is_pending())
        return true;
    if (psv_clock_monotonic_ns() < thread->cache_retry_ns)
        return false;
    if (psv_php_thread_for_each(is_idle_or_script, thread))
        return true;
    plan_retry(thread);
    return false;
}

void psv_php_opcache_before_startup(struct psv_php_thread *thread)
{
    thread->cache_is_bypassed = false;
    thread->restarts_cache = false;
    if (UNLIKELY(is_script(thread)) && restart_is_pending())
        wait_before_boot(thread);
    for (;;) {
        thread->cache_restarts = atomic_load(&announced);
        /* seq_cst: either the announcing thread sees STARTING and waits, or we see its announcement */
        atomic_store(&thread->phase, PSV_PHP_STARTING);
        if (LIKELY(!restart_is_pending()) || thread->cache_is_bypassed)
            return;
        atomic_store(&thread->phase, PSV_PHP_IDLE);
        join_pending_restart(thread);
        if (thread->restarts_cache)
            return;
    }
}

void psv_php_opcache_on_activate(struct psv_php_thread *thread)
{
    if (LIKELY(!thread->cache_is_bypassed))
        return;
    zend_string *name = zend_string_init(ZEND_STRL("opcache.enable"), 0);
    (void)zend_alter_ini_entry_chars(name, "0", 1, ZEND_INI_SYSTEM, ZEND_INI_STAGE_ACTIVATE);
    zend_string_release(name);
}

/** The restart happens in opcache's request startup: it has not if that was not reached, or the request
 * switched opcache off; then the next request tries again. */
static void end_restart(struct psv_php_thread *thread, bool has_started)
{
    thread->restarts_cache = false;
    bool is_done = has_started && INI_INT("opcache.enable") != 0;
    if (is_done)
        atomic_store(&handled, handling);
    next_try_ns = 0;
    pthread_mutex_unlock(&restart_lock);
    if (is_done)
        PSV_LOG(PSV_LOG_INFO, "php.opcache_restarted");
}

void psv_php_opcache_after_startup(struct psv_php_thread *thread, bool has_started)
{
    /* Before others may start: they must see this thread running. */
    atomic_store(&thread->phase, is_script(thread) ? PSV_PHP_SCRIPT : PSV_PHP_RUNNING);
    if (UNLIKELY(thread->restarts_cache))
        end_restart(thread, has_started);
    if (UNLIKELY(thread->cache_is_bypassed))
        plan_retry(thread);
    else
        thread->cache_retry_wait_ns = 0;
}

void psv_php_opcache_leave(struct psv_php_thread *thread)
{
    if (UNLIKELY(thread->restarts_cache)) /* a bailout has escaped from the startup */
        end_restart(thread, false);
    /* release: the cache is not touched after it; pairs with the load in is_idle */
    atomic_store_explicit(&thread->phase, PSV_PHP_IDLE, memory_order_release);
}
