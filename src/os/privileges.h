/* Giving up root's rights for good.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_privileges {
    bool changes; /* there is something to give up */
    uid_t user;
    gid_t group;
    char user_name[64]; /* its number when it has no name; "" = as we are */
    bool has_groups;    /* it has a name, and further groups by that */
    char home[256];     /* "/" when it has none */
};

/** By name or number; "" as user: as we are.  "" as group: the user's.  PSV_ENOENT, PSV_EACCESS (we are not
 * root, and not that user) with a sentence. */
MUST_CHECK int psv_privileges_find(const char *user, const char *group, struct psv_privileges *ret,
                                   struct psv_error *reterr);
/** HOME, USER and LOGNAME become the user's, for programs that scripts start; nothing when nothing changes.
 * Before there is a second thread.  PSV_ENOMEM. */
MUST_CHECK int psv_privileges_set_environment(const struct psv_privileges *privileges,
                                              struct psv_error *reterr);
/** Of all threads of the process; cannot be undone.  PSV_EACCESS. */
MUST_CHECK int psv_privileges_drop(const struct psv_privileges *privileges, struct psv_error *reterr);
/** From here on no program that we start gains rights by its file (setuid, capabilities). */
MUST_CHECK int psv_privileges_forbid_new(struct psv_error *reterr);
