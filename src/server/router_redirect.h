/* Where a router sends clients to; the answer itself is psv_router_answer_redirect's.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/macros.h"

/** "/dir" -> "/dir/", query kept.  The decoded path is encoded anew: it begins with exactly one slash and a
 * backslash is not plain, so that no client takes the reference for one to another host.  *ret is on the
 * arena. PSV_ENOMEM. */
MUST_CHECK int psv_router_folder_location(struct psv_arena *arena, struct psv_bytes path,
                                          struct psv_bytes query, struct psv_bytes *ret);
