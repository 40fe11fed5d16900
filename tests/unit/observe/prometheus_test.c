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

static void lines(void **state)
{
    (void)state;
    const struct psv_prometheus_label labels[] = {{"a", PSV_BYTES_INIT("x")},
                                                  {"b", PSV_BYTES_INIT("q\"b\\n\nü")}};
    struct psv_buffer out;
    psv_buffer_init(&out, 65536);
    assert_int_equal(
        psv_prometheus_family(&out, "x_total", "counter", "Back\\slash, \"quotes\"\nand a line."), 0);
    assert_int_equal(psv_prometheus_integer(&out, "x_total", "", labels, 2, -5), 0);
    assert_int_equal(psv_prometheus_integer(&out, "x_total", "", NULL, 0, INT64_MAX), 0);
    assert_int_equal(psv_prometheus_scaled(&out, "y_seconds", "_sum", labels, 1, 1500000000, 9), 0);
    assert_int_equal(psv_prometheus_number(&out, "z", "", NULL, 0, 0.25), 0);
    assert_int_equal(psv_prometheus_number(&out, "z", "", NULL, 0, NAN), 0);
    static const char expected[] = "# HELP x_total Back\\\\slash, \"quotes\"\\nand a line.\n"
                                   "# TYPE x_total counter\n"
                                   "x_total{a=\"x\",b=\"q\\\"b\\\\n\\nü\"} -5\n"
                                   "x_total 9223372036854775807\n"
                                   "y_seconds_sum{a=\"x\"} 1.5\n"
                                   "z 0.25\n"
                                   "z NaN\n";
    assert_int_equal(out.len, sizeof(expected) - 1);
    assert_memory_equal(out.data, expected, out.len);
    psv_buffer_fini(&out);
}

static void a_full_buffer_is_reported(void **state)
{
    (void)state;
    const struct psv_prometheus_label label = {"name", PSV_BYTES_INIT("\"\n")};
    for (size_t max = 0; max < 40; max++) {
        struct psv_buffer out;
        psv_buffer_init(&out, max);
        int result = psv_prometheus_integer(&out, "metric_total", "", &label, 1, 12345);
        assert_int_equal(result, max < sizeof("metric_total{name=\"\\\"\\n\"} 12345\n") - 1 ? PSV_ELIMIT : 0);
        psv_buffer_clear(&out);
        result = psv_prometheus_family(&out, "metric", "gauge", "H\n");
        assert_int_equal(result,
                         max < sizeof("# HELP metric H\\n\n# TYPE metric gauge\n") - 1 ? PSV_ELIMIT : 0);
        psv_buffer_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(a_full_buffer_is_reported)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
