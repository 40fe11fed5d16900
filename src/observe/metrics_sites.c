/* Rate, errors and duration for each site: cells beside those of metrics.c, made when a thread first counts a
 * request, and the last traced request of each bucket.  Any thread; no lock but for that first count, for a
 * traced request and for a scrape.  Knows no text format and no site but by its number.
 *
 * SPDX-License-Identifier: MIT */
#include "metrics.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "metrics_cells.h"

#define TRACE_ID_LEN 32

struct site_exemplars {
    struct psv_exemplar buckets[PSV_HISTOGRAM_BOUNDS_MAX + 1];
};

static size_t sites_len = 1;                /* [boot] written, as the next two */
static char **names;                        /* NULL = one site */
static struct psv_site_cells *shared_sites; /* the shared block's, when they were made here */
static pthread_mutex_t exemplars_lock = PTHREAD_MUTEX_INITIALIZER;
static struct site_exemplars *exemplars; /* under the lock; one per site; NULL: no request was traced yet */

static char **names_free(char **all, size_t len)
{
    for (size_t i = 0; all != NULL && i < len; i++) {
        psv_free(all[i]);
    }
    return psv_free(all);
}

static int copy_names(const struct psv_bytes *texts, size_t len, char ***ret)
{
    char **copies = psv_calloc(len, sizeof(*copies));

    for (size_t i = 0; copies != NULL && i < len; i++) {
        copies[i] = psv_strndup(texts[i].len > 0 ? texts[i].data : "", texts[i].len);
        if (copies[i] == NULL) {
            copies = names_free(copies, len);
        }
    }
    *ret = copies;
    return copies != NULL ? 0 : PSV_ENOMEM;
}

int psv_metrics_set_sites(const struct psv_bytes *texts, size_t texts_len)
{
    struct psv_metric_cells *shared = psv_metric_cells_shared();
    size_t len = MAX(texts_len, (size_t)1);
    char **copies = NULL;

    if (texts_len > PSV_METRICS_SITES_MAX) {
        return PSV_ELIMIT;
    }
    if (texts_len > 1 && copy_names(texts, texts_len, &copies) != 0) {
        return PSV_ENOMEM;
    }
    struct psv_site_cells *cells = psv_calloc_aligned(CACHE_LINE_BYTES, len * sizeof(*cells));
    if (cells == NULL) {
        (void)names_free(copies, texts_len);
        return PSV_ENOMEM;
    }
    pthread_mutex_lock(&exemplars_lock);
    exemplars = psv_free(exemplars);
    pthread_mutex_unlock(&exemplars_lock);
    (void)names_free(names, sites_len);
    names = copies;
    sites_len = len;
    shared->sites_len = len;
    atomic_store_explicit(&shared->sites, cells, memory_order_release); /* as in sites_of */
    (void)psv_free(shared_sites);
    shared_sites = cells;
    return 0;
}

/* ---- counting */

/* The block's cells of the site, or the shared ones when it has none. */
static struct psv_site_cells *sites_of(struct psv_metric_cells *cells)
{
    /* relaxed: this thread wrote it */
    struct psv_site_cells *sites = atomic_load_explicit(&cells->sites, memory_order_relaxed);

    if (LIKELY(sites != NULL)) {
        return sites;
    }
    sites = psv_calloc_aligned(CACHE_LINE_BYTES, sites_len * sizeof(*sites)); /* the shared block has them */
    if (sites != NULL) {
        cells->sites_len = sites_len;
        /* release pairs with the scrape's acquire: it sees zeroed cells and their number */
        atomic_store_explicit(&cells->sites, sites, memory_order_release);
    }
    return sites;
}

static struct psv_site_cells *cells_of(size_t site, bool *ret_is_shared)
{
    struct psv_metric_cells *cells = psv_metric_cells_own();
    struct psv_site_cells *sites = sites_of(cells);

    site = site < sites_len ? site : 0;
    if (UNLIKELY(sites == NULL || site >= cells->sites_len)) {
        cells = psv_metric_cells_shared();
        sites = sites_of(cells);
    }
    *ret_is_shared = cells->is_shared;
    return &sites[site];
}

#define C(class, code) {class, code},
static const struct {
    unsigned class;
    const char *code;
} codes[PSV_METRIC_CODES] = {PSV_METRIC_CODE_TABLE(C)};
#undef C

const char *psv_metric_code_class(size_t row)
{
    static const char *const classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

    return classes[codes[row].class - 1];
}

const char *psv_metric_code_text(size_t row)
{
    return codes[row].code;
}

/* Status 100..599; anything else is 5xx, too. */
static size_t row_of(unsigned status)
{
    unsigned class = status >= 100 && status < 600 ? status / 100 : 5;
    const char digits[] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
                           (char)('0' + status % 10), '\0'};
    size_t row = 0;

    while (codes[row].class < class) {
        row++;
    }
    /* "other" is longer: its first four bytes are no three digits with a NUL */
    while (memcmp(codes[row].code, digits, sizeof(digits)) != 0 && strcmp(codes[row].code, "other") != 0) {
        row++;
    }
    return row;
}

void psv_metric_request_begin_site(size_t site)
{
    bool is_shared;
    struct psv_site_cells *cells = cells_of(site, &is_shared);

    psv_metric_cell_add(is_shared, &cells->in_flight, 1);
}

/* Without memory there is none. */
static void note_exemplar(size_t site, const struct psv_metric_request *request)
{
    const uint64_t *bounds;
    const char *const *texts;
    size_t len = psv_bounds_of(PSV_BOUNDS_DURATION, &bounds, &texts);
    size_t bucket = 0;

    while (bucket < len && request->duration_ns > bounds[bucket]) {
        bucket++;
    }
    pthread_mutex_lock(&exemplars_lock); /* held for a moment, by scrapes only */
    if (exemplars == NULL) {
        exemplars = psv_calloc(sites_len, sizeof(*exemplars));
    }
    if (exemplars != NULL) {
        struct psv_exemplar *exemplar = &exemplars[site < sites_len ? site : 0].buckets[bucket];
        memcpy(exemplar->trace_id, request->trace_id.data, TRACE_ID_LEN);
        exemplar->value_ns = request->duration_ns;
        exemplar->unix_us = request->unix_us;
    }
    pthread_mutex_unlock(&exemplars_lock);
}

void psv_metric_request_end_site(size_t site, const struct psv_metric_request *request)
{
    bool is_shared;
    struct psv_site_cells *cells = cells_of(site, &is_shared);
    const uint64_t values[PSV_SITE_HISTOGRAM_COUNT] = {
        [PSV_SITE_HISTOGRAM_REQUEST_DURATION] = request->duration_ns,
        [PSV_SITE_HISTOGRAM_REQUEST_SIZE] = request->received_bytes,
        [PSV_SITE_HISTOGRAM_RESPONSE_SIZE] = request->sent_bytes,
    };
    static const enum psv_bounds bounds[PSV_SITE_HISTOGRAM_COUNT] = {
#define H(id, bounds, name, help) PSV_BOUNDS_##bounds,
        PSV_SITE_HISTOGRAM_TABLE(H)
#undef H
    };

    psv_metric_cell_add(is_shared, &cells->in_flight, request->has_begun ? -1 : 0);
    if (request->has_method) {
        psv_metric_cell_add(is_shared, &cells->requests[MIN(request->method, PSV_METRIC_METHODS - 1u)], 1);
    }
    if (request->status != 0) {
        psv_metric_cell_add(is_shared, &cells->responses[row_of(request->status)], 1);
    }
    for (size_t i = 0; i < PSV_SITE_HISTOGRAM_COUNT; i++) {
        psv_histogram_cells_observe(is_shared, &cells->histograms[i], bounds[i], values[i]);
    }
    if (request->trace_id.len == TRACE_ID_LEN) {
        note_exemplar(site, request);
    }
}

/* ---- reading */

static void add_site(struct psv_site_sum *sum, const struct psv_metric_cells *cells, size_t site)
{
    /* acquire pairs with the release in sites_of */
    const struct psv_site_cells *sites = atomic_load_explicit(&cells->sites, memory_order_acquire);

    if (sites == NULL || site >= cells->sites_len) {
        return;
    }
    sum->in_flight += atomic_load_explicit(&sites[site].in_flight, memory_order_relaxed);
    for (size_t i = 0; i < PSV_METRIC_METHODS; i++) {
        sum->requests[i] += atomic_load_explicit(&sites[site].requests[i], memory_order_relaxed);
    }
    for (size_t i = 0; i < PSV_METRIC_CODES; i++) {
        sum->responses[i] += atomic_load_explicit(&sites[site].responses[i], memory_order_relaxed);
    }
    for (size_t i = 0; i < PSV_SITE_HISTOGRAM_COUNT; i++) {
        psv_histogram_cells_sum(&sum->histograms[i], &sites[site].histograms[i]);
    }
}

void psv_metrics_site_sum(size_t site, struct psv_site_sum *sum)
{
    add_site(sum, psv_metric_cells_shared(), site);
    for (struct psv_metric_cells *cells = psv_metric_cells_first(); cells != NULL; cells = cells->next) {
        add_site(sum, cells, site);
    }
}

size_t psv_metrics_sites_len(void)
{
    return sites_len;
}

struct psv_bytes psv_metrics_site_name(size_t site)
{
    return names != NULL ? psv_bytes_of(names[site]) : PSV_BYTES_EMPTY;
}

bool psv_metrics_exemplar(size_t site, size_t bucket, struct psv_exemplar *ret_exemplar)
{
    pthread_mutex_lock(&exemplars_lock);
    bool has = exemplars != NULL && exemplars[site].buckets[bucket].trace_id[0] != '\0';
    if (has) {
        *ret_exemplar = exemplars[site].buckets[bucket];
    }
    pthread_mutex_unlock(&exemplars_lock);
    return has;
}

void psv_metrics_read_traffic(struct psv_metric_traffic *ret_traffic)
{
    struct psv_site_sum sum = {0};

    for (size_t i = 0; i < sites_len; i++) {
        psv_metrics_site_sum(i, &sum);
    }
    *ret_traffic = (struct psv_metric_traffic){
        .in_flight = sum.in_flight, .duration = sum.histograms[PSV_SITE_HISTOGRAM_REQUEST_DURATION]};
    for (size_t i = 0; i < PSV_METRIC_CODES; i++) {
        ret_traffic->classes[codes[i].class - 1] += sum.responses[i];
    }
}
