/* Entity tags (RFC 9110 8.8.3).  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"

#define PSV_ETAG_MAX 35 /* two quotes, two times 16 hex digits, a hyphen */

/** Strong validator of a file: "<mtime in ns, hex>-<size, hex>" with its quotes.  out holds PSV_ETAG_MAX
 *  bytes; no NUL.  Returns the length.  The inode is not part of it: replicas of a site must agree. */
size_t psv_etag_format(char *out, uint64_t size_bytes, int64_t mtime_ns);

struct psv_etag {
    struct psv_bytes opaque; /* with its quotes */
    bool is_weak;
};

/** One entity-tag and nothing else; PSV_ESYNTAX otherwise. */
MUST_CHECK int psv_etag_parse(struct psv_bytes text, struct psv_etag *ret_etag);

/** RFC 9110 8.8.3.2.  A malformed one equals nothing. */
bool psv_etag_equal_strong(struct psv_bytes a, struct psv_bytes b);
bool psv_etag_equal_weak(struct psv_bytes a, struct psv_bytes b);

enum psv_etag_match {
    PSV_ETAG_MATCH_NO,
    PSV_ETAG_MATCH_YES,
    PSV_ETAG_MATCH_ANY,       /* "*" alone */
    PSV_ETAG_MATCH_MALFORMED, /* no list of entity-tags: nothing in it counts */
};

/** Looks for etag in the value of an If-Match (is_strong) or If-None-Match field. */
enum psv_etag_match psv_etag_list_match(struct psv_bytes list, struct psv_bytes etag, bool is_strong);
