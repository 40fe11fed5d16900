/* Puts development mode's script into HTML pages: which responses get it, and the body filter that does it.
 * Any thread; the filter is [worker].
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "exec/body_injection.h"

struct psv_field;
struct psv_request;

#define PSV_LIVE_RELOAD_BYTES_MAX ((uint64_t)4 * 1024 * 1024)
#define PSV_LIVE_RELOAD_TAG PSV_BYTES("<script src=\"/.phpsrv/live-reload.js\" defer></script>")

struct psv_live_reload_injection {
    struct psv_body_injection base;
    struct psv_bytes policy; /* the Content-Security-Policy of responses that have none; may be empty */
};

void psv_live_reload_injection_init(struct psv_live_reload_injection *injection, struct psv_bytes policy);

/** A page for a window or a frame; not what a script of a page fetches. */
bool psv_live_reload_is_page(const struct psv_request *request);

/** Whether such a response can have the tag: whole HTML of any status but a redirect's, not encoded, not for
 * saving.  *ret_reason: what forbids it when that is worth telling, else NULL. */
bool psv_live_reload_takes(unsigned status, const struct psv_field *fields, unsigned fields_len,
                           struct psv_bytes default_policy, const char **ret_reason);

/** Whether a Content-Security-Policy (CSP 3) lets a script of the own site run and connect to it. */
bool psv_live_reload_policy_allows(struct psv_bytes policy);

/** The page with the tag, on the arena; data NULL: no memory. */
struct psv_bytes psv_live_reload_put(struct psv_arena *arena, struct psv_bytes html);
