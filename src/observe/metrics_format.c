/* The scrape: the tables' families, histograms, build information and facts about the process.  Any thread;
 * reads cells, writes none.
 *
 * SPDX-License-Identifier: MIT */
#include "metrics.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
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

static void format_info(struct psv_prometheus *out)
{
    static const char name[] = "phpsrv_build_info";
    struct psv_prometheus_label labels[INFO_LABELS_MAX];

    psv_prometheus_family(out, name, "gauge", "Versions, as labels; the value is always 1.");
    pthread_mutex_lock(&info_lock);
    for (size_t i = 0; i < info_len; i++) {
        labels[i] = (struct psv_prometheus_label){info[i].label, {info[i].value, info[i].value_len}};
    }
    psv_prometheus_integer(out, name, "", labels, info_len, 1);
    pthread_mutex_unlock(&info_lock);
}

struct family {
    const char *name;
    const char *help;
    const char *type;
    unsigned fraction_digits; /* of what is counted */
};
struct series {
    enum psv_metric_family family;
    const char *label;
    const char *value;
};

#define COUNTER "counter", 0
#define COUNTER_NS "counter", 9
#define GAUGE "gauge", 0
#define F(family, type, name, help) {name, help, type},
static const struct family families[PSV_METRIC_FAMILY_COUNT] = {PSV_METRIC_FAMILY_TABLE(F)};
#undef F
enum site_family { SITE_FAMILY_REQUESTS, SITE_FAMILY_RESPONSES, SITE_FAMILY_IN_FLIGHT, SITE_FAMILY_COUNT };
#define S(id, type, name, help) [SITE_FAMILY_##id] = {name, help, type},
static const struct family site_families[SITE_FAMILY_COUNT] = {PSV_SITE_FAMILY_TABLE(S)};
#undef S
#undef COUNTER
#undef COUNTER_NS
#undef GAUGE
#define X(id, family, label, value) {PSV_METRIC_FAMILY_##family, label, value},
static const struct series series[PSV_METRIC_COUNT] = {PSV_METRIC_TABLE(X)};
#undef X

static void begin_family(struct psv_prometheus *out, const struct family *family)
{
    psv_prometheus_family(out, family->name, family->type, family->help);
}

static void format_series(struct psv_prometheus *out, const struct psv_metrics_sum *sum)
{
    for (size_t i = 0; i < PSV_METRIC_COUNT; i++) {
        const struct family *family = &families[series[i].family];
        struct psv_prometheus_label label = {series[i].label, psv_bytes_of(series[i].value)};
        size_t labels_len = series[i].label != NULL ? 1 : 0;

        if (i == 0 || series[i].family != series[i - 1].family) {
            begin_family(out, family);
        }
        if (family->fraction_digits > 0) {
            psv_prometheus_scaled(out, family->name, "", &label, labels_len, (uint64_t)sum->values[i],
                                  family->fraction_digits);
        } else {
            psv_prometheus_integer(out, family->name, "", &label, labels_len, sum->values[i]);
        }
    }
}

/* ---- histograms */

#define SITES_NONE SIZE_MAX

static void put_bucket(struct psv_prometheus *out, const char *name,
                       const struct psv_prometheus_label *labels, size_t labels_len, uint64_t count,
                       size_t exemplar_site, size_t bucket)
{
    struct psv_exemplar found;

    if (exemplar_site != SITES_NONE && psv_metrics_exemplar(exemplar_site, bucket, &found)) {
        const struct psv_prometheus_exemplar exemplar = {psv_bytes_of(found.trace_id), found.value_ns,
                                                         found.unix_us};
        psv_prometheus_bucket(out, name, labels, labels_len, count, &exemplar);
        return;
    }
    psv_prometheus_bucket(out, name, labels, labels_len, count, NULL);
}

/* One series of a histogram; labels has room for one more. */
static void format_histogram(struct psv_prometheus *out, const char *name, enum psv_bounds bounds,
                             const struct psv_histogram_sum *sum, struct psv_prometheus_label *labels,
                             size_t labels_len, size_t exemplar_site)
{
    const uint64_t *values;
    const char *const *texts;
    size_t len = psv_bounds_of(bounds, &values, &texts);
    uint64_t count = 0;

    for (size_t i = 0; i <= len; i++) {
        count += sum->counts[i];
        labels[labels_len] = (struct psv_prometheus_label){"le", psv_bytes_of(i < len ? texts[i] : "+Inf")};
        put_bucket(out, name, labels, labels_len + 1, count, exemplar_site, i);
    }
    psv_prometheus_scaled(out, name, "_sum", labels, labels_len, sum->sum,
                          bounds == PSV_BOUNDS_DURATION ? 9 : 0);
    /* The same number as the last bucket: a scrape that counts while others observe stays consistent in
     * itself. */
    psv_prometheus_integer(out, name, "_count", labels, labels_len, (int64_t)count);
}

void psv_metrics_format_histogram(struct psv_prometheus *out, const char *name, enum psv_bounds bounds,
                                  const struct psv_histogram_sum *sum,
                                  const struct psv_prometheus_label *label)
{
    struct psv_prometheus_label labels[2] = {*label};

    format_histogram(out, name, bounds, sum, labels, 1, SITES_NONE);
}

static void format_histograms(struct psv_prometheus *out, const struct psv_metrics_sum *sum)
{
    static const struct {
        const char *name;
        const char *help;
    } histograms[PSV_HISTOGRAM_COUNT] = {
#define H(id, name, help) {name, help},
        PSV_HISTOGRAM_TABLE(H) PSV_MEMORY_HISTOGRAM_TABLE(H)
#undef H
    };
    struct psv_prometheus_label bound;

    for (size_t i = 0; i < PSV_HISTOGRAM_COUNT; i++) {
        psv_prometheus_family(out, histograms[i].name, "histogram", histograms[i].help);
        format_histogram(out, histograms[i].name, psv_histogram_bounds((enum psv_histogram_id)i),
                         &sum->histograms[i], &bound, 0, SITES_NONE);
    }
}

/* ---- what each site is asked and answers */

/* The first label, where there are several sites; returns how many that makes. */
static size_t label_site(struct psv_prometheus_label *label, size_t site)
{
    struct psv_bytes name = psv_metrics_site_name(site);

    *label = (struct psv_prometheus_label){"site", name};
    return name.len > 0 ? 1 : 0;
}

static void format_requests(struct psv_prometheus *out, const struct psv_site_sum *sum,
                            struct psv_prometheus_label *labels, size_t len)
{
    static const char *const methods[] = {
#define M(method) #method,
        PSV_METRIC_METHOD_TABLE(M)
#undef M
    };
    const struct family *family = &site_families[SITE_FAMILY_REQUESTS];

    for (size_t i = 0; i < PSV_METRIC_METHODS; i++) {
        labels[len] = (struct psv_prometheus_label){"method", psv_bytes_of(methods[i])};
        psv_prometheus_integer(out, family->name, "", labels, len + 1, sum->requests[i]);
    }
}

static void format_responses(struct psv_prometheus *out, const struct psv_site_sum *sum,
                             struct psv_prometheus_label *labels, size_t len)
{
    const struct family *family = &site_families[SITE_FAMILY_RESPONSES];

    for (size_t i = 0; i < PSV_METRIC_CODES; i++) {
        labels[len] = (struct psv_prometheus_label){"class", psv_bytes_of(psv_metric_code_class(i))};
        labels[len + 1] = (struct psv_prometheus_label){"code", psv_bytes_of(psv_metric_code_text(i))};
        psv_prometheus_integer(out, family->name, "", labels, len + 2, sum->responses[i]);
    }
}

static void format_in_flight(struct psv_prometheus *out, const struct psv_site_sum *sum,
                             struct psv_prometheus_label *labels, size_t len)
{
    psv_prometheus_integer(out, site_families[SITE_FAMILY_IN_FLIGHT].name, "", labels, len, sum->in_flight);
}

static void format_site_histograms(struct psv_prometheus *out, const struct psv_site_sum *sums,
                                   size_t sums_len)
{
    static const struct {
        const char *name;
        const char *help;
        enum psv_bounds bounds;
    } histograms[PSV_SITE_HISTOGRAM_COUNT] = {
#define H(id, bounds, name, help) {name, help, PSV_BOUNDS_##bounds},
        PSV_SITE_HISTOGRAM_TABLE(H)
#undef H
    };
    struct psv_prometheus_label labels[2];

    for (size_t i = 0; i < PSV_SITE_HISTOGRAM_COUNT; i++) {
        psv_prometheus_family(out, histograms[i].name, "histogram", histograms[i].help);
        for (size_t site = 0; site < sums_len; site++) {
            size_t len = label_site(labels, site);
            format_histogram(out, histograms[i].name, histograms[i].bounds, &sums[site].histograms[i], labels,
                             len, i == PSV_SITE_HISTOGRAM_REQUEST_DURATION ? site : SITES_NONE);
        }
    }
}

static void format_sites(struct psv_prometheus *out)
{
    static void (*const formats[SITE_FAMILY_COUNT])(struct psv_prometheus *, const struct psv_site_sum *,
                                                    struct psv_prometheus_label *, size_t) = {
        [SITE_FAMILY_REQUESTS] = format_requests,
        [SITE_FAMILY_RESPONSES] = format_responses,
        [SITE_FAMILY_IN_FLIGHT] = format_in_flight,
    };
    struct psv_prometheus_label labels[3];
    size_t len = psv_metrics_sites_len();
    struct psv_site_sum *sums = psv_calloc(len, sizeof(*sums));

    if (sums == NULL) {
        out->error = out->error != 0 ? out->error : PSV_ENOMEM;
        return;
    }
    for (size_t site = 0; site < len; site++) {
        psv_metrics_site_sum(site, &sums[site]);
    }
    for (size_t i = 0; i < SITE_FAMILY_COUNT; i++) {
        begin_family(out, &site_families[i]);
        for (size_t site = 0; site < len; site++) {
            size_t labels_len = label_site(labels, site);
            formats[i](out, &sums[site], labels, labels_len);
        }
    }
    format_site_histograms(out, sums, len);
    psv_free(sums);
}

/* ---- the process */

static void format_process(struct psv_prometheus *out)
{
    struct psv_process_facts facts = {0};
    if (psv_process_read_facts(&facts) != 0 && out->format != PSV_PROMETHEUS_REFERENCE) {
        return; /* no /proc: the other numbers are still worth having */
    }
    uint64_t now_us = psv_clock_unix_us();
    uint64_t uptime_us = now_us > facts.start_unix_us ? now_us - facts.start_unix_us : 0;
    const struct {
        struct family family;
        uint64_t value;
    } rows[] = {
        {{"process_resident_memory_bytes", "Memory in use, as the kernel counts it.", "gauge", 0},
         facts.resident_bytes},
        {{"process_virtual_memory_bytes", "Size of the address space in use.", "gauge", 0},
         facts.virtual_bytes},
        {{"process_cpu_seconds_total", "Processor time of all threads.", "counter", 6}, facts.cpu_us},
        {{"process_threads", "Threads of all kinds.", "gauge", 0}, facts.threads},
        {{"process_open_fds", "Open file descriptors.", "gauge", 0}, facts.open_fds},
        {{"process_max_fds", "Limit of open file descriptors; absent when there is none.", "gauge", 0},
         facts.max_fds},
        {{"process_start_time_seconds", "Unix time at which the process began.", "gauge", 6},
         facts.start_unix_us},
        {{"phpsrv_uptime_seconds", "Time since the process began.", "gauge", 6}, uptime_us},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct family *family = &rows[i].family;
        if (rows[i].value == UINT64_MAX && out->format != PSV_PROMETHEUS_REFERENCE) {
            continue; /* no limit: no number */
        }
        begin_family(out, family);
        psv_prometheus_scaled(out, family->name, "", NULL, 0, rows[i].value, family->fraction_digits);
    }
}

/* Which part of the resident memory is whose: what is shared with other processes is not ours alone. */
static void format_memory(struct psv_prometheus *out)
{
    static const char name[] = "phpsrv_memory_resident_bytes";
    struct psv_process_memory memory = {0};

    if (psv_process_read_memory(&memory) != 0 && out->format != PSV_PROMETHEUS_REFERENCE) {
        return;
    }
    const struct {
        const char *kind;
        uint64_t bytes;
    } rows[] = {
        {"anonymous", memory.anonymous_bytes}, {"file", memory.file_bytes}, {"shared", memory.shared_bytes}};
    psv_prometheus_family(
        out, name, "gauge",
        "Resident memory by kind: anonymous (heaps, stacks; what a process costs alone), file "
        "(program and libraries), shared (opcache, bodies in memory files).");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct psv_prometheus_label label = {"kind", psv_bytes_of(rows[i].kind)};
        psv_prometheus_integer(out, name, "", &label, 1, (int64_t)rows[i].bytes);
    }
}

void psv_metrics_format(struct psv_prometheus *out)
{
    struct psv_metrics_sum sum;

    psv_metrics_sum(&sum);
    format_info(out);
    format_sites(out);
    format_series(out, &sum);
    format_histograms(out, &sum);
    format_process(out);
    format_memory(out);
}
