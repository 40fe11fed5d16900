/* The site's own pages for refusals: 404.html, 5xx.json ...  Read at boot, the same for all requests.  [loop]
 *
 * In their text {{status}}, {{title}} and {{request_id}} are filled in.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "http/accept.h"

#define PSV_ERROR_PAGES_MAX 64

struct psv_error_page {
    unsigned status; /* 404; 4 and 5 stand for their class */
    enum psv_accept_form form;
    struct psv_bytes text;
};

struct psv_error_pages {
    struct psv_error_page items[PSV_ERROR_PAGES_MAX];
    unsigned len;
};

/** The status's own page in this form, else its class's, else NULL.  pages may be NULL. */
const struct psv_error_page *psv_error_pages_find(const struct psv_error_pages *pages, unsigned status,
                                                  enum psv_accept_form form);
/** "404.html", "5xx.json", "503.txt": false for other names. */
bool psv_error_page_read_name(struct psv_bytes name, struct psv_error_page *ret);
/** The text with what it asks for filled in, on the arena; data NULL: no memory. */
struct psv_bytes psv_error_page_fill(const struct psv_error_page *page, struct psv_arena *arena,
                                     unsigned status, struct psv_bytes request_id);
