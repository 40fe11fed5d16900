/* What RFC 9112 and 9110 ask of a request head beyond its grammar: one Host, a sound target, one framing,
 * known expectations.  Pure: fills the request, decides the refusal.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "http/request.h"

struct psv_request_rules_result {
    unsigned status;    /* what to answer when the check fails */
    const char *reason; /* static text for the log */
    bool wants_keep_alive;
    bool expects_continue;
};

/** Fills target, path, query, authority, host, port, content_length, has_body from the raw target and the
 * fields. 0, or PSV_ESYNTAX with the result's status and reason. */
MUST_CHECK int psv_h1_request_check(struct psv_request *request, struct psv_arena *arena,
                                    struct psv_request_rules_result *ret_result);
