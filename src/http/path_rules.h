/* Prefixes of paths, by whole segments and without regard to case, seen as the server and as applications may
 * see a path.  Pure.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/macros.h"

enum psv_path_view {
    PSV_PATH_PLAIN,    /* as it is */
    PSV_PATH_DECODED,  /* "%2F" is a slash, several slashes are one */
    PSV_PATH_RESOLVED, /* and "." and ".." mean what they mean in a path */
};

/** "/admin", "/admin/", "/" -> the prefix without a slash at its end.  NULL, or what is wrong with the text,
 * static.  Borrows text. */
MUST_CHECK const char *psv_path_prefix_parse(struct psv_bytes text, struct psv_bytes *ret_prefix);

/** Whether path is the prefix or below it; prefix is as psv_path_prefix_parse gives it. */
bool psv_path_is_below(struct psv_bytes path, struct psv_bytes prefix, enum psv_path_view view);

/** Whether a segment of path is name, without regard to case; *ret_rest is what follows the first one,
 * borrowed.
 * "%2F" is a slash. */
bool psv_path_find_behind(struct psv_bytes path, struct psv_bytes name, struct psv_bytes *ret_rest);

/** Whether the views of path differ. */
bool psv_path_has_encoded_slash(struct psv_bytes path);
