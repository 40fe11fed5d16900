/* Redirects and rewrites: what happens to a path before anything is looked up.  [loop]; made and freed at
 * [boot].
 *
 * One rule is one text of two or three words, "FROM TO [STATUS]":
 *   /old            the very path
 *   /old/ *         (without the blank) the path and all below; a * at the end of TO stands for the rest
 *   ~REGEX          PCRE2, against the decoded path; $0 to $9 in TO are what it has captured
 * TO begins with a slash; of redirects it may be an absolute URL as well.  The request's query is kept,
 * behind TO's own.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "config/config.h"

struct psv_route_rules;

/** What a rule makes of a path; texts are on the arena or live as long as the rules. */
struct psv_route_change {
    const char *rule;          /* as configured: for explanations */
    struct psv_bytes path;     /* of a rewrite: decoded, begins with a slash */
    struct psv_bytes query;    /* data NULL: none */
    struct psv_bytes location; /* of a redirect: encoded, safe as a field value */
    unsigned status;
};

/** *ret is NULL when the list is empty.  is_redirect: a status is allowed (302 unless given) and TO may be a
 * URL.  PSV_EINVAL with the rule and what is wrong with it; PSV_ENOMEM.  option: the option's name, for
 * messages. */
MUST_CHECK int psv_route_rules_new(const struct psv_config_list *list, bool is_redirect, const char *option,
                                   struct psv_route_rules **ret_rules, struct psv_error *reterr);
/** Accepts NULL; returns NULL. */
struct psv_route_rules *psv_route_rules_free(struct psv_route_rules *rules);

/** The first rule that matches changes the path: true, and *ret is filled.  A rule whose expression takes too
 * long for this path does not match; no memory: none does. */
bool psv_route_rules_apply(const struct psv_route_rules *rules, struct psv_arena *arena,
                           struct psv_bytes path, struct psv_bytes query, struct psv_route_change *ret);
