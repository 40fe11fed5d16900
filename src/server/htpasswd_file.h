/* An htpasswd file in memory: read once, at start.  [boot]; look-ups [loop].
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/map.h"

struct psv_htpasswd_file {
    const char *path;     /* borrowed */
    struct psv_map users; /* name -> hash, both NUL-terminated in text */
    struct psv_buffer text;
    const char *any_hash; /* of a user: what a wrong name is checked against, so that it takes as long */
};

/** PSV_EINVAL and others with a sentence that names file and line: it is absent, not a file, writable for
 * everybody, without users, or a line is wrong.  path must outlive the file. */
MUST_CHECK int psv_htpasswd_file_read(const char *path, struct psv_htpasswd_file **ret_file,
                                      struct psv_error *reterr);
/** Accepts NULL; returns NULL. */
struct psv_htpasswd_file *psv_htpasswd_file_free(struct psv_htpasswd_file *file);
/** The user's hash; *ret_is_known false: somebody else's, because there is no such user. */
const char *psv_htpasswd_file_find(const struct psv_htpasswd_file *file, struct psv_bytes user,
                                   bool *ret_is_known);
