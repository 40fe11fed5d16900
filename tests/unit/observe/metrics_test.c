/* Counting from many threads, and the scrape.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "observe/metrics.h"
#include "observe/prometheus.h"

#define THREADS 4
#define ROUNDS 20000

static _Atomic bool scrape_until_false;

static void *count(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        psv_metric_inc(PSV_METRIC_CONNECTIONS_ACCEPTED);
        psv_metric_add(PSV_METRIC_CONNECTIONS_ACTIVE, i % 2 == 0 ? 3 : -3);
        psv_metric_observe_ns(PSV_HISTOGRAM_WORKER_RUN, (uint64_t)(i % 4) * 1000000);
    }
    return NULL;
}

static void *scrape(void *argument)
{
    int64_t *last = argument;
    while (atomic_load(&scrape_until_false)) {
        int64_t now = psv_metric_value(PSV_METRIC_CONNECTIONS_ACCEPTED);
        if (now < *last) {
            *last = INT64_MAX; /* a counter went back */
            return NULL;
        }
        *last = now;
        struct psv_buffer out;
        psv_buffer_init(&out, 1 << 20);
        struct psv_prometheus writer;
        psv_prometheus_init(&writer, &out, PSV_PROMETHEUS_TEXT);
        psv_metrics_format(&writer);
        if (psv_prometheus_end(&writer) != 0) {
            *last = INT64_MAX;
        }
        psv_buffer_fini(&out);
    }
    return NULL;
}

static void nothing_is_lost(void **state)
{
    (void)state;
    int64_t accepted = psv_metric_value(PSV_METRIC_CONNECTIONS_ACCEPTED);
    int64_t active = psv_metric_value(PSV_METRIC_CONNECTIONS_ACTIVE);
    uint64_t runs = psv_metric_observations(PSV_HISTOGRAM_WORKER_RUN);
    pthread_t scraper;
    int64_t last = 0;
    atomic_store(&scrape_until_false, true);
    assert_int_equal(pthread_create(&scraper, NULL, scrape, &last), 0);
    /* Two generations: the second one inherits the cells of the first. */
    for (int generation = 0; generation < 2; generation++) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        }
    }
    atomic_store(&scrape_until_false, false);
    assert_int_equal(pthread_join(scraper, NULL), 0);
    assert_int_not_equal(last, INT64_MAX);
    assert_int_equal(psv_metric_value(PSV_METRIC_CONNECTIONS_ACCEPTED) - accepted, 2 * THREADS * ROUNDS);
    assert_int_equal(psv_metric_value(PSV_METRIC_CONNECTIONS_ACTIVE), active);
    assert_int_equal(psv_metric_observations(PSV_HISTOGRAM_WORKER_RUN) - runs, 2 * THREADS * ROUNDS);
}

static void *count_without_memory(void *argument)
{
    (void)argument;
    psv_memory_fail_after(1);
    psv_metric_add(PSV_METRIC_BYTES_SENT, 100);
    psv_memory_fail_after(1);
    psv_metric_observe_ns(PSV_HISTOGRAM_QUEUE_WAIT, 5);
    psv_memory_fail_after(0);
    return NULL;
}

/* All blocks are taken by threads that live on, so that a new one needs memory. */
static void *hold_block(void *argument)
{
    pthread_barrier_t *barrier = argument;
    psv_metric_inc(PSV_METRIC_BYTES_RECEIVED);
    (void)pthread_barrier_wait(barrier);
    (void)pthread_barrier_wait(barrier);
    return NULL;
}

static void counting_without_memory_loses_nothing(void **state)
{
    (void)state;
    enum { HOLDERS = 16 };
    pthread_barrier_t barrier;
    pthread_t holders[HOLDERS];
    pthread_t thread;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, HOLDERS + 1), 0);
    for (int i = 0; i < HOLDERS; i++) {
        assert_int_equal(pthread_create(&holders[i], NULL, hold_block, &barrier), 0);
    }
    (void)pthread_barrier_wait(&barrier);
    int64_t before = psv_metric_value(PSV_METRIC_BYTES_SENT);
    uint64_t waits = psv_metric_observations(PSV_HISTOGRAM_QUEUE_WAIT);
    assert_int_equal(pthread_create(&thread, NULL, count_without_memory, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(psv_metric_value(PSV_METRIC_BYTES_SENT), before + 100);
    assert_int_equal(psv_metric_observations(PSV_HISTOGRAM_QUEUE_WAIT), waits + 1);
    (void)pthread_barrier_wait(&barrier);
    for (int i = 0; i < HOLDERS; i++) {
        assert_int_equal(pthread_join(holders[i], NULL), 0);
    }
    assert_int_equal(pthread_barrier_destroy(&barrier), 0);
}

static void set_replaces(void **state)
{
    (void)state;
    psv_metric_set(PSV_METRIC_QUEUE_DEPTH, 7);
    psv_metric_set(PSV_METRIC_QUEUE_DEPTH, 3);
    assert_int_equal(psv_metric_value(PSV_METRIC_QUEUE_DEPTH), 3);
}

static void rows_by_index(void **state)
{
    (void)state;
    assert_int_equal(psv_metric_by_refusal(503), PSV_METRIC_REFUSED_503);
    assert_int_equal(psv_metric_by_refusal(418), PSV_METRIC_REFUSED_OTHER);
}

/* Every labelled row of the refusals is reachable by its own number. */
static void refusal_rows_match_their_labels(void **state)
{
    (void)state;
#define X(id, family, label, value)                                                                          \
    if (PSV_METRIC_FAMILY_##family == PSV_METRIC_FAMILY_REFUSED &&                                           \
        PSV_METRIC_##id != PSV_METRIC_REFUSED_OTHER) {                                                       \
        const char *digits = (value);                                                                        \
        unsigned status = (unsigned)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0');    \
        assert_int_equal(psv_metric_by_refusal(status), PSV_METRIC_##id);                                    \
    }
    PSV_METRIC_TABLE(X)
#undef X
}

static char *scrape_text(void)
{
    struct psv_buffer out;
    psv_buffer_init(&out, 1 << 20);
    struct psv_prometheus writer;
    psv_prometheus_init(&writer, &out, PSV_PROMETHEUS_TEXT);
    psv_metrics_format(&writer);
    assert_int_equal(psv_prometheus_end(&writer), 0);
    assert_int_equal(psv_buffer_append_byte(&out, '\0'), 0);
    return out.data;
}

static void the_table_is_in_order(void **state)
{
    (void)state;
#define X(id, family, label, value) PSV_METRIC_FAMILY_##family,
    static const int families[] = {PSV_METRIC_TABLE(X)};
#undef X
    /* Each family once, in order, none forgotten: the scrape writes a family's head where it changes. */
    assert_int_equal(families[0], 0);
    for (size_t i = 1; i < ARRAY_SIZE(families); i++) {
        assert_true(families[i] == families[i - 1] || families[i] == families[i - 1] + 1);
    }
    assert_int_equal(families[ARRAY_SIZE(families) - 1], PSV_METRIC_FAMILY_COUNT - 1);
}

/* Ascending, spelled as OpenMetrics wants them, and meaning what they say. */
static void bounds_and_their_texts(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < PSV_BOUNDS_COUNT; kind++) {
        const uint64_t *values;
        const char *const *texts;
        size_t len = psv_bounds_of((enum psv_bounds)kind, &values, &texts);
        assert_in_range(len, 1, PSV_HISTOGRAM_BOUNDS_MAX);
        for (size_t i = 0; i < len; i++) {
            double value = (double)values[i] / (kind == PSV_BOUNDS_DURATION ? 1e9 : 1);
            char text[PSV_PROMETHEUS_BOUND_BYTES];
            psv_prometheus_format_bound(text, value);
            assert_string_equal(text, texts[i]);
            assert_true(i == 0 || values[i] > values[i - 1]);
        }
    }
}

static void a_histogram_adds_up(void **state)
{
    (void)state;
    /* Bounds are inclusive. */
    psv_metric_observe(PSV_HISTOGRAM_PHP_MEMORY_PEAK, 2500000);
    psv_metric_observe(PSV_HISTOGRAM_PHP_MEMORY_PEAK, 2500001);
    psv_metric_observe(PSV_HISTOGRAM_PHP_MEMORY_PEAK, 2000000000);
    char *text = scrape_text();
    assert_non_null(strstr(text, "\nphpsrv_php_request_memory_peak_bytes_bucket{le=\"2.5e+06\"} 1\n"
                                 "phpsrv_php_request_memory_peak_bytes_bucket{le=\"5e+06\"} 2\n"));
    assert_non_null(strstr(text, "\nphpsrv_php_request_memory_peak_bytes_bucket{le=\"1.1e+09\"} 2\n"
                                 "phpsrv_php_request_memory_peak_bytes_bucket{le=\"+Inf\"} 3\n"
                                 "phpsrv_php_request_memory_peak_bytes_sum 2005000001\n"
                                 "phpsrv_php_request_memory_peak_bytes_count 3\n"));
    psv_free(text);
}

static void nanoseconds_are_shown_as_seconds(void **state)
{
    (void)state;
    psv_metric_add(PSV_METRIC_GC_TIME, 1500000000);
    char *text = scrape_text();
    assert_non_null(strstr(text, "\nphpsrv_php_gc_seconds_total 1.5\n"));
    psv_free(text);
}

static void quantiles(void **state)
{
    (void)state;
    struct psv_histogram_sum sum = {.counts = {0}};
    assert_int_equal(psv_histogram_quantile_ns(&sum, 990), 0);
    sum.counts[3] = 98;                       /* up to 1 ms */
    sum.counts[9] = 1;                        /* up to 100 ms */
    sum.counts[PSV_HISTOGRAM_BOUNDS_MAX] = 1; /* beyond all bounds */
    assert_int_equal(psv_histogram_count(&sum), 100);
    assert_in_range(psv_histogram_quantile_ns(&sum, 500), 500000, 1000000);
    assert_int_equal(psv_histogram_quantile_ns(&sum, 980), 1000000);
    assert_int_equal(psv_histogram_quantile_ns(&sum, 990), 100000000);
    assert_int_equal(psv_histogram_quantile_ns(&sum, 1000), 60 * UINT64_C(1000000000));
}

static void build_info(void **state)
{
    (void)state;
    assert_int_equal(psv_metrics_set_info("version", PSV_BYTES("0.1.0")), 0);
    assert_int_equal(psv_metrics_set_info("php", PSV_BYTES("8.3")), 0);
    assert_int_equal(psv_metrics_set_info("php", PSV_BYTES("8.4\"x")), 0);
    assert_int_equal(psv_metrics_set_info("", PSV_BYTES("x")), PSV_EINVAL);
    char *text = scrape_text();
    assert_non_null(strstr(text, "phpsrv_build_info{version=\"0.1.0\",php=\"8.4\\\"x\"} 1\n"));
    psv_free(text);
    static const char *const labels[] = {"a", "b", "c", "d", "e", "f"};
    for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
        assert_int_equal(psv_metrics_set_info(labels[i], PSV_BYTES_EMPTY), 0);
    }
    assert_int_equal(psv_metrics_set_info("g", PSV_BYTES_EMPTY), PSV_ELIMIT);
    assert_int_equal(psv_metrics_set_info("f", PSV_BYTES("again")), 0);
}

static void facts_about_the_process(void **state)
{
    (void)state;
    char *text = scrape_text();
    static const char *const names[] = {"\nprocess_resident_memory_bytes ",
                                        "\nprocess_cpu_seconds_total ",
                                        "\nprocess_open_fds ",
                                        "\nprocess_start_time_seconds ",
                                        "\nphpsrv_uptime_seconds ",
                                        "\nprocess_threads ",
                                        "\nphpsrv_memory_resident_bytes{kind=\"anonymous\"} "};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        print_message("%s\n", names[i] + 1);
        assert_non_null(strstr(text, names[i]));
    }
    assert_null(strstr(text, "\nprocess_resident_memory_bytes 0\n"));
    psv_free(text);
}

/* The judge of the format, where it is installed. */
static void promtool_accepts_it(void **state)
{
    (void)state;
    if (access("/usr/bin/promtool", X_OK) != 0) {
        print_message("promtool is not installed\n");
        skip();
    }
    char *text = scrape_text();
    FILE *pipe = popen("/usr/bin/promtool check metrics", "w");
    assert_non_null(pipe);
    assert_int_equal(fwrite(text, 1, strlen(text), pipe), strlen(text));
    assert_int_equal(pclose(pipe), 0);
    psv_free(text);
}

static void a_small_buffer_is_reported(void **state)
{
    (void)state;
    for (size_t max = 0; max < 6000; max += 61) {
        struct psv_buffer out;
        psv_buffer_init(&out, max);
        struct psv_prometheus writer;
        psv_prometheus_init(&writer, &out, PSV_PROMETHEUS_OPENMETRICS);
        psv_metrics_format(&writer);
        assert_int_equal(psv_prometheus_end(&writer), PSV_ELIMIT);
        psv_buffer_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_without_memory_loses_nothing),
        cmocka_unit_test(nothing_is_lost),
        cmocka_unit_test(set_replaces),
        cmocka_unit_test(rows_by_index),
        cmocka_unit_test(refusal_rows_match_their_labels),
        cmocka_unit_test(the_table_is_in_order),
        cmocka_unit_test(bounds_and_their_texts),
        cmocka_unit_test(a_histogram_adds_up),
        cmocka_unit_test(nanoseconds_are_shown_as_seconds),
        cmocka_unit_test(quantiles),
        cmocka_unit_test(build_info),
        cmocka_unit_test(facts_about_the_process),
        cmocka_unit_test(promtool_accepts_it),
        cmocka_unit_test(a_small_buffer_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
