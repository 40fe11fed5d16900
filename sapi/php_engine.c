/* Starts and ends the PHP engine: TSRM, SAPI, modules, in PHP's order.  [boot], start and stop on the same
 * thread. Knows nothing of requests and threads.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_engine.h"

#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "base/memory.h"
#include "config/config.h"
#include "observe/log.h"
#include "os/clock.h"
#include "php_body.h"
#include "php_environment.h"
#include "php_ini_settings.h"
#include "php_module.h"
#include "php_opcache.h"
#include "php_quiet_calls.h"
#include "php_request.h"
#include "php_session.h"
#include "php_signals.h"
#include "php_tables.h"
#include "php_thread.h"
#include "php_timeout.h"

ZEND_TSRMLS_CACHE_DEFINE()

static struct psv_php_settings settings;
static char *ini_entries;
static char executable_path[PATH_MAX];

const struct psv_php_settings *psv_php_engine_settings(void)
{
    return &settings;
}

static bool is_sapi_name(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= 32 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == len;
}

static int check_settings(struct psv_error *reterr)
{
    if (PSV_PHP_HAS_ZEND_SIGNALS)
        return psv_error_set(
            reterr, PSV_EUNSUPPORTED,
            "this PHP takes signals away from the server: build it with --disable-zend-signals");
    if (!is_sapi_name(settings.sapi_name))
        return psv_error_set(reterr, PSV_EINVAL, "'%s' is no SAPI name (a-z, 0-9, '-', '_', '.')",
                             settings.sapi_name);
    /* PHP would hand its own descriptors 0, 1 and 2 to scripts, and let them close them. */
    if (strcmp(settings.sapi_name, "cli") == 0)
        return psv_error_set(reterr, PSV_EINVAL, "the SAPI name 'cli' cannot be used by a server");
    if (settings.ini_path != NULL && access(settings.ini_path, R_OK) != 0)
        return psv_error_set_errno(reterr, PSV_ENOENT, errno, "cannot read '%s'", settings.ini_path);
    if (!PSV_PHP_HAS_THREAD_TIMERS)
        PSV_LOG(
            PSV_LOG_WARN, "php.no_thread_timers",
            PSV_LOG_TEXT("effect", "max_execution_time does not work in this PHP: only server timeouts do"));
    return PSV_OK;
}

static void fill_module(sapi_module_struct *module)
{
    module->ini_entries = ini_entries;
    module->php_ini_path_override = (char *)(uintptr_t)settings.ini_path;
    ssize_t len = readlink("/proc/self/exe", executable_path, sizeof(executable_path) - 1);
    if (len > 0) {
        executable_path[len] = '\0';
        module->executable_location = executable_path; /* becomes PHP_BINARY */
    }
}

/** Threads that libraries start in here must not take the server's signals. */
static int start_modules(sapi_module_struct *module)
{
    sigset_t all, previous;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous);
    int rc = module->startup(module);
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    return rc;
}

/* Their C libraries keep state for the whole process. */
static void warn_of_extensions(void)
{
    static const char *const unsafe[] = {"imap", "ncurses", "newrelic", "newt", "snmp"};
    for (size_t i = 0; i < ARRAY_SIZE(unsafe); i++) {
        if (psv_php_find_module(unsafe[i]) != NULL)
            PSV_LOG(PSV_LOG_WARN, "php.extension_not_thread_safe", PSV_LOG_TEXT("extension", unsafe[i]),
                    PSV_LOG_TEXT("advice", "leave it out, or run with --workers 1: it can crash the server"));
    }
}

static const char *opened_ini_path(void)
{
    char *path = NULL;
    return cfg_get_string("cfg_file_path", &path) == SUCCESS && path != NULL ? path : "none";
}

int psv_php_engine_start(const struct psv_config *config, struct psv_error *reterr)
{
    settings = (struct psv_php_settings){
        .sapi_name = config->php.sapi_name,
        .ini_path = *config->php.ini_file != '\0' ? config->php.ini_file : NULL,
        .definitions = config->php.ini_values.items,
        .definitions_len = config->php.ini_values.len,
        .user = config->server.user,
        .workers = (unsigned)config->workers.count,
        .limits_wall_time = config->php.time_limit == PSV_CONFIG_PHP_TIME_LIMIT_WALL,
        .is_dev = config->dev.enabled,
        .start_unix_us = psv_clock_unix_us(),
    };
    int rc = check_settings(reterr);
    if (rc == PSV_OK)
        rc = psv_php_ini_join_entries(settings.definitions, settings.definitions_len, &ini_entries, reterr);
    if (rc == PSV_OK)
        rc = psv_php_thread_process_start(reterr);
    if (rc == PSV_OK)
        rc = psv_php_timeout_process_start(reterr);
    if (rc != PSV_OK)
        return rc;

    psv_php_signals_process_start();
    psv_php_quiet_calls_process_start();
    if (!php_tsrm_startup_ex((int)settings.workers + 1))
        return psv_error_set(reterr, PSV_ENOMEM, "PHP's thread storage could not be started");
    ZEND_TSRMLS_CACHE_UPDATE();
    psv_php_module_set_name(settings.sapi_name);
    sapi_module_struct *module = psv_php_module_get();
    sapi_startup(module);
    fill_module(module); /* sapi_startup has cleared ini_entries */
    if (start_modules(module) != SUCCESS) {
        psv_php_module_restore_name();
        sapi_shutdown();
        tsrm_shutdown();
        return psv_error_set(reterr, PSV_EIO, "PHP could not be started; the log above says why");
    }
    psv_php_opcache_on_started();
    psv_php_quiet_calls_on_started();
    psv_php_request_on_started();
    psv_php_environment_on_started();
    psv_php_session_on_started();
    psv_php_body_on_started();
    warn_of_extensions();
    PSV_LOG(PSV_LOG_INFO, "php.started", PSV_LOG_TEXT("version", PHP_VERSION),
            PSV_LOG_TEXT("sapi", settings.sapi_name), PSV_LOG_TEXT("ini", opened_ini_path()),
            PSV_LOG_BOOL("opcache", psv_php_opcache_is_on()), PSV_LOG_TEXT("jit", psv_php_opcache_jit()));
    return PSV_OK;
}

void psv_php_engine_stop(void)
{
    php_module_shutdown();
    sapi_shutdown();
    tsrm_shutdown();
    psv_php_ini_free_entries(TAKE(&ini_entries));
}
