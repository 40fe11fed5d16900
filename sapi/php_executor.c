/* The executors `ext` and `eval`: binds the server's runtime ABI to the files of this folder.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_executor.h"

#include <limits.h>
#include <stdio.h>

#include "observe/prometheus.h"
#include "php_cli.h"
#include "php_engine.h"
#include "php_eval.h"
#include "php_opcache.h"
#include "php_site_settings.h"
#include "php_thread.h"
#include "php_timeout.h"
#include "php_trace.h"

/* Exported, but in none of its headers. */
extern PHPAPI char *php_ini_scanned_path;

struct memory_sum {
    uint64_t now_bytes;
    uint64_t peak_bytes;
    unsigned threads;
};

static bool add_memory(struct psv_php_thread *thread, void *context)
{
    struct memory_sum *sum = context;
    uint64_t peak_bytes = atomic_load_explicit(&thread->memory_peak_bytes, memory_order_relaxed);
    sum->now_bytes += atomic_load_explicit(&thread->memory_bytes, memory_order_relaxed);
    sum->peak_bytes = MAX(sum->peak_bytes, peak_bytes);
    sum->threads++;
    return true;
}

static void format_gauge(struct psv_prometheus *out, const char *name, const char *help, uint64_t value)
{
    psv_prometheus_family(out, name, "gauge", help);
    psv_prometheus_integer(out, name, "", NULL, 0, (int64_t)value);
}

static void format_metrics(struct psv_prometheus *out)
{
    struct memory_sum sum = {0};
    (void)psv_php_thread_for_each(add_memory, &sum);
    format_gauge(out, "phpsrv_php_memory_bytes", "PHP heap of all workers at the end of their last request.",
                 sum.now_bytes);
    format_gauge(out, "phpsrv_php_memory_peak_bytes", "Largest PHP heap that one request has needed.",
                 sum.peak_bytes);
    format_gauge(out, "phpsrv_php_threads", "Threads with a PHP engine.", sum.threads);
    psv_php_opcache_format_metrics(out);
}

static bool visit_sources(psv_executor_source_fn *visit, void *context)
{
    char *preload = NULL;
    char *path = NULL;
    char folder[PATH_MAX];
    if (cfg_get_string("cfg_file_path", &path) == SUCCESS && path != NULL)
        visit(path, context);
    else
        visit(PHP_CONFIG_FILE_PATH "/php.ini", context); /* it may come */
    if (php_ini_scanned_path != NULL && *php_ini_scanned_path != '\0') {
        struct psv_bytes rest = psv_bytes_of(php_ini_scanned_path);
        struct psv_bytes item;
        while (psv_bytes_split(&rest, ':', &item)) {
            if (item.len > 0 &&
                snprintf(folder, sizeof(folder), "%.*s/", PSV_BYTES_ARG(item)) < (int)sizeof(folder))
                visit(folder, context);
        }
    }
    if (cfg_get_string("opcache.preload", &preload) != SUCCESS || preload == NULL || *preload == '\0')
        return false;
    visit(preload, context);
    return true;
}

static size_t list_facts(struct psv_executor_fact *out, size_t max)
{
    const bool is_started = psv_php_engine_settings()->start_unix_us != 0;
    const struct {
        const char *name;
        const char *value;
    } facts[] = {
        {"php", PHP_VERSION},
        {"zend", ZEND_VERSION},
        {"zts", "yes"},
        {"opcache", !is_started               ? ""
                    : psv_php_opcache_is_on() ? "on"
                                              : "off"},
        {"jit", !is_started ? "" : psv_php_opcache_jit()},
    };
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(facts) && count < max; i++) {
        if (*facts[i].value == '\0')
            continue;
        out[count].name = facts[i].name;
        snprintf(out[count].value, sizeof(out[count].value), "%s", facts[i].value);
        count++;
    }
    return count;
}

/* What the executors share: they differ only in the start and the end of the process. */
#define COMMON_CALLBACKS                                                                                     \
    .settings_start = psv_php_site_settings_start, .settings_stop = psv_php_site_settings_stop,              \
    .thread_start = psv_php_thread_start, .run = psv_php_thread_run, .interrupt = psv_php_timeout_interrupt, \
    .trace = psv_php_trace, .probe = psv_php_thread_probe, .thread_stop = psv_php_thread_stop,               \
    .run_script = psv_php_cli_run, .facts = list_facts, .metrics = format_metrics, .sources = visit_sources

const struct psv_executor psv_executor_ext = {
    .name = "ext",
    .help = "PHP inside the server, one request at a time per worker",
    .process_start = psv_php_engine_start,
    .process_stop = psv_php_engine_stop,
    COMMON_CALLBACKS,
};

const struct psv_executor psv_executor_eval = {
    .name = "eval",
    .help = "as ext, but each requested script is compiled from its text, without opcache",
    .process_start = psv_php_eval_start,
    .process_stop = psv_php_eval_stop,
    COMMON_CALLBACKS,
};
