/* A report as a page for browsers, as text for terminals, as JSON (RFC 9457) for programs.  Knows nothing of
 * the engine; whatever a stranger or a script put into the texts is escaped.  [worker]
 *
 * Each appends to out and stops where it is full.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

struct psv_buffer;
struct psv_dev_report;

void psv_dev_page_html(const struct psv_dev_report *report, struct psv_buffer *out);
void psv_dev_page_text(const struct psv_dev_report *report, struct psv_buffer *out);
void psv_dev_page_json(const struct psv_dev_report *report, struct psv_buffer *out);
/** For the end of an HTML page that is half sent. */
void psv_dev_page_fragment(const struct psv_dev_report *report, struct psv_buffer *out);

/** Fields whose value is nobody's business: Authorization, Cookie and the like. */
bool psv_dev_is_secret_field(struct psv_bytes name);
