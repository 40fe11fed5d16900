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

/* Written by one thread with relaxed load and store, read by scrapes.  Only `shared` is written by several
 * threads. */
struct cells {
    struct cells *next; /* set before the block is published, then constant: blocks are never unlinked */
    bool is_in_use;     /* under registry_lock */
    _Alignas(CACHE_LINE_BYTES) _Atomic int64_t values[PSV_METRIC_COUNT];
    struct {
        _Atomic uint64_t counts[PSV_HISTOGRAM_BOUNDS_LEN + 1];
        _Atomic uint64_t sum_ns;
    } histograms[PSV_HISTOGRAM_COUNT];
};

#define B(ns, text) ns,
static const uint64_t bounds_ns[PSV_HISTOGRAM_BOUNDS_LEN] = {PSV_HISTOGRAM_BUCKET_TABLE(B)};
#undef B

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;
static struct cells *_Atomic blocks;
/* For threads that get no block of their own (no memory): slower, but nothing is lost. */
static struct cells shared;
/* What psv_metric_set wrote; a gauge is either set or added to. */
static _Atomic int64_t set_values[PSV_METRIC_COUNT];

static _Thread_local struct cells *own;

/* End of a thread: its counts stay, and the next thread goes on counting in the same block. */
static void give_up_block(void *block)
{
    struct cells *cells = block;
    own = NULL;
    pthread_mutex_lock(&registry_lock);
    cells->is_in_use = false;
    pthread_mutex_unlock(&registry_lock);
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, give_up_block) == 0;
}

static struct cells *take_block(void)
{
    struct cells *first = atomic_load_explicit(&blocks, memory_order_relaxed);
    for (struct cells *cells = first; cells != NULL; cells = cells->next) {
        if (!cells->is_in_use) {
            return cells;
        }
    }
    struct cells *cells = psv_calloc_aligned(CACHE_LINE_BYTES, sizeof(*cells));
    if (cells != NULL) {
        cells->next = first;
        /* release pairs with the scrape's acquire: it sees a zeroed, linked block */
        atomic_store_explicit(&blocks, cells, memory_order_release);
    }
    return cells;
}

/* The calling thread's block, or `shared`. */
static struct cells *register_thread(void)
{
    pthread_once(&key_once, make_key);
    if (!has_key) {
        return &shared;
    }
    pthread_mutex_lock(&registry_lock);
    struct cells *cells = take_block();
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

static struct cells *cells_of_thread(void)
{
    return LIKELY(own != NULL) ? own : register_thread();
}

static void add_signed(struct cells *cells, _Atomic int64_t *cell, int64_t delta)
{
    if (UNLIKELY(cells == &shared)) {
        (void)atomic_fetch_add_explicit(cell, delta, memory_order_relaxed);
        return;
    }
    /* relaxed: nobody else writes it, and nothing is published through it */
    int64_t before = atomic_load_explicit(cell, memory_order_relaxed);
    atomic_store_explicit(cell, (int64_t)((uint64_t)before + (uint64_t)delta), memory_order_relaxed);
}

static void add_unsigned(struct cells *cells, _Atomic uint64_t *cell, uint64_t delta)
{
    if (UNLIKELY(cells == &shared)) {
        (void)atomic_fetch_add_explicit(cell, delta, memory_order_relaxed);
        return;
    }
    uint64_t before = atomic_load_explicit(cell, memory_order_relaxed); /* relaxed: as above */
    atomic_store_explicit(cell, before + delta, memory_order_relaxed);
}

void psv_metric_add(enum psv_metric_id id, int64_t delta)
{
    INVARIANT((unsigned)id < PSV_METRIC_COUNT);
    struct cells *cells = cells_of_thread();
    add_signed(cells, &cells->values[id], delta);
}

void psv_metric_set(enum psv_metric_id id, int64_t value)
{
    INVARIANT((unsigned)id < PSV_METRIC_COUNT);
    atomic_store_explicit(&set_values[id], value, memory_order_relaxed);
}

void psv_metric_observe_ns(enum psv_histogram_id id, uint64_t duration_ns)
{
    INVARIANT((unsigned)id < PSV_HISTOGRAM_COUNT);
    struct cells *cells = cells_of_thread();
    size_t bucket = 0;
    while (bucket < PSV_HISTOGRAM_BOUNDS_LEN && duration_ns > bounds_ns[bucket]) {
        bucket++;
    }
    add_unsigned(cells, &cells->histograms[id].counts[bucket], 1);
    add_unsigned(cells, &cells->histograms[id].sum_ns, duration_ns);
}

enum psv_metric_id psv_metric_by_refusal(unsigned status)
{
    static const struct {
        unsigned status;
        enum psv_metric_id id;
    } rows[] = {
        {400, PSV_METRIC_REFUSED_400}, {403, PSV_METRIC_REFUSED_403}, {404, PSV_METRIC_REFUSED_404},
        {405, PSV_METRIC_REFUSED_405}, {408, PSV_METRIC_REFUSED_408}, {413, PSV_METRIC_REFUSED_413},
        {414, PSV_METRIC_REFUSED_414}, {417, PSV_METRIC_REFUSED_417}, {421, PSV_METRIC_REFUSED_421},
        {429, PSV_METRIC_REFUSED_429}, {431, PSV_METRIC_REFUSED_431}, {500, PSV_METRIC_REFUSED_500},
        {501, PSV_METRIC_REFUSED_501}, {503, PSV_METRIC_REFUSED_503}, {504, PSV_METRIC_REFUSED_504},
        {505, PSV_METRIC_REFUSED_505},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].status == status) {
            return rows[i].id;
        }
    }
    return PSV_METRIC_REFUSED_OTHER;
}

/* ---- scrape */

static void add_cells(struct psv_metrics_sum *sum, const struct cells *cells)
{
    for (size_t i = 0; i < PSV_METRIC_COUNT; i++) {
        sum->values[i] += atomic_load_explicit(&cells->values[i], memory_order_relaxed);
    }
    for (size_t i = 0; i < PSV_HISTOGRAM_COUNT; i++) {
        for (size_t j = 0; j <= PSV_HISTOGRAM_BOUNDS_LEN; j++) {
            sum->histograms[i].counts[j] +=
                atomic_load_explicit(&cells->histograms[i].counts[j], memory_order_relaxed);
        }
        sum->histograms[i].sum_ns += atomic_load_explicit(&cells->histograms[i].sum_ns, memory_order_relaxed);
    }
}

void psv_metrics_sum(struct psv_metrics_sum *ret_sum)
{
    memset(ret_sum, 0, sizeof(*ret_sum));
    for (size_t i = 0; i < PSV_METRIC_COUNT; i++) {
        ret_sum->values[i] = atomic_load_explicit(&set_values[i], memory_order_relaxed);
    }
    add_cells(ret_sum, &shared);
    /* acquire pairs with the release in take_block */
    for (struct cells *cells = atomic_load_explicit(&blocks, memory_order_acquire); cells != NULL;
         cells = cells->next) {
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

static uint64_t count_observations(const struct psv_metrics_sum *sum, enum psv_histogram_id id)
{
    INVARIANT((unsigned)id < PSV_HISTOGRAM_COUNT);
    uint64_t count = 0;
    for (size_t i = 0; i <= PSV_HISTOGRAM_BOUNDS_LEN; i++) {
        count += sum->histograms[id].counts[i];
    }
    return count;
}

uint64_t psv_metric_observations(enum psv_histogram_id id)
{
    struct psv_metrics_sum sum;
    psv_metrics_sum(&sum);
    return count_observations(&sum, id);
}

uint64_t psv_metric_quantile_ns(enum psv_histogram_id id, unsigned per_thousand)
{
    struct psv_metrics_sum sum;
    uint64_t below = 0;
    uint64_t lower_ns = 0;

    psv_metrics_sum(&sum);
    const uint64_t *counts = sum.histograms[id].counts;
    uint64_t wanted = (count_observations(&sum, id) * per_thousand + 999) / 1000;
    for (size_t i = 0; i < PSV_HISTOGRAM_BOUNDS_LEN && wanted > 0; i++) {
        if (below + counts[i] >= wanted) {
            return lower_ns + (bounds_ns[i] - lower_ns) * (wanted - below) / counts[i];
        }
        below += counts[i];
        lower_ns = bounds_ns[i];
    }
    return lower_ns;
}
