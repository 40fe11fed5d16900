/* The Prometheus text format 0.0.4: escapes and numbers.  Pure, any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "prometheus.h"

#include <inttypes.h>
#include <stdio.h>

#include "decimal.h"

/* HELP escapes backslash and newline, a label value the double quote as well. */
static int append_escaped(struct psv_buffer *out, struct psv_bytes text, bool has_quotes)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        int result;
        if (c == '\n') {
            result = psv_buffer_append(out, "\\n", 2);
        } else if (c == '\\' || (has_quotes && c == '"')) {
            char escaped[] = {'\\', c};
            result = psv_buffer_append(out, escaped, sizeof(escaped));
        } else {
            result = psv_buffer_append_byte(out, c);
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

int psv_prometheus_family(struct psv_buffer *out, const char *name, const char *type, const char *help)
{
    int result = psv_buffer_printf(out, "# HELP %s ", name);
    if (result == 0) {
        result = append_escaped(out, psv_bytes_of(help), false);
    }
    return result != 0 ? result : psv_buffer_printf(out, "\n# TYPE %s %s\n", name, type);
}

static int append_labels(struct psv_buffer *out, const struct psv_prometheus_label *labels, size_t labels_len)
{
    for (size_t i = 0; i < labels_len; i++) {
        int result = psv_buffer_printf(out, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
        if (result == 0) {
            result = append_escaped(out, labels[i].value, true);
        }
        if (result == 0) {
            result = psv_buffer_append_byte(out, '"');
        }
        if (result != 0) {
            return result;
        }
    }
    return labels_len > 0 ? psv_buffer_append_byte(out, '}') : 0;
}

static int append_sample(struct psv_buffer *out, const char *name, const char *suffix,
                         const struct psv_prometheus_label *labels, size_t labels_len, const char *value)
{
    int result = psv_buffer_printf(out, "%s%s", name, suffix);
    if (result == 0) {
        result = append_labels(out, labels, labels_len);
    }
    return result != 0 ? result : psv_buffer_printf(out, " %s\n", value);
}

int psv_prometheus_integer(struct psv_buffer *out, const char *name, const char *suffix,
                           const struct psv_prometheus_label *labels, size_t labels_len, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, value);
    return append_sample(out, name, suffix, labels, labels_len, text);
}

int psv_prometheus_scaled(struct psv_buffer *out, const char *name, const char *suffix,
                          const struct psv_prometheus_label *labels, size_t labels_len, uint64_t value,
                          unsigned fraction_digits)
{
    char text[PSV_DECIMAL_BYTES];
    (void)psv_decimal_format_scaled(text, value, fraction_digits);
    return append_sample(out, name, suffix, labels, labels_len, text);
}

int psv_prometheus_number(struct psv_buffer *out, const char *name, const char *suffix,
                          const struct psv_prometheus_label *labels, size_t labels_len, double value)
{
    char text[PSV_DECIMAL_BYTES];
    (void)psv_decimal_format(text, value, 9);
    return append_sample(out, name, suffix, labels, labels_len, text);
}
