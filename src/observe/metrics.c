/* Counting: per-thread cells, registered by a thread's first count and inherited by a later thread when it
 * ends.  Any thread; no lock but for that first count.  Knows no text format.
 *
 * SPDX-License-Identifier: MIT */
#include "metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/assert.h"
#include "base/memory.h"
#include "metrics_cells.h"

/* The bounds of each kind and how they are spelled. */
#define B(value, text) value,
static const uint64_t duration_values[] = {PSV_DURATION_BUCKET_TABLE(B)};
static const uint64_t size_values[] = {PSV_SIZE_BUCKET_TABLE(B)};
static const uint64_t memory_values[] = {PSV_MEMORY_BUCKET_TABLE(B)};
#undef B
#define B(value, text) text,
static const char *const duration_texts[] = {PSV_DURATION_BUCKET_TABLE(B)};
static const char *const size_texts[] = {PSV_SIZE_BUCKET_TABLE(B)};
static const char *const memory_texts[] = {PSV_MEMORY_BUCKET_TABLE(B)};
#undef B

static const struct {
    const uint64_t *values;
    const char *const *texts;
    size_t len;
} bounds_table[PSV_BOUNDS_COUNT] = {
    [PSV_BOUNDS_DURATION] = {duration_values, duration_texts, ARRAY_SIZE(duration_values)},
    [PSV_BOUNDS_SIZE] = {size_values, size_texts, ARRAY_SIZE(size_values)},
    [PSV_BOUNDS_MEMORY] = {memory_values, memory_texts, ARRAY_SIZE(memory_values)},
};
_Static_assert(ARRAY_SIZE(duration_values) <= PSV_HISTOGRAM_BOUNDS_MAX &&
                   ARRAY_SIZE(size_values) <= PSV_HISTOGRAM_BOUNDS_MAX &&
                   ARRAY_SIZE(memory_values) <= PSV_HISTOGRAM_BOUNDS_MAX,
               "there are cells for all buckets");

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;
static struct psv_metric_cells *_Atomic blocks;
/* For threads that get no block of their own (no memory): slower, but nothing is lost. */
static struct psv_site_cells only_site; /* until sites are named */
static struct psv_metric_cells shared = {.is_shared = true, .sites = &only_site, .sites_len = 1};
/* What psv_metric_set wrote; a gauge is either set or added to. */
static _Atomic int64_t set_values[PSV_METRIC_COUNT];

static _Thread_local struct psv_metric_cells *own;

/* End of a thread: its counts stay, and the next thread goes on counting in the same block. */
static void give_up_block(void *block)
{
    struct psv_metric_cells *cells = block;
    own = NULL;
    pthread_mutex_lock(&registry_lock);
    cells->is_in_use = false;
    pthread_mutex_unlock(&registry_lock);
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, give_up_block) == 0;
}

static struct psv_metric_cells *take_block(void)
{
    struct psv_metric_cells *first = atomic_load_explicit(&blocks, memory_order_relaxed);
    for (struct psv_metric_cells *cells = first; cells != NULL; cells = cells->next) {
        if (!cells->is_in_use) {
            return cells;
        }
    }
    struct psv_metric_cells *cells = psv_calloc_aligned(CACHE_LINE_BYTES, sizeof(*cells));
    if (cells != NULL) {
        cells->next = first;
        /* release pairs with the scrape's acquire: it sees a zeroed, linked block */
        atomic_store_explicit(&blocks, cells, memory_order_release);
    }
    return cells;
}

/* The calling thread's block, or `shared`. */
static struct psv_metric_cells *register_thread(void)
{
    pthread_once(&key_once, make_key);
    if (!has_key) {
        return &shared;
    }
    pthread_mutex_lock(&registry_lock);
    struct psv_metric_cells *cells = take_block();
    if (cells != NULL) {
        cells->is_in_use = true;
    }
    pthread_mutex_unlock(&registry_lock);
    if (cells == NULL) {
        return &shared;
    }
    if (pthread_setspecific(key, cells) != 0) {
        give_up_block(cells);
        return &shared;
    }
    own = cells;
    return cells;
}

struct psv_metric_cells *psv_metric_cells_own(void)
{
    return LIKELY(own != NULL) ? own : register_thread();
}

struct psv_metric_cells *psv_metric_cells_shared(void)
{
    return &shared;
}

struct psv_metric_cells *psv_metric_cells_first(void)
{
    /* acquire pairs with the release in take_block */
    return atomic_load_explicit(&blocks, memory_order_acquire);
}

void psv_metric_add(enum psv_metric_id id, int64_t delta)
{
    INVARIANT((unsigned)id < PSV_METRIC_COUNT);
    struct psv_metric_cells *cells = psv_metric_cells_own();
    psv_metric_cell_add(cells->is_shared, &cells->values[id], delta);
}

void psv_metric_set(enum psv_metric_id id, int64_t value)
{
    INVARIANT((unsigned)id < PSV_METRIC_COUNT);
    atomic_store_explicit(&set_values[id], value, memory_order_relaxed);
}

static void add_unsigned(bool is_shared, _Atomic uint64_t *cell, uint64_t delta)
{
    if (UNLIKELY(is_shared)) {
        (void)atomic_fetch_add_explicit(cell, delta, memory_order_relaxed);
        return;
    }
    uint64_t before =
        atomic_load_explicit(cell, memory_order_relaxed); /* relaxed: as in psv_metric_cell_add */
    atomic_store_explicit(cell, before + delta, memory_order_relaxed);
}

void psv_histogram_cells_observe(bool is_shared, struct psv_histogram_cells *cells, enum psv_bounds bounds,
                                 uint64_t value)
{
    const uint64_t *values = bounds_table[bounds].values;
    size_t bucket = 0;

    while (bucket < bounds_table[bounds].len && value > values[bucket]) {
        bucket++;
    }
    add_unsigned(is_shared, &cells->counts[bucket], 1);
    add_unsigned(is_shared, &cells->sum, value);
}

enum psv_bounds psv_histogram_bounds(enum psv_histogram_id id)
{
    static const uint8_t bounds[PSV_HISTOGRAM_COUNT] = {
#define H(id, name, help) [PSV_HISTOGRAM_##id] = PSV_BOUNDS_DURATION,
        PSV_HISTOGRAM_TABLE(H)
#undef H
#define H(id, name, help) [PSV_HISTOGRAM_##id] = PSV_BOUNDS_MEMORY,
            PSV_MEMORY_HISTOGRAM_TABLE(H)
#undef H
    };

    return (enum psv_bounds)bounds[id];
}

void psv_metric_observe(enum psv_histogram_id id, uint64_t value)
{
    INVARIANT((unsigned)id < PSV_HISTOGRAM_COUNT);
    struct psv_metric_cells *cells = psv_metric_cells_own();
    psv_histogram_cells_observe(cells->is_shared, &cells->histograms[id], psv_histogram_bounds(id), value);
}

size_t psv_bounds_of(enum psv_bounds bounds, const uint64_t **ret_values, const char *const **ret_texts)
{
    *ret_values = bounds_table[bounds].values;
    *ret_texts = bounds_table[bounds].texts;
    return bounds_table[bounds].len;
}

enum psv_metric_id psv_metric_by_refusal(unsigned status)
{
    static const struct {
        unsigned status;
        enum psv_metric_id id;
    } rows[] = {
        {400, PSV_METRIC_REFUSED_400}, {401, PSV_METRIC_REFUSED_401}, {403, PSV_METRIC_REFUSED_403},
        {404, PSV_METRIC_REFUSED_404}, {405, PSV_METRIC_REFUSED_405}, {408, PSV_METRIC_REFUSED_408},
        {413, PSV_METRIC_REFUSED_413}, {414, PSV_METRIC_REFUSED_414}, {417, PSV_METRIC_REFUSED_417},
        {421, PSV_METRIC_REFUSED_421}, {429, PSV_METRIC_REFUSED_429}, {431, PSV_METRIC_REFUSED_431},
        {500, PSV_METRIC_REFUSED_500}, {501, PSV_METRIC_REFUSED_501}, {503, PSV_METRIC_REFUSED_503},
        {504, PSV_METRIC_REFUSED_504}, {505, PSV_METRIC_REFUSED_505},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].status == status) {
            return rows[i].id;
        }
    }
    return PSV_METRIC_REFUSED_OTHER;
}

/* ---- scrape */

void psv_histogram_cells_sum(struct psv_histogram_sum *sum, const struct psv_histogram_cells *cells)
{
    for (size_t i = 0; i <= PSV_HISTOGRAM_BOUNDS_MAX; i++) {
        sum->counts[i] += atomic_load_explicit(&cells->counts[i], memory_order_relaxed);
    }
    sum->sum += atomic_load_explicit(&cells->sum, memory_order_relaxed);
}

static void add_cells(struct psv_metrics_sum *sum, const struct psv_metric_cells *cells)
{
    for (size_t i = 0; i < PSV_METRIC_COUNT; i++) {
        sum->values[i] += atomic_load_explicit(&cells->values[i], memory_order_relaxed);
    }
    for (size_t i = 0; i < PSV_HISTOGRAM_COUNT; i++) {
        psv_histogram_cells_sum(&sum->histograms[i], &cells->histograms[i]);
    }
}

void psv_metrics_sum(struct psv_metrics_sum *ret_sum)
{
    memset(ret_sum, 0, sizeof(*ret_sum));
    for (size_t i = 0; i < PSV_METRIC_COUNT; i++) {
        ret_sum->values[i] = atomic_load_explicit(&set_values[i], memory_order_relaxed);
    }
    add_cells(ret_sum, &shared);
    for (struct psv_metric_cells *cells = psv_metric_cells_first(); cells != NULL; cells = cells->next) {
        add_cells(ret_sum, cells);
    }
}

int64_t psv_metric_value(enum psv_metric_id id)
{
    INVARIANT((unsigned)id < PSV_METRIC_COUNT);
    struct psv_metrics_sum sum;
    psv_metrics_sum(&sum);
    return sum.values[id];
}

void psv_metrics_read_histogram(enum psv_histogram_id id, struct psv_histogram_sum *ret_sum)
{
    INVARIANT((unsigned)id < PSV_HISTOGRAM_COUNT);
    struct psv_metrics_sum sum;
    psv_metrics_sum(&sum);
    *ret_sum = sum.histograms[id];
}

uint64_t psv_histogram_count(const struct psv_histogram_sum *sum)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= PSV_HISTOGRAM_BOUNDS_MAX; i++) {
        count += sum->counts[i];
    }
    return count;
}

uint64_t psv_metric_observations(enum psv_histogram_id id)
{
    struct psv_histogram_sum sum;

    psv_metrics_read_histogram(id, &sum);
    return psv_histogram_count(&sum);
}

uint64_t psv_histogram_quantile_ns(const struct psv_histogram_sum *sum, unsigned per_thousand)
{
    uint64_t wanted = (psv_histogram_count(sum) * per_thousand + 999) / 1000;
    uint64_t below = 0;
    uint64_t lower_ns = 0;

    for (size_t i = 0; i < ARRAY_SIZE(duration_values) && wanted > 0; i++) {
        if (below + sum->counts[i] >= wanted) {
            return lower_ns + (duration_values[i] - lower_ns) * (wanted - below) / sum->counts[i];
        }
        below += sum->counts[i];
        lower_ns = duration_values[i];
    }
    return lower_ns;
}
