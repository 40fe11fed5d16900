/* Rate, errors and duration: one site, and several.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "observe/metrics.h"
#include "observe/prometheus.h"

#define TRACE "0123456789abcdef0123456789abcdef"

static char *scrape_text(enum psv_prometheus_format format)
{
    struct psv_prometheus writer;
    struct psv_buffer out;
    psv_buffer_init(&out, 4 << 20);
    psv_prometheus_init(&writer, &out, format);
    psv_metrics_format(&writer);
    assert_int_equal(psv_prometheus_end(&writer), 0);
    assert_int_equal(psv_buffer_append_byte(&out, '\0'), 0);
    return out.data;
}

static void assert_scrape_has(enum psv_prometheus_format format, const char *text)
{
    char *all = scrape_text(format);
    if (strstr(all, text) == NULL) {
        print_message("not there: %s\n", text);
    }
    assert_non_null(strstr(all, text));
    psv_free(all);
}

static void serve(size_t site, unsigned method, unsigned status, uint64_t duration_ns, const char *trace_id)
{
    const struct psv_metric_request request = {.has_begun = true,
                                               .has_method = true,
                                               .method = method,
                                               .status = status,
                                               .duration_ns = duration_ns,
                                               .received_bytes = 100,
                                               .sent_bytes = 101,
                                               .trace_id = psv_bytes_of(trace_id),
                                               .unix_us = 1700000000500000};
    psv_metric_request_begin_site(site);
    psv_metric_request_end_site(site, &request);
}

static void one_site_has_no_label(void **state)
{
    (void)state;
    serve(0, 0, 200, 100000, "");
    serve(0, 2, 404, 100001, "");
    serve(0, 99, 299, 61 * UINT64_C(1000000000), "");
    serve(7, 10, 999, 1, ""); /* there is no such site, and no such status */
    psv_metric_request_begin_site(0);
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_requests_total{method=\"GET\"} 1\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_requests_total{method=\"POST\"} 1\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_requests_total{method=\"OTHER\"} 2\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_responses_total{class=\"2xx\",code=\"200\"} 1\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_responses_total{class=\"2xx\",code=\"other\"} 1\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_responses_total{class=\"4xx\",code=\"404\"} 1\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_responses_total{class=\"5xx\",code=\"other\"} 1\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_requests_in_flight 1\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_request_duration_seconds_bucket{le=\"0.0001\"} 2\n"
                                           "phpsrv_request_duration_seconds_bucket{le=\"0.00025\"} 3\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_request_duration_seconds_bucket{le=\"60.0\"} 3\n"
                                           "phpsrv_request_duration_seconds_bucket{le=\"+Inf\"} 4\n"
                                           "phpsrv_request_duration_seconds_sum 61.000200002\n"
                                           "phpsrv_request_duration_seconds_count 4\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_request_size_bytes_bucket{le=\"100.0\"} 4\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_response_size_bytes_bucket{le=\"100.0\"} 0\n");
    struct psv_metric_traffic traffic;
    psv_metrics_read_traffic(&traffic);
    assert_int_equal(traffic.in_flight, 1);
    assert_int_equal(traffic.classes[1], 2);
    assert_int_equal(traffic.classes[4], 1);
    assert_int_equal(psv_histogram_count(&traffic.duration), 4);
}

static void a_status_is_counted_by_all_its_digits(void **state)
{
    (void)state;
    serve(0, 0, 500, 1, "");
    serve(0, 0, 503, 1, "");
    for (unsigned status = 0; status < 1000; status += 100) {
        serve(0, 0, status + 3, 1, "");
    }
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_responses_total{class=\"1xx\",code=\"other\"} 1\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_responses_total{class=\"3xx\",code=\"303\"} 1\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_responses_total{class=\"4xx\",code=\"403\"} 1\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_responses_total{class=\"5xx\",code=\"500\"} 1\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_responses_total{class=\"5xx\",code=\"503\"} 2\n");
    /* below 100, and from 600 on: 3, 603, 703, 803, 903; and the one of the test before */
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_responses_total{class=\"5xx\",code=\"other\"} 6\n");
}

/* What was refused before its head was read never began. */
static void refused_by_a_codec(void **state)
{
    (void)state;
    struct psv_metric_traffic before;
    struct psv_metric_traffic after;
    const struct psv_metric_request request = {.status = 400};
    psv_metrics_read_traffic(&before);
    psv_metric_request_end_site(0, &request);
    psv_metrics_read_traffic(&after);
    assert_int_equal(after.in_flight, before.in_flight);
    assert_int_equal(after.classes[3], before.classes[3] + 1);
}

static void exemplars(void **state)
{
    (void)state;
    static const char line[] = "\nphpsrv_request_duration_seconds_bucket{le=\"0.025\"} ";
    serve(0, 0, 200, 20500000, TRACE);
    char *text = scrape_text(PSV_PROMETHEUS_OPENMETRICS);
    const char *found = strstr(text, line);
    assert_non_null(found);
    char expected[] = " # {trace_id=\"" TRACE "\"} 0.0205 1700000000.5\n";
    assert_memory_equal(strchr(found + sizeof(line), ' '), expected, sizeof(expected) - 1);
    psv_free(text);
    text = scrape_text(PSV_PROMETHEUS_TEXT);
    assert_null(strstr(text, "trace_id"));
    psv_free(text);
}

static void *serve_in_a_thread(void *argument)
{
    for (unsigned i = 0; i < 1000; i++) {
        serve(i % 4, 0, 200, 1, ""); /* site 3 is none */
    }
    return argument;
}

static void several_sites(void **state)
{
    (void)state;
    static const struct psv_bytes names[] = {PSV_BYTES_INIT("main"), PSV_BYTES_INIT("blog\"x"),
                                             PSV_BYTES_INIT("shop")};
    pthread_t threads[3];
    struct psv_metric_traffic before;
    struct psv_metric_traffic after;
    psv_metrics_read_traffic(&before);
    assert_int_equal(psv_metrics_set_sites(names, PSV_METRICS_SITES_MAX + 1), PSV_ELIMIT);
    for (unsigned number = 1; number <= 5; number++) {
        psv_memory_fail_after(number);
        assert_int_equal(psv_metrics_set_sites(names, 3), PSV_ENOMEM);
        psv_memory_fail_after(0);
    }
    assert_int_equal(psv_metrics_set_sites(names, 3), 0);
    /* this thread's block was made for one site: the shared one counts the others */
    serve(1, 0, 200, 1, TRACE);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, serve_in_a_thread, NULL), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_scrape_has(PSV_PROMETHEUS_TEXT,
                      "\nphpsrv_requests_total{site=\"blog\\\"x\",method=\"GET\"} 751\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_requests_total{site=\"shop\",method=\"GET\"} 750\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT,
                      "\nphpsrv_responses_total{site=\"shop\",class=\"2xx\",code=\"200\"} 750\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT, "\nphpsrv_requests_in_flight{site=\"shop\"} 0\n");
    assert_scrape_has(PSV_PROMETHEUS_TEXT,
                      "\nphpsrv_request_duration_seconds_bucket{site=\"shop\",le=\"0.0001\"} 750\n");
    assert_scrape_has(PSV_PROMETHEUS_OPENMETRICS,
                      "{site=\"blog\\\"x\",le=\"0.0001\"} 751 # {trace_id=\"" TRACE "\"} 0.000000001 ");
    char *text = scrape_text(PSV_PROMETHEUS_TEXT);
    assert_null(strstr(text, "\nphpsrv_requests_total{method"));
    psv_free(text);
    psv_metrics_read_traffic(&after);
    assert_int_equal(psv_histogram_count(&after.duration) - psv_histogram_count(&before.duration), 3001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_site_has_no_label), cmocka_unit_test(a_status_is_counted_by_all_its_digits),
        cmocka_unit_test(refused_by_a_codec),    cmocka_unit_test(exemplars),
        cmocka_unit_test(several_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
