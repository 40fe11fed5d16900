/* Files that scripts hand over: a response with X-Sendfile (a path) or X-Accel-Redirect (a path below a
 * prefix) is answered with that file, with ranges and conditions, and without the script's body.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "config/config.h"
#include "handler/static_file.h"

struct psv_exchange;
struct psv_field;
struct psv_sendfile;

/** roots: "/srv/files" for X-Sendfile, "/protected/=/srv/files" for X-Accel-Redirect as well.  files: as
 * those of the document root; its ranges_max and links.  *ret is NULL when there are none.  PSV_EINVAL,
 * PSV_ENOENT with a sentence; PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_sendfile_new(const struct psv_config_list *roots, const struct psv_config_static *files,
                                struct psv_sendfile **ret_sendfile, struct psv_error *reterr);
/** Accepts NULL; returns NULL.  All exchanges must be gone.  [boot] */
struct psv_sendfile *psv_sendfile_free(struct psv_sendfile *sendfile);

/** Does a response with these fields hand over a file? */
bool psv_sendfile_is_wanted(const struct psv_field *fields, unsigned fields_len);
/** Answers with it: the file, or 404, 416, 304 ...  The fields of the script but those about its own body are
 * kept. */
void psv_sendfile_answer(struct psv_sendfile *sendfile, struct psv_exchange *exchange,
                         const struct psv_field *fields, unsigned fields_len);
