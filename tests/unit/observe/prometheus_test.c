/* The Prometheus text format.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/error.h"
#include "observe/prometheus.h"

static struct psv_buffer buffer;

static struct psv_prometheus begin(enum psv_prometheus_format format, size_t max)
{
    struct psv_prometheus writer;
    psv_buffer_init(&buffer, max);
    psv_prometheus_init(&writer, &buffer, format);
    return writer;
}

static void assert_written(struct psv_prometheus *writer, const char *expected)
{
    assert_int_equal(psv_prometheus_end(writer), 0);
    assert_int_equal(psv_buffer_append_byte(&buffer, '\0'), 0);
    assert_string_equal(buffer.data, expected);
    psv_buffer_fini(&buffer);
}

static void lines(void **state)
{
    (void)state;
    const struct psv_prometheus_label labels[] = {{"a", PSV_BYTES_INIT("x")},
                                                  {"b", PSV_BYTES_INIT("q\"b\\n\nü\xff\xc3")}};
    struct psv_prometheus out = begin(PSV_PROMETHEUS_TEXT, 65536);
    psv_prometheus_family(&out, "x_total", "counter", "Back\\slash, \"quotes\"\nand a line.");
    psv_prometheus_integer(&out, "x_total", "", labels, 2, -5);
    psv_prometheus_integer(&out, "x_total", "", NULL, 0, INT64_MAX);
    psv_prometheus_scaled(&out, "y_seconds", "_sum", labels, 1, 1500000000, 9);
    psv_prometheus_number(&out, "z", "", NULL, 0, 0.25);
    psv_prometheus_number(&out, "z", "", NULL, 0, NAN);
    assert_written(&out, "# HELP x_total Back\\\\slash, \"quotes\"\\nand a line.\n"
                         "# TYPE x_total counter\n"
                         "x_total{a=\"x\",b=\"q\\\"b\\\\n\\nü\xef\xbf\xbd\xef\xbf\xbd\"} -5\n"
                         "x_total 9223372036854775807\n"
                         "y_seconds_sum{a=\"x\"} 1.5\n"
                         "z 0.25\n"
                         "z NaN\n");
}

static void open_metrics(void **state)
{
    (void)state;
    const struct psv_prometheus_label le = {"le", PSV_BYTES_INIT("0.5")};
    const struct psv_prometheus_exemplar exemplar = {PSV_BYTES_INIT("abc"), 250000000, 1700000000000001};
    struct psv_prometheus out = begin(PSV_PROMETHEUS_OPENMETRICS, 65536);
    psv_prometheus_family(&out, "x_seconds_total", "counter", "Says \"x\".");
    psv_prometheus_integer(&out, "x_seconds_total", "", NULL, 0, 1);
    psv_prometheus_family(&out, "odd", "counter", "No total.");
    psv_prometheus_integer(&out, "odd", "", NULL, 0, 2);
    psv_prometheus_unknown(&out, "taken_total", "counter", "H");
    psv_prometheus_family(&out, "y_bytes", "histogram", "H");
    psv_prometheus_bucket(&out, "y_bytes", &le, 1, 3, &exemplar);
    psv_prometheus_bucket(&out, "y_bytes", &le, 1, 3, NULL);
    assert_written(&out,
                   "# HELP x_seconds Says \\\"x\\\".\n# TYPE x_seconds counter\n# UNIT x_seconds seconds\n"
                   "x_seconds_total 1\n"
                   "# HELP odd No total.\n# TYPE odd unknown\nodd 2\n"
                   "# HELP taken_total H\n# TYPE taken_total unknown\n"
                   "# HELP y_bytes H\n# TYPE y_bytes histogram\n# UNIT y_bytes bytes\n"
                   "y_bytes_bucket{le=\"0.5\"} 3 # {trace_id=\"abc\"} 0.25 1700000000.000001\n"
                   "y_bytes_bucket{le=\"0.5\"} 3\n"
                   "# EOF\n");
}

static void reference(void **state)
{
    (void)state;
    const struct psv_prometheus_label one[] = {{"a", PSV_BYTES_INIT("x")}, {"le", PSV_BYTES_INIT("1.0")}};
    const struct psv_prometheus_label other = {"a", PSV_BYTES_INIT("y")};
    const struct psv_prometheus_label two[] = {{"b", PSV_BYTES_INIT("x")}, {"c", PSV_BYTES_INIT("y")}};
    struct psv_prometheus out = begin(PSV_PROMETHEUS_REFERENCE, 65536);
    psv_prometheus_family(&out, "m", "counter", "Help.");
    psv_prometheus_integer(&out, "m", "", one, 1, 1);
    psv_prometheus_integer(&out, "m", "", &other, 1, 1);
    psv_prometheus_family(&out, "n", "gauge", "None.");
    psv_prometheus_integer(&out, "n", "", NULL, 0, 1);
    psv_prometheus_family(&out, "o", "gauge", "Two.");
    psv_prometheus_integer(&out, "o", "", two, 2, 1);
    psv_prometheus_integer(&out, "o", "", two, 2, 1);
    psv_prometheus_family(&out, "p", "histogram", "Buckets.");
    psv_prometheus_bucket(&out, "p", &one[1], 1, 1, NULL);
    assert_written(&out, "| `m` | counter | `a`: x, y | Help. |\n| `n` | gauge |  | None. |\n"
                         "| `o` | gauge | `b`, `c` | Two. |\n| `p` | histogram |  | Buckets. |\n");
}

static void bounds(void **state)
{
    (void)state;
    static const struct {
        double bound;
        const char *text;
    } cases[] = {
        {0.0001, "0.0001"}, {0.00025, "0.00025"},
        {0.00001, "1e-05"}, {0.1, "0.1"},
        {1, "1.0"},         {2.5, "2.5"},
        {10, "10.0"},       {100000, "100000.0"},
        {1e6, "1e+06"},     {1048576, "1.048576e+06"},
        {-2.5, "-2.5"},     {-10, "-10.0"},
        {0, "0.0"},         {1e10, "1e+10"},
        {INFINITY, "+Inf"}, {123.456, "123.456"},
        {0.3, "0.3"},       {1.0 / 3, "0.3333333333333333"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[PSV_PROMETHEUS_BOUND_BYTES];
        psv_prometheus_format_bound(text, cases[i].bound);
        assert_string_equal(text, cases[i].text);
    }
}

static void a_full_buffer_is_reported(void **state)
{
    (void)state;
    const struct psv_prometheus_label label = {"name", PSV_BYTES_INIT("\"\n")};
    static const char line[] = "metric_total{name=\"\\\"\\n\"} 12345\n";
    for (size_t max = 0; max < 40; max++) {
        struct psv_prometheus out = begin(PSV_PROMETHEUS_TEXT, max);
        psv_prometheus_integer(&out, "metric_total", "", &label, 1, 12345);
        assert_int_equal(psv_prometheus_end(&out), max < sizeof(line) - 1 ? PSV_ELIMIT : 0);
        psv_buffer_fini(&buffer);
        out = begin(PSV_PROMETHEUS_OPENMETRICS, max);
        psv_prometheus_family(&out, "m", "gauge", "H\n");
        assert_int_equal(psv_prometheus_end(&out),
                         max < sizeof("# HELP m H\\n\n# TYPE m gauge\n# EOF\n") - 1 ? PSV_ELIMIT : 0);
        psv_buffer_fini(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(open_metrics),
                                       cmocka_unit_test(reference), cmocka_unit_test(bounds),
                                       cmocka_unit_test(a_full_buffer_is_reported)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
