/* The application's metrics; see user_metrics.h.
 *
 * SPDX-License-Identifier: MIT */
#include "user_metrics.h"

#include <pthread.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/list.h"
#include "base/map.h"
#include "base/memory.h"

struct series {
    struct psv_list link; /* in its family */
    struct psv_prometheus_label *labels;
    size_t labels_len;
    double value; /* of a histogram: the sum */
    uint64_t count;
    uint64_t *bucket_counts; /* not cumulative; one more than there are bounds */
    struct psv_bytes key;
    char text[]; /* key, then label names with NUL */
};

struct family {
    struct psv_list link; /* in registry.families, by age */
    struct psv_list series;
    enum psv_user_metric_kind kind;
    char *name;
    char *help;
    size_t buckets_len;
    double buckets[PSV_USER_METRIC_BUCKETS_MAX];
    char (*bounds)[PSV_PROMETHEUS_BOUND_BYTES]; /* the buckets as text */
};

static struct {
    pthread_mutex_t lock; /* all below */
    bool is_ready;
    struct psv_list families;
    struct psv_map family_map; /* by name */
    struct psv_map series_map; /* by key */
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_name(struct psv_bytes name, bool has_colons)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool is_letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (has_colons && c == ':');
        if (!is_letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return name.len > 0 && name.len <= 200;
}

bool psv_user_metric_name_is_valid(struct psv_bytes name)
{
    return is_name(name, true) && !psv_bytes_starts_with(name, PSV_BYTES("phpsrv_")) &&
           !psv_bytes_starts_with(name, PSV_BYTES("process_"));
}

bool psv_user_metric_label_is_valid(struct psv_bytes name)
{
    return is_name(name, false) && !psv_bytes_equal(name, PSV_BYTES("le")) &&
           !psv_bytes_equal(name, PSV_BYTES("quantile")) && !psv_bytes_starts_with(name, PSV_BYTES("__"));
}

static void prepare(void)
{
    if (!registry.is_ready) {
        registry.is_ready = true;
        psv_list_init(&registry.families);
        psv_map_init(&registry.family_map, PSV_USER_METRIC_FAMILIES_MAX);
        psv_map_init(&registry.series_map, PSV_USER_METRIC_SERIES_MAX);
    }
}

/* ---- families */

static void free_family(struct family *family)
{
    psv_free(family->name);
    psv_free(family->help);
    psv_free(family->bounds);
    psv_free(family);
}

static int new_family(const struct psv_user_metric *metric, struct family **ret)
{
    struct family *family = psv_calloc(1, sizeof(*family));

    if (family == NULL) {
        return PSV_ENOMEM;
    }
    family->name = psv_strndup(metric->name.data, metric->name.len);
    family->help = metric->help.len > 0 ? psv_strndup(metric->help.data, metric->help.len) : NULL;
    family->kind = metric->kind;
    family->buckets_len = metric->buckets_len;
    if (metric->buckets_len > 0) {
        memcpy(family->buckets, metric->buckets, metric->buckets_len * sizeof(family->buckets[0]));
    }
    family->bounds = psv_calloc(metric->buckets_len + 1, sizeof(*family->bounds));
    for (size_t i = 0; family->bounds != NULL && i < metric->buckets_len; i++) {
        psv_prometheus_format_bound(family->bounds[i], metric->buckets[i]);
    }
    psv_list_init(&family->series);
    bool has_all =
        family->name != NULL && family->bounds != NULL && (metric->help.len == 0 || family->help != NULL);
    int code = has_all ? PSV_OK : PSV_ENOMEM;
    if (code == PSV_OK) {
        code = psv_map_put(&registry.family_map, psv_bytes_of(family->name), family, NULL);
    }
    if (code != PSV_OK) {
        free_family(family);
        return code;
    }
    psv_list_append(&registry.families, &family->link);
    *ret = family;
    return PSV_OK;
}

static int find_family(const struct psv_user_metric *metric, struct family **ret)
{
    *ret = psv_map_find(&registry.family_map, metric->name);
    if (*ret == NULL) {
        return new_family(metric, ret);
    }
    return (*ret)->kind == metric->kind ? PSV_OK : PSV_EINVAL;
}

/* ---- series */

/* Names cannot hold the separator, and values come with their length. */
static int make_key(const struct psv_user_metric *metric, struct psv_buffer *out)
{
    int code = psv_buffer_append_bytes(out, metric->name);

    for (size_t i = 0; i < metric->labels_len && code == PSV_OK; i++) {
        const struct psv_prometheus_label *label = &metric->labels[i];
        code = psv_buffer_printf(out, "\x1f%s\x1f%zu\x1f", label->name, label->value.len);
        if (code == PSV_OK) {
            code = psv_buffer_append_bytes(out, label->value);
        }
    }
    return code;
}

static size_t text_len(const struct psv_user_metric *metric, struct psv_bytes key)
{
    size_t len = key.len;

    for (size_t i = 0; i < metric->labels_len; i++) {
        len += strlen(metric->labels[i].name) + 1 + metric->labels[i].value.len;
    }
    return len;
}

static void copy_labels(struct series *series, const struct psv_user_metric *metric, char *text)
{
    for (size_t i = 0; i < metric->labels_len; i++) {
        const struct psv_prometheus_label *label = &metric->labels[i];
        size_t name_size = strlen(label->name) + 1;
        memcpy(text, label->name, name_size);
        series->labels[i].name = text;
        text += name_size;
        if (label->value.len > 0) {
            memcpy(text, label->value.data, label->value.len);
        }
        series->labels[i].value = (struct psv_bytes){text, label->value.len};
        text += label->value.len;
    }
}

static void free_series(struct series *series)
{
    psv_free(series->labels);
    psv_free(series->bucket_counts);
    psv_free(series);
}

static int new_series(struct family *family, const struct psv_user_metric *metric, struct psv_bytes key,
                      struct series **ret)
{
    struct series *series = psv_calloc(1, sizeof(*series) + text_len(metric, key));

    if (series == NULL) {
        return PSV_ENOMEM;
    }
    memcpy(series->text, key.data, key.len);
    series->key = (struct psv_bytes){series->text, key.len};
    series->labels_len = metric->labels_len;
    series->labels = psv_calloc(MAX(metric->labels_len, (size_t)1), sizeof(*series->labels));
    series->bucket_counts = psv_calloc(family->buckets_len + 1, sizeof(*series->bucket_counts));
    int code = series->labels != NULL && series->bucket_counts != NULL ? PSV_OK : PSV_ENOMEM;
    if (code == PSV_OK) {
        copy_labels(series, metric, series->text + key.len);
        code = psv_map_put(&registry.series_map, series->key, series, NULL);
    }
    if (code != PSV_OK) {
        free_series(series);
        return code;
    }
    psv_list_append(&family->series, &series->link);
    *ret = series;
    return PSV_OK;
}

static void record(const struct family *family, struct series *series, double value)
{
    size_t bucket = 0;

    switch (family->kind) {
    case PSV_USER_COUNTER:
        series->value += value;
        break;
    case PSV_USER_GAUGE:
        series->value = value;
        break;
    case PSV_USER_HISTOGRAM:
        while (bucket < family->buckets_len && value > family->buckets[bucket]) {
            bucket++;
        }
        series->bucket_counts[bucket]++;
        series->count++;
        series->value += value;
        break;
    }
}

static int record_locked(const struct psv_user_metric *metric, struct psv_bytes key, double value)
{
    struct family *family;
    struct series *series = NULL;

    prepare();
    int code = find_family(metric, &family);
    if (code == PSV_OK) {
        series = psv_map_find(&registry.series_map, key);
        if (series == NULL) {
            code = new_series(family, metric, key, &series);
        }
    }
    if (code == PSV_OK) {
        record(family, series, value);
    }
    return code;
}

int psv_user_metric_record(const struct psv_user_metric *metric, double value)
{
    struct psv_buffer key;

    psv_buffer_init(&key, 64 * 1024);
    int code = make_key(metric, &key);
    if (code == PSV_OK) {
        pthread_mutex_lock(&registry.lock);
        code = record_locked(metric, psv_buffer_bytes(&key), value);
        pthread_mutex_unlock(&registry.lock);
    }
    psv_buffer_fini(&key);
    return code;
}

/* ---- output */

static void format_histogram(struct psv_prometheus *out, const struct family *family,
                             const struct series *series)
{
    struct psv_prometheus_label labels[PSV_USER_METRIC_LABELS_MAX + 1];
    uint64_t count = 0;

    for (size_t i = 0; i < series->labels_len; i++) {
        labels[i] = series->labels[i];
    }
    for (size_t i = 0; i <= family->buckets_len; i++) {
        const char *bound = i < family->buckets_len ? family->bounds[i] : "+Inf";
        count += series->bucket_counts[i];
        labels[series->labels_len] = (struct psv_prometheus_label){"le", psv_bytes_of(bound)};
        psv_prometheus_bucket(out, family->name, labels, series->labels_len + 1, count, NULL);
    }
    psv_prometheus_number(out, family->name, "_sum", series->labels, series->labels_len, series->value);
    psv_prometheus_integer(out, family->name, "_count", series->labels, series->labels_len,
                           (int64_t)series->count);
}

/* OpenMetrics names a counter without its "_total": another family may have that name. */
static bool is_name_taken(const struct family *family)
{
    struct psv_bytes name = psv_bytes_of(family->name);
    struct psv_bytes suffix = PSV_BYTES("_total");

    return name.len > suffix.len && psv_bytes_ends_with(name, suffix) &&
           psv_map_find(&registry.family_map, psv_bytes_first(name, name.len - suffix.len)) != NULL;
}

static void format_family(struct psv_prometheus *out, const struct family *family)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    const char *help = family->help != NULL ? family->help : "Made by the application.";

    if (family->kind == PSV_USER_COUNTER && is_name_taken(family)) {
        psv_prometheus_unknown(out, family->name, types[family->kind], help);
    } else {
        psv_prometheus_family(out, family->name, types[family->kind], help);
    }
    PSV_LIST_FOR_EACH(node, &family->series)
    {
        const struct series *series = PSV_LIST_ENTRY(node, struct series, link);
        if (family->kind == PSV_USER_HISTOGRAM) {
            format_histogram(out, family, series);
        } else {
            psv_prometheus_number(out, family->name, "", series->labels, series->labels_len, series->value);
        }
    }
}

void psv_user_metrics_format(struct psv_prometheus *out)
{
    pthread_mutex_lock(&registry.lock);
    prepare();
    PSV_LIST_FOR_EACH(node, &registry.families)
    {
        format_family(out, PSV_LIST_ENTRY(node, struct family, link));
    }
    pthread_mutex_unlock(&registry.lock);
}

void psv_user_metrics_clear(void)
{
    struct psv_list *node;
    struct psv_list *inner;

    pthread_mutex_lock(&registry.lock);
    prepare();
    while ((node = psv_list_first(&registry.families)) != NULL) {
        struct family *family = PSV_LIST_ENTRY(node, struct family, link);
        psv_list_remove(node);
        while ((inner = psv_list_first(&family->series)) != NULL) {
            psv_list_remove(inner);
            free_series(PSV_LIST_ENTRY(inner, struct series, link));
        }
        free_family(family);
    }
    psv_map_fini(&registry.family_map);
    psv_map_fini(&registry.series_map);
    registry.is_ready = false;
    pthread_mutex_unlock(&registry.lock);
}
