/* The text formats of metrics: lines, escapes and numbers; see prometheus.h.
 * Sources: the exposition formats of Prometheus (0.0.4) and the OpenMetrics 1.0 specification.
 *
 * SPDX-License-Identifier: MIT */
#include "prometheus.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "decimal.h"

void psv_prometheus_init(struct psv_prometheus *writer, struct psv_buffer *out,
                         enum psv_prometheus_format format)
{
    *writer = (struct psv_prometheus){.out = out, .format = format};
}

static void put(struct psv_prometheus *writer, const char *data, size_t len)
{
    if (writer->error == 0) {
        writer->error = psv_buffer_append(writer->out, data, len);
    }
}

static void put_text(struct psv_prometheus *writer, const char *text)
{
    put(writer, text, strlen(text));
}

static bool is_escaped(char c, bool has_quotes)
{
    return c == '\n' || c == '\\' || (has_quotes && c == '"');
}

/* Backslash and newline are escaped; the double quote in values of labels, in OpenMetrics everywhere. */
static void put_escaped(struct psv_prometheus *writer, struct psv_bytes text, bool has_quotes)
{
    while (text.len > 0) {
        uint32_t code;
        size_t len = psv_utf8_decode(text, &code);
        if (len == 0) {
            put_text(writer, "\xef\xbf\xbd");
            len = 1;
        } else if (is_escaped(text.data[0], has_quotes)) {
            const char escaped[] = {'\\', text.data[0] == '\n' ? 'n' : text.data[0]};
            put(writer, escaped, sizeof(escaped));
        } else {
            put(writer, text.data, len);
        }
        text = psv_bytes_from(text, len);
    }
}

/* ---- families */

static bool ends_in(const char *text, size_t len, const char *suffix)
{
    size_t suffix_len = strlen(suffix);

    return len > suffix_len && memcmp(text + len - suffix_len, suffix, suffix_len) == 0;
}

/* Base units are what names end in. */
static const char *unit_of(const char *name, size_t len)
{
    return ends_in(name, len, "_seconds") ? "seconds" : ends_in(name, len, "_bytes") ? "bytes" : NULL;
}

static void put_line(struct psv_prometheus *writer, const char *word, struct psv_bytes name, const char *text)
{
    put_text(writer, word);
    put(writer, name.data, name.len);
    put_text(writer, " ");
    put_text(writer, text);
    put_text(writer, "\n");
}

static void put_lines(struct psv_prometheus *writer, struct psv_bytes name, const char *type,
                      const char *help)
{
    bool is_open = writer->format == PSV_PROMETHEUS_OPENMETRICS;
    const char *unit = is_open ? unit_of(name.data, name.len) : NULL;

    put_text(writer, "# HELP ");
    put(writer, name.data, name.len);
    put_text(writer, " ");
    put_escaped(writer, psv_bytes_of(help), is_open);
    put_text(writer, "\n");
    put_line(writer, "# TYPE ", name, type);
    if (unit != NULL) {
        put_line(writer, "# UNIT ", name, unit);
    }
}

static void end_row(struct psv_prometheus *writer)
{
    if (writer->help != NULL) {
        put_text(writer, " | ");
        put_text(writer, writer->help);
        put_text(writer, " |\n");
    }
    writer->help = NULL;
    writer->row_label = NULL;
    writer->row_is_listed = false;
}

static void begin_row(struct psv_prometheus *writer, const char *name, const char *type, const char *help)
{
    end_row(writer);
    put_text(writer, "| `");
    put_text(writer, name);
    put_text(writer, "` | ");
    put_text(writer, type);
    put_text(writer, " | ");
    writer->help = help;
}

void psv_prometheus_family(struct psv_prometheus *writer, const char *name, const char *type,
                           const char *help)
{
    struct psv_bytes shown = psv_bytes_of(name);

    if (writer->format == PSV_PROMETHEUS_REFERENCE) {
        begin_row(writer, name, type, help);
        return;
    }
    if (writer->format == PSV_PROMETHEUS_OPENMETRICS && strcmp(type, "counter") == 0) {
        if (!ends_in(name, shown.len, "_total")) {
            psv_prometheus_unknown(writer, name, type, help);
            return;
        }
        shown.len -= strlen("_total");
    }
    put_lines(writer, shown, type, help);
}

void psv_prometheus_unknown(struct psv_prometheus *writer, const char *name, const char *type,
                            const char *help)
{
    bool is_open = writer->format == PSV_PROMETHEUS_OPENMETRICS;

    put_lines(writer, psv_bytes_of(name), is_open ? "unknown" : type, help);
}

/* ---- samples */

static void put_labels(struct psv_prometheus *writer, const struct psv_prometheus_label *labels,
                       size_t labels_len)
{
    for (size_t i = 0; i < labels_len; i++) {
        put_text(writer, i == 0 ? "{" : ",");
        put_text(writer, labels[i].name);
        put_text(writer, "=\"");
        put_escaped(writer, labels[i].value, true);
        put_text(writer, "\"");
    }
    if (labels_len > 0) {
        put_text(writer, "}");
    }
}

/* Of one label all values are listed, of several the names. */
static void list_labels(struct psv_prometheus *writer, const struct psv_prometheus_label *labels,
                        size_t labels_len)
{
    if (labels_len == 0 || writer->row_is_listed || strcmp(labels[0].name, "le") == 0) {
        return;
    }
    if (labels_len > 1 && strcmp(labels[1].name, "le") != 0) {
        for (size_t i = 0; i < labels_len; i++) {
            put_text(writer, i == 0 ? "`" : ", `");
            put_text(writer, labels[i].name);
            put_text(writer, "`");
        }
        writer->row_is_listed = true;
        return;
    }
    if (writer->row_label == NULL) {
        writer->row_label = labels[0].name;
        put_text(writer, "`");
        put_text(writer, labels[0].name);
        put_text(writer, "`: ");
    } else {
        put_text(writer, ", ");
    }
    put(writer, labels[0].value.data, labels[0].value.len);
}

static void put_sample(struct psv_prometheus *writer, const char *name, const char *suffix,
                       const struct psv_prometheus_label *labels, size_t labels_len, const char *value)
{
    if (writer->format == PSV_PROMETHEUS_REFERENCE) {
        list_labels(writer, labels, labels_len);
        return;
    }
    put_text(writer, name);
    put_text(writer, suffix);
    put_labels(writer, labels, labels_len);
    put_text(writer, " ");
    put_text(writer, value);
}

static void end_sample(struct psv_prometheus *writer)
{
    if (writer->format != PSV_PROMETHEUS_REFERENCE) {
        put_text(writer, "\n");
    }
}

void psv_prometheus_integer(struct psv_prometheus *writer, const char *name, const char *suffix,
                            const struct psv_prometheus_label *labels, size_t labels_len, int64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRId64, value);
    put_sample(writer, name, suffix, labels, labels_len, text);
    end_sample(writer);
}

void psv_prometheus_scaled(struct psv_prometheus *writer, const char *name, const char *suffix,
                           const struct psv_prometheus_label *labels, size_t labels_len, uint64_t value,
                           unsigned fraction_digits)
{
    char text[PSV_DECIMAL_BYTES];

    (void)psv_decimal_format_scaled(text, value, fraction_digits);
    put_sample(writer, name, suffix, labels, labels_len, text);
    end_sample(writer);
}

void psv_prometheus_number(struct psv_prometheus *writer, const char *name, const char *suffix,
                           const struct psv_prometheus_label *labels, size_t labels_len, double value)
{
    char text[PSV_DECIMAL_BYTES];

    (void)psv_decimal_format(text, value, 9);
    put_sample(writer, name, suffix, labels, labels_len, text);
    end_sample(writer);
}

static void put_exemplar(struct psv_prometheus *writer, const struct psv_prometheus_exemplar *exemplar)
{
    const struct psv_prometheus_label label = {"trace_id", exemplar->trace_id};
    char text[PSV_DECIMAL_BYTES];

    put_text(writer, " # ");
    put_labels(writer, &label, 1);
    put_text(writer, " ");
    (void)psv_decimal_format_scaled(text, exemplar->value_ns, 9);
    put_text(writer, text);
    put_text(writer, " ");
    (void)psv_decimal_format_scaled(text, exemplar->unix_us, 6);
    put_text(writer, text);
}

void psv_prometheus_bucket(struct psv_prometheus *writer, const char *name,
                           const struct psv_prometheus_label *labels, size_t labels_len, uint64_t count,
                           const struct psv_prometheus_exemplar *exemplar)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, count);
    put_sample(writer, name, "_bucket", labels, labels_len, text);
    if (exemplar != NULL && writer->format == PSV_PROMETHEUS_OPENMETRICS) {
        put_exemplar(writer, exemplar);
    }
    end_sample(writer);
}

int psv_prometheus_end(struct psv_prometheus *writer)
{
    end_row(writer);
    if (writer->format == PSV_PROMETHEUS_OPENMETRICS) {
        put_text(writer, "# EOF\n");
    }
    return writer->error;
}

/* The fewest digits that give the same number again. */
static void format_shortest(char out[PSV_PROMETHEUS_BOUND_BYTES], double number)
{
    for (int digits = 1; digits <= 17; digits++) {
        double again = 0;
        (void)snprintf(out, PSV_PROMETHEUS_BOUND_BYTES, "%.*e", digits - 1, number);
        if (sscanf(out, "%lf", &again) != 1 || again == number) {
            break;
        }
    }
    for (char *c = out; *c != '\0'; c++) { /* a script may have set a locale */
        if (strchr("+-e0123456789", *c) == NULL) {
            *c = '.';
        }
    }
}

void psv_prometheus_format_bound(char out[PSV_PROMETHEUS_BOUND_BYTES], double bound)
{
    if (isinf(bound)) {
        (void)snprintf(out, PSV_PROMETHEUS_BOUND_BYTES, "%s", bound > 0 ? "+Inf" : "-Inf");
        return;
    }
    format_shortest(out, bound);
    const char *e = strchr(out, 'e');
    int exponent = 0;
    if (e == NULL || sscanf(e + 1, "%d", &exponent) != 1 || exponent < -4 || exponent >= 6) {
        return; /* as it is: "1e+06", "2.5e-05" */
    }
    /* the digits are all there; as many decimals as they need */
    bool has_point = out[bound < 0 ? 2 : 1] == '.';
    int digits = (int)(e - out) - (bound < 0) - has_point;
    int decimals = digits - 1 - exponent > 1 ? digits - 1 - exponent : 1;
    (void)snprintf(out, PSV_PROMETHEUS_BOUND_BYTES, "%.*f", decimals, bound);
    for (char *c = out; *c != '\0'; c++) {
        if (strchr("-0123456789", *c) == NULL) {
            *c = '.';
        }
    }
}
