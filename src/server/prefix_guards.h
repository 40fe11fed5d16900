/* Guards of prefixes, for paths that an application may take to be below them although they are spelled
 * otherwise: "/INTERNAL/x", "/internal%2fx", "/index.php/internal/x".  Knows no codec.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct psv_exchange;
struct psv_route;
struct psv_site;
struct psv_sites;

/** After routing.  asked: the path before rewrites.  The guards of the chosen scope have been asked; this
 * asks those of every other scope of its site that
 *   1. the path before and after rewrites, and the file or script that answers, are below,
 *   2. the path is below with "%2F" read as slashes, or its PATH_INFO, or what follows the script's name in
 * it. Letters are compared without regard to case.  True when the request was answered. */
bool psv_prefix_guards_refuse(const struct psv_sites *sites, const struct psv_site *chosen,
                              struct psv_exchange *exchange, struct psv_bytes asked,
                              const struct psv_route *route, uint64_t now_ns);
