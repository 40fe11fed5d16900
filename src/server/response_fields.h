/* The fields that the configuration puts into every response.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "config/config.h"
#include "http/extra_fields.h"

/** The configuration's own first, then the security preset's, then (is_secure) HSTS; a name counts once.
 * Texts are the configuration's, static, or hsts_text's (at least 40 bytes, lives as long as ret). PSV_EINVAL
 * with the field and what is wrong with it. */
MUST_CHECK int psv_response_fields_init(struct psv_extra_fields *ret, const struct psv_config *config,
                                        bool is_secure, char *hsts_text, struct psv_error *reterr);
