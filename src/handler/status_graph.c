/* See status_graph.h.  Numbers are whole ones: no locale can spoil them.
 *
 * SPDX-License-Identifier: MIT */
#include "status_graph.h"

#include "base/buffer.h"

#define WIDTH 600
#define HEIGHT 100

static unsigned x_of(const struct psv_status_graph *graph, unsigned i)
{
    unsigned steps = MAX(graph->values_max, 2u) - 1;

    return (steps - (graph->values_len - 1 - i)) * WIDTH / steps;
}

static unsigned y_of(double value, double top)
{
    double share = top > 0 ? value / top : 0;

    return (unsigned)(HEIGHT - 2 - share * (HEIGHT - 6));
}

static int put_curve(struct psv_buffer *out, const struct psv_status_graph *graph, double top)
{
    int code = 0;

    for (unsigned i = 0; i < graph->values_len && code == 0; i++) {
        code =
            psv_buffer_printf(out, "%s%u,%u", i == 0 ? "" : " ", x_of(graph, i), y_of(graph->values[i], top));
    }
    return code;
}

static int put_picture(struct psv_buffer *out, const struct psv_status_graph *graph, double top)
{
    int code = psv_buffer_printf(out,
                                 "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
                                 "aria-label=\"%s\" style=\"color:var(%s)\">",
                                 WIDTH, HEIGHT, graph->name, graph->color);

    if (code == 0 && graph->values_len > 0) {
        code = psv_buffer_printf(out, "<polygon points=\"%u,%d ", x_of(graph, 0), HEIGHT);
        if (code == 0) {
            code = put_curve(out, graph, top);
        }
        if (code == 0) {
            code = psv_buffer_printf(out, " %d,%d\"></polygon><polyline points=\"", WIDTH, HEIGHT);
        }
        if (code == 0) {
            code = put_curve(out, graph, top);
        }
        if (code == 0) {
            code = psv_buffer_printf(out, "\"></polyline>");
        }
    }
    return code == 0 ? psv_buffer_printf(out, "</svg>") : code;
}

int psv_status_graph_format(struct psv_buffer *out, const struct psv_status_graph *graph)
{
    double largest = 0;

    for (unsigned i = 0; i < graph->values_len; i++) {
        largest = MAX(largest, graph->values[i]);
    }
    int code = psv_buffer_printf(out, "<div class=\"graph\"><span>%s</span><b>", graph->name);
    if (code == 0) {
        code = graph->put_value(out, graph->values_len > 0 ? graph->values[graph->values_len - 1] : 0);
    }
    if (code == 0) {
        code = psv_buffer_printf(out, " <span>max ");
    }
    if (code == 0) {
        code = graph->put_value(out, largest);
    }
    if (code == 0) {
        code = psv_buffer_printf(out, "</span></b>");
    }
    if (code == 0) {
        code = put_picture(out, graph, MAX(largest, graph->least_top));
    }
    return code == 0 ? psv_buffer_printf(out, "</div>\n") : code;
}
