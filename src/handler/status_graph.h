/* A small curve of the last minutes as inline SVG.  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/macros.h"

struct psv_buffer;

struct psv_status_graph {
    const char *name;  /* plain text without markup, as the next */
    const char *color; /* name of a CSS variable: "--bar" */
    const double *values;
    unsigned values_len;
    unsigned values_max; /* room of the whole width: the newest value is at the right */
    double least_top;    /* the scale ends there, or at the largest value */
    /** Writes a value as people read it: "12.5/s". */
    int (*put_value)(struct psv_buffer *out, double value);
};

/** A card with name, newest and largest value, and the curve.  0, PSV_ENOMEM, PSV_ELIMIT. */
MUST_CHECK int psv_status_graph_format(struct psv_buffer *out, const struct psv_status_graph *graph);
