/* Pages of other sites that may read responses: the CORS protocol of the WHATWG Fetch standard (3.2).  One
 * per site.  [loop]; made and freed at [boot].
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "config/config.h"

struct psv_exchange;
struct psv_origin_pattern;

struct psv_cors {
    bool is_used;    /* else nothing below is looked at */
    bool allows_any; /* the origin "*" */
    bool has_credentials;
    struct psv_origin_pattern *patterns;
    size_t patterns_len;
    struct psv_bytes methods; /* texts of fields; "*": what is asked for */
    struct psv_bytes headers;
    struct psv_bytes expose;
    char max_age_text[24];
};

/** config must outlive cors.  PSV_EINVAL with what is wrong, PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_cors_init(struct psv_cors *cors, const struct psv_config_cors *config,
                             struct psv_error *reterr);
/** Accepts a zeroed struct. */
void psv_cors_fini(struct psv_cors *cors);

/** True when the request was a preflight, and was answered: 204. */
bool psv_cors_answer_preflight(const struct psv_cors *cors, struct psv_exchange *exchange);
/** Adds what a response says of it, unless it has Access-Control-Allow-Origin already.  Called once, when the
 * response is complete. */
void psv_cors_decorate(const struct psv_cors *cors, struct psv_exchange *exchange);
