/* Which part of a decoded path may name a script, and which names are never served as files.  Pure: whether
 * the file is there is the caller's to ask.  ASCII only, no Unicode folding.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/** Enumerates the candidates, shortest first: every prefix of path that ends a segment "<name>.php" (lower
 *  case: the file system is case-sensitive).  *position starts at 0.  The first candidate that is an
 *  existing regular file is the script, ret_path_info (begins with '/'; data NULL when nothing follows) is
 *  the rest.  A directory, a missing file or "x.jpg" is never a script, so "/upload/x.jpg/y.php" runs y.php
 *  only if x.jpg is a directory that holds it. */
bool psv_script_path_next(struct psv_bytes path, size_t *position, struct psv_bytes *ret_script,
                          struct psv_bytes *ret_path_info);

/** A segment begins with '.', except ".well-known" as the first one (RFC 8615). */
bool psv_path_is_hidden(struct psv_bytes path);

/** The last segment is program text, whatever its case: .php .php3 ... .pht .phtml .phps .phpt .phar .inc,
 *  or an editor's or packager's copy of one ("x.php~", "x.php.bak", "#x.php#", "x.php.swp",
 *  "x.php.dpkg-old" ...).  Never sent as a file. */
bool psv_path_is_script_source(struct psv_bytes path);
