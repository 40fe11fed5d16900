/* Reads the folder of error pages.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "exec/error_pages.h"

/** folder: "" = none.  Files with other names are left out.  PSV_ENOENT, PSV_ELIMIT, PSV_EIO, PSV_ENOMEM with
 * a sentence. */
MUST_CHECK int psv_error_pages_load(struct psv_error_pages *ret, const char *folder,
                                    struct psv_error *reterr);
/** Accepts a zeroed struct. */
void psv_error_pages_fini(struct psv_error_pages *pages);
