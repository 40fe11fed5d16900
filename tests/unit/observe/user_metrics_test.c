/* The application's metrics: names, kinds, bounds, and what they look like.
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

#include "base/error.h"
#include "observe/user_metrics.h"

static void format(struct psv_buffer *out, enum psv_prometheus_format format)
{
    struct psv_prometheus writer;
    psv_buffer_init(out, 1 << 20);
    psv_prometheus_init(&writer, out, format);
    psv_user_metrics_format(&writer);
    assert_int_equal(psv_prometheus_end(&writer), 0);
}

static void assert_formatted(const char *expected)
{
    struct psv_buffer out;
    format(&out, PSV_PROMETHEUS_TEXT);
    assert_int_equal(out.len, strlen(expected));
    if (out.len > 0) {
        assert_memory_equal(out.data, expected, out.len);
    }
    psv_buffer_fini(&out);
}

static int clear(void **state)
{
    (void)state;
    psv_user_metrics_clear();
    return 0;
}

static int record(enum psv_user_metric_kind kind, const char *name, const char *label, double value)
{
    static const double buckets[] = {1, 2.5};
    struct psv_prometheus_label labels[] = {{"l", psv_bytes_of(label)}};
    const struct psv_user_metric metric = {
        .kind = kind,
        .name = psv_bytes_of(name),
        .help = PSV_BYTES("Help."),
        .labels = labels,
        .labels_len = label[0] != '\0',
        .buckets = buckets,
        .buckets_len = kind == PSV_USER_HISTOGRAM ? 2 : 0,
    };
    return psv_user_metric_record(&metric, value);
}

static void names(void **state)
{
    (void)state;
    static const char *const right[] = {"a", "_a", "a:b_9", "Shop_total"};
    static const char *const wrong[] = {"", "9a", "a-b", "a b", "phpsrv_x", "process_x", "a\xc3\xbc"};
    static const char *const right_labels[] = {"a", "_a9"};
    static const char *const wrong_labels[] = {"", "le", "quantile", "__name__", "a:b", "9"};
    for (size_t i = 0; i < ARRAY_SIZE(right); i++)
        assert_true(psv_user_metric_name_is_valid(psv_bytes_of(right[i])));
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_false(psv_user_metric_name_is_valid(psv_bytes_of(wrong[i])));
    for (size_t i = 0; i < ARRAY_SIZE(right_labels); i++)
        assert_true(psv_user_metric_label_is_valid(psv_bytes_of(right_labels[i])));
    for (size_t i = 0; i < ARRAY_SIZE(wrong_labels); i++)
        assert_false(psv_user_metric_label_is_valid(psv_bytes_of(wrong_labels[i])));
}

static void kinds(void **state)
{
    (void)state;
    assert_formatted("");
    assert_int_equal(record(PSV_USER_COUNTER, "c", "", 1), 0);
    assert_int_equal(record(PSV_USER_COUNTER, "c", "x", 2), 0);
    assert_int_equal(record(PSV_USER_COUNTER, "c", "x", 0.5), 0);
    assert_int_equal(record(PSV_USER_GAUGE, "g", "", 7), 0);
    assert_int_equal(record(PSV_USER_GAUGE, "g", "", -1), 0);
    assert_int_equal(record(PSV_USER_HISTOGRAM, "h", "", 1), 0); /* a bound belongs to its bucket */
    assert_int_equal(record(PSV_USER_HISTOGRAM, "h", "", 2), 0);
    assert_int_equal(record(PSV_USER_HISTOGRAM, "h", "", 3), 0);
    assert_formatted("# HELP c Help.\n# TYPE c counter\nc 1\nc{l=\"x\"} 2.5\n"
                     "# HELP g Help.\n# TYPE g gauge\ng -1\n"
                     "# HELP h Help.\n# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"2.5\"} 2\n"
                     "h_bucket{le=\"+Inf\"} 3\nh_sum 6\nh_count 3\n");
    assert_int_equal(record(PSV_USER_GAUGE, "c", "", 1), PSV_EINVAL);
    assert_int_equal(record(PSV_USER_COUNTER, "h", "", 1), PSV_EINVAL);
}

/* OpenMetrics names counters without "_total". */
static void names_that_would_clash(void **state)
{
    (void)state;
    struct psv_buffer out;
    assert_int_equal(record(PSV_USER_COUNTER, "jobs_total", "", 1), 0);
    assert_int_equal(record(PSV_USER_GAUGE, "jobs", "", 1), 0);
    assert_int_equal(record(PSV_USER_COUNTER, "mails_total", "", 1), 0);
    format(&out, PSV_PROMETHEUS_OPENMETRICS);
    assert_int_equal(psv_buffer_append_byte(&out, '\0'), 0);
    assert_string_equal(out.data, "# HELP jobs_total Help.\n# TYPE jobs_total unknown\njobs_total 1\n"
                                  "# HELP jobs Help.\n# TYPE jobs gauge\njobs 1\n"
                                  "# HELP mails Help.\n# TYPE mails counter\nmails_total 1\n# EOF\n");
    psv_buffer_fini(&out);
}

static void bounds(void **state)
{
    (void)state;
    char name[32];
    for (unsigned i = 0; i < PSV_USER_METRIC_SERIES_MAX; i++) {
        snprintf(name, sizeof(name), "l%u", i);
        assert_int_equal(record(PSV_USER_COUNTER, "c", name, 1), 0);
    }
    assert_int_equal(record(PSV_USER_COUNTER, "c", "one more", 1), PSV_ELIMIT);
    assert_int_equal(record(PSV_USER_COUNTER, "c", "l0", 1), 0);
    psv_user_metrics_clear();
    for (unsigned i = 0; i < PSV_USER_METRIC_FAMILIES_MAX; i++) {
        snprintf(name, sizeof(name), "c%u", i);
        assert_int_equal(record(PSV_USER_COUNTER, name, "", 1), 0);
    }
    assert_int_equal(record(PSV_USER_COUNTER, "one_more", "", 1), PSV_ELIMIT);
}

static void *count(void *argument)
{
    for (unsigned i = 0; i < 10000; i++)
        (void)!record(PSV_USER_COUNTER, "c", i % 2 != 0 ? "odd" : "even", 1);
    return argument;
}

static void threads(void **state)
{
    (void)state;
    pthread_t all[4];
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        assert_int_equal(pthread_create(&all[i], NULL, count, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        assert_int_equal(pthread_join(all[i], NULL), 0);
    struct psv_buffer out;
    format(&out, PSV_PROMETHEUS_TEXT);
    assert_int_equal(psv_buffer_append_byte(&out, '\0'), 0);
    assert_non_null(strstr(out.data, "c{l=\"odd\"} 20000\n"));
    assert_non_null(strstr(out.data, "c{l=\"even\"} 20000\n"));
    psv_buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test_teardown(kinds, clear),
        cmocka_unit_test_teardown(names_that_would_clash, clear),
        cmocka_unit_test_teardown(bounds, clear),
        cmocka_unit_test_teardown(threads, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
