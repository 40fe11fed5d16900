/* opcache's figures for /metrics: now and then a worker asks opcache_get_status() at the end of a request and
 * leaves the numbers in atomics, because the loop thread cannot ask PHP.  [worker] writes, [any] reads.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_opcache.h"

#include <stdatomic.h>

#include "base/error.h"
#include "observe/prometheus.h"
#include "os/clock.h"
#include "php_request.h"

#define SAMPLE_INTERVAL_NS (5 * PSV_NS_PER_S)
#define MEMORY_RESERVE_BYTES (4 * 1024 * 1024)

/* X(member, group in the status array or NULL, key, kind, help) */
#define FIGURE_TABLE(X)                                                                                      \
    X(used_bytes, "memory_usage", "used_memory", "gauge", "Shared memory in use.")                           \
    X(free_bytes, "memory_usage", "free_memory", "gauge", "Shared memory left.")                             \
    X(wasted_bytes, "memory_usage", "wasted_memory", "gauge", "Shared memory lost to outdated scripts.")     \
    X(interned_used_bytes, "interned_strings_usage", "used_memory", "gauge",                                 \
      "Interned strings buffer in use.")                                                                     \
    X(interned_free_bytes, "interned_strings_usage", "free_memory", "gauge",                                 \
      "Interned strings buffer left.")                                                                       \
    X(interned_strings, "interned_strings_usage", "number_of_strings", "gauge", "Interned strings.")         \
    X(full, NULL, "cache_full", "gauge", "1: the cache is full and takes no more scripts.")                  \
    X(scripts, "opcache_statistics", "num_cached_scripts", "gauge", "Cached scripts.")                       \
    X(keys, "opcache_statistics", "num_cached_keys", "gauge", "Keys of cached scripts in use.")              \
    X(max_keys, "opcache_statistics", "max_cached_keys", "gauge", "Keys that the cache has room for.")       \
    X(hits_total, "opcache_statistics", "hits", "counter", "Scripts found in the cache.")                    \
    X(misses_total, "opcache_statistics", "misses", "counter", "Scripts that had to be compiled.")           \
    X(oom_restarts_total, "opcache_statistics", "oom_restarts", "counter",                                   \
      "Restarts because memory was full.")                                                                   \
    X(hash_restarts_total, "opcache_statistics", "hash_restarts", "counter",                                 \
      "Restarts because the keys were used up.")                                                             \
    X(manual_restarts_total, "opcache_statistics", "manual_restarts", "counter",                             \
      "Restarts asked for by scripts.")                                                                      \
    X(last_restart_timestamp_seconds, "opcache_statistics", "last_restart_time", "gauge",                    \
      "When the cache was last restarted; 0: never.")                                                        \
    X(jit_enabled, "jit", "on", "gauge", "1: scripts are compiled to machine code.")                         \
    X(jit_buffer_bytes, "jit", "buffer_size", "gauge", "Size of the buffer for machine code.")               \
    X(jit_free_bytes, "jit", "buffer_free", "gauge", "Machine code buffer left.")

enum figure {
#define X(member, group, key, kind, help) FIGURE_##member,
    FIGURE_TABLE(X)
#undef X
        FIGURE_COUNT
};

static const struct {
    const char *name;
    const char *group;
    const char *key;
    const char *kind;
    const char *help;
} figures[] = {
#define X(member, group, key, kind, help) {#member, group, key, kind, help},
    FIGURE_TABLE(X)
#undef X
};

static _Atomic int64_t values[FIGURE_COUNT];
static _Atomic uint64_t next_sample_ns;
static atomic_bool is_sampled;

/** True for one caller per interval. */
static bool is_due(void)
{
    uint64_t now = psv_clock_monotonic_coarse_ns();
    uint64_t due = atomic_load_explicit(&next_sample_ns, memory_order_relaxed);
    return now >= due && atomic_compare_exchange_strong(&next_sample_ns, &due, now + SAMPLE_INTERVAL_NS);
}

static void store_figures(zval *status)
{
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        zval *group = figures[i].group == NULL ? status
                                               : zend_hash_str_find(Z_ARRVAL_P(status), figures[i].group,
                                                                    strlen(figures[i].group));
        if (group == NULL || Z_TYPE_P(group) != IS_ARRAY)
            continue;
        zval *value = zend_hash_str_find(Z_ARRVAL_P(group), figures[i].key, strlen(figures[i].key));
        if (value != NULL)
            atomic_store_explicit(&values[i], (int64_t)zval_get_long(value), memory_order_relaxed);
    }
    atomic_store_explicit(&is_sampled, true, memory_order_release);
}

static void sample(void *context)
{
    zend_function *function = context;
    zval without_scripts, status;
    ZVAL_FALSE(&without_scripts);
    ZVAL_UNDEF(&status);
    zend_call_known_function(function, NULL, NULL, &status, 1, &without_scripts, NULL);
    if (Z_TYPE(status) == IS_ARRAY)
        store_figures(&status);
    zval_ptr_dtor(&status);
}

/** Asking must never be what breaks a request. */
static bool may_ask(void)
{
    if (EG(exception) != NULL || CG(unclean_shutdown))
        return false;
    if (PG(memory_limit) > 0 && zend_memory_usage(true) + MEMORY_RESERVE_BYTES > (size_t)PG(memory_limit))
        return false;
    const char *restriction = INI_STR("opcache.restrict_api");
    return restriction == NULL || *restriction == '\0';
}

void psv_php_opcache_sample(void)
{
    if (!psv_php_opcache_is_on() || LIKELY(!is_due()) || !may_ask())
        return;
    zend_function *function = zend_hash_str_find_ptr(CG(function_table), ZEND_STRL("opcache_get_status"));
    if (function != NULL && function->type == ZEND_INTERNAL_FUNCTION)
        psv_php_request_try(sample, function);
}

static void format_figure(struct psv_prometheus *out, const char *member, const char *kind, const char *help,
                          int64_t value)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "phpsrv_opcache_%s", member);
    psv_prometheus_family(out, name, kind, help);
    psv_prometheus_integer(out, name, "", NULL, 0, value);
}

void psv_php_opcache_format_metrics(struct psv_prometheus *out)
{
    format_figure(out, "enabled", "gauge", "1: opcache is on.", psv_php_opcache_is_on());
    if (!atomic_load_explicit(&is_sampled, memory_order_acquire) && out->format != PSV_PROMETHEUS_REFERENCE)
        return; /* no request has asked it yet */
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        format_figure(out, figures[i].name, figures[i].kind, figures[i].help,
                      atomic_load_explicit(&values[i], memory_order_relaxed));
}
