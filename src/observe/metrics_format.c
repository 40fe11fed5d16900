/* The scrape: the table's families, histograms, build information and facts about the process as Prometheus
 * text.  Any thread; reads cells, writes none.
 *
 * SPDX-License-Identifier: MIT */
#include "metrics.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "metrics_cells.h"
#include "os/clock.h"
#include "os/process.h"
#include "prometheus.h"

#define INFO_LABELS_MAX 8
#define INFO_VALUE_BYTES 160

static pthread_mutex_t info_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    const char *label; /* static text of the caller */
    char value[INFO_VALUE_BYTES];
    size_t value_len;
} info[INFO_LABELS_MAX];
static size_t info_len; /* under info_lock, as the array */

int psv_metrics_set_info(const char *label, struct psv_bytes value)
{
    if (label == NULL || label[0] == '\0') {
        return PSV_EINVAL;
    }
    int result = 0;
    pthread_mutex_lock(&info_lock);
    size_t i = 0;
    while (i < info_len && strcmp(info[i].label, label) != 0) {
        i++;
    }
    if (i == INFO_LABELS_MAX) {
        result = PSV_ELIMIT;
    } else {
        info[i].label = label;
        info[i].value_len = MIN(value.len, sizeof(info[i].value));
        if (info[i].value_len > 0) {
            memcpy(info[i].value, value.data, info[i].value_len);
        }
        info_len = MAX(info_len, i + 1);
    }
    pthread_mutex_unlock(&info_lock);
    return result;
}

static int format_info(struct psv_buffer *out)
{
    static const char name[] = "phpsrv_build_info";
    struct psv_prometheus_label labels[INFO_LABELS_MAX];
    int result = psv_prometheus_family(out, name, "gauge", "Versions, as labels; the value is always 1.");
    if (result != 0) {
        return result;
    }
    pthread_mutex_lock(&info_lock);
    for (size_t i = 0; i < info_len; i++) {
        labels[i] = (struct psv_prometheus_label){info[i].label, {info[i].value, info[i].value_len}};
    }
    result = psv_prometheus_integer(out, name, "", labels, info_len, 1);
    pthread_mutex_unlock(&info_lock);
    return result;
}

struct family {
    const char *name;
    const char *type;
    const char *help;
};
struct series {
    enum psv_metric_family family;
    const char *label;
    const char *value;
};

#define COUNTER "counter"
#define GAUGE "gauge"
#define F(family, type, name, help) {name, type, help},
static const struct family families[PSV_METRIC_FAMILY_COUNT] = {PSV_METRIC_FAMILY_TABLE(F)};
#undef F
#undef COUNTER
#undef GAUGE
#define X(id, family, label, value) {PSV_METRIC_FAMILY_##family, label, value},
static const struct series series[PSV_METRIC_COUNT] = {PSV_METRIC_TABLE(X)};
#undef X

static int format_series(struct psv_buffer *out, const struct psv_metrics_sum *sum)
{
    for (size_t i = 0; i < PSV_METRIC_COUNT; i++) {
        const struct family *family = &families[series[i].family];
        int result = 0;
        if (i == 0 || series[i].family != series[i - 1].family) {
            result = psv_prometheus_family(out, family->name, family->type, family->help);
        }
        if (result == 0) {
            struct psv_prometheus_label label = {series[i].label, psv_bytes_of(series[i].value)};
            result = psv_prometheus_integer(out, family->name, "", &label, series[i].label != NULL ? 1 : 0,
                                            sum->values[i]);
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static const char *const bound_texts[PSV_HISTOGRAM_BOUNDS_LEN + 1] = {
#define B(ns, text) text,
    PSV_HISTOGRAM_BUCKET_TABLE(B)
#undef B
        "+Inf"};

static int format_histogram(struct psv_buffer *out, const struct family *family,
                            const struct psv_histogram_sum *sum)
{
    int result = psv_prometheus_family(out, family->name, family->type, family->help);
    uint64_t count = 0;
    for (size_t i = 0; i <= PSV_HISTOGRAM_BOUNDS_LEN && result == 0; i++) {
        struct psv_prometheus_label bound = {"le", psv_bytes_of(bound_texts[i])};
        count += sum->counts[i];
        result = psv_prometheus_integer(out, family->name, "_bucket", &bound, 1, (int64_t)count);
    }
    if (result == 0) {
        result = psv_prometheus_scaled(out, family->name, "_sum", NULL, 0, sum->sum_ns, 9);
    }
    /* The same number as the last bucket: a scrape that counts while others observe stays consistent in
     * itself. */
    return result != 0 ? result
                       : psv_prometheus_integer(out, family->name, "_count", NULL, 0, (int64_t)count);
}

static int format_histograms(struct psv_buffer *out, const struct psv_metrics_sum *sum)
{
    static const struct family histograms[PSV_HISTOGRAM_COUNT] = {
#define H(id, name, help) {name, "histogram", help},
        PSV_HISTOGRAM_TABLE(H)
#undef H
    };
    int result = 0;
    for (size_t i = 0; i < PSV_HISTOGRAM_COUNT && result == 0; i++) {
        result = format_histogram(out, &histograms[i], &sum->histograms[i]);
    }
    return result;
}

static int format_process(struct psv_buffer *out)
{
    struct psv_process_facts facts;
    if (psv_process_read_facts(&facts) != 0) {
        return 0; /* no /proc: the other numbers are still worth having */
    }
    uint64_t now_us = psv_clock_unix_us();
    uint64_t uptime_us = now_us > facts.start_unix_us ? now_us - facts.start_unix_us : 0;
    const struct {
        struct family family;
        uint64_t value;
        unsigned fraction_digits;
    } rows[] = {
        {{"process_resident_memory_bytes", "gauge", "Memory in use, as the kernel counts it."},
         facts.resident_bytes,
         0},
        {{"process_virtual_memory_bytes", "gauge", "Size of the address space in use."},
         facts.virtual_bytes,
         0},
        {{"process_cpu_seconds_total", "counter", "Processor time of all threads."}, facts.cpu_us, 6},
        {{"process_threads", "gauge", "Threads of all kinds."}, facts.threads, 0},
        {{"process_open_fds", "gauge", "Open file descriptors."}, facts.open_fds, 0},
        {{"process_max_fds", "gauge", "Limit of open file descriptors."}, facts.max_fds, 0},
        {{"process_start_time_seconds", "gauge", "Unix time at which the process began."},
         facts.start_unix_us,
         6},
        {{"phpsrv_uptime_seconds", "gauge", "Time since the process began."}, uptime_us, 6},
    };
    int result = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows) && result == 0; i++) {
        const struct family *family = &rows[i].family;
        if (rows[i].value == UINT64_MAX) {
            continue; /* no limit: no number */
        }
        result = psv_prometheus_family(out, family->name, family->type, family->help);
        if (result == 0) {
            result =
                psv_prometheus_scaled(out, family->name, "", NULL, 0, rows[i].value, rows[i].fraction_digits);
        }
    }
    return result;
}

int psv_metrics_format(struct psv_buffer *out)
{
    struct psv_metrics_sum sum;
    psv_metrics_sum(&sum);
    int result = format_info(out);
    if (result == 0) {
        result = format_series(out, &sum);
    }
    if (result == 0) {
        result = format_histograms(out, &sum);
    }
    return result != 0 ? result : format_process(out);
}
