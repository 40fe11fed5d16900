/* A few lines of a PHP file as coloured HTML or as text.  The file is read, never executed.  Pure but for
 * reading; knows nothing of the engine.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

struct psv_buffer;

/** Appends text with all that means something in HTML escaped, attributes included; bytes that are no UTF-8
 * become U+FFFD, control bytes their picture.  False: no room. */
bool psv_dev_put_escaped(struct psv_buffer *out, struct psv_bytes text);

/** Appends the lines first to last (from 1) of source, each in <span class="l">, the marked one in
 * <span class="l m">.  False: no room. */
bool psv_dev_highlight(struct psv_buffer *out, struct psv_bytes source, unsigned first, unsigned last,
                       unsigned marked);

/** Reads the file into source (to be freed by the caller).  False: no regular file, too large, unreadable. */
bool psv_dev_read_source(struct psv_bytes path, struct psv_buffer *source);

/** The lines as text: " > 12 | code".  False: no room. */
bool psv_dev_put_lines(struct psv_buffer *out, struct psv_bytes source, unsigned first, unsigned last,
                       unsigned marked);
