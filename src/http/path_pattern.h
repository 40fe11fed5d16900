/* Patterns of paths in the manner of Caddy's path matchers: "/api", "/api/...", "*.php".  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/macros.h"

enum psv_path_pattern_kind {
    PSV_PATH_PATTERN_EXACT,    /* "/api": this very path */
    PSV_PATH_PATTERN_PREFIX,   /* "/api/" and a star: all paths that begin so; "*" alone: all paths */
    PSV_PATH_PATTERN_SUFFIX,   /* "*.php": all paths that end so */
    PSV_PATH_PATTERN_CONTAINS, /* a star at both ends: all paths with that in them */
    PSV_PATH_PATTERN_GLOB,     /* with stars within: each stands for bytes other than a slash */
};

/** Borrows its text. */
struct psv_path_pattern {
    enum psv_path_pattern_kind kind;
    struct psv_bytes text; /* without the stars at the ends; of GLOB all of it but a star at the end */
    bool is_open;          /* of GLOB: a star is at the end: anything may follow */
};

/** NULL, or what is wrong with the text, static. */
MUST_CHECK const char *psv_path_pattern_parse(struct psv_bytes text, struct psv_path_pattern *ret);

/** Whether the pattern matches the whole of a decoded path.  Case counts.  At most pattern length x path
 * length steps. */
bool psv_path_pattern_matches(const struct psv_path_pattern *pattern, struct psv_bytes path);
