/* Looks for the end of an HTML page's body as its bytes come, in portions of any size.  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/** Most bytes of earlier portions that may turn out to be the beginning of the tag. */
#define PSV_HTML_SCAN_PENDING_MAX 6
#define PSV_HTML_SCAN_NONE INT64_MIN

/** All zero at first. */
struct psv_html_scan {
    int state;
    char name[10]; /* of the tag that is being read, in lower case; longer ones are cut */
    size_t name_len;
    bool is_end_tag;
    char quote;     /* around an attribute's value; 0 = none */
    char previous;  /* last byte in a tag that is no blank */
    size_t matched; /* of what ends raw text or a comment */
    size_t pending; /* last bytes so far that may begin the tag: "<", "</", ... "</body" */
};

/** Offset of the "</body" that ends the page, from the beginning of this portion: negative when it began in
 * an earlier one; PSV_HTML_SCAN_NONE while there is none.  Not found in scripts, styles, comments and texts
 * of forms.  Once it was found there is nothing more to ask. */
int64_t psv_html_scan(struct psv_html_scan *scan, struct psv_bytes portion);
