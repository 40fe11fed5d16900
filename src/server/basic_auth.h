/* Paths that need a name and a password (RFC 7617): rules of the configuration with their htpasswd files, and
 * the question whether a request may pass.  One per site; the checker is the process's.  [loop]; made and
 * freed at [boot].
 *
 * Which path counts: a request needs the password of every rule that one of these is below:
 *   1. its path (decoded once, normalised), that path after rewrites, and the file or script that answers it.
 *      Of rules within each other (/ and /admin/) the innermost counts;
 *   2. its PATH_INFO, its path with "%2F" read as slashes, and what follows the name of the answering script
 *      in it: an application that routes by itself may see them so.
 * Letters are compared without regard to case, and a prefix covers whole segments: /admin and /admin/x, not
 * /administrator.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "config/config.h"
#include "filter/password_check.h"

struct psv_exchange;
struct psv_htpasswd_file;
struct psv_route;

struct psv_basic_rule {
    const char *text;                     /* as configured */
    struct psv_bytes prefix;              /* without a slash at its end: "" covers all paths */
    const struct psv_htpasswd_file *file; /* NULL: no password is needed */
    bool is_off;                          /* the same, when files are not read */
    char *challenge;                      /* value of WWW-Authenticate; owned */
};

struct psv_basic_auth {
    struct psv_basic_rule *rules;
    size_t len; /* 0: no path needs a password */
    struct psv_htpasswd_file **files;
    size_t files_len;
    struct psv_password_checker *checker; /* borrowed; set by who makes it, before the first request */
};

/** The rules that all must be satisfied; of the first one the client hears. */
struct psv_basic_need {
    const struct psv_basic_rule *rules[PSV_PASSWORD_HASHES_MAX];
    unsigned len;
};

/** config must outlive auth.  reads_files: else it can only tell which rules apply.  PSV_EINVAL and others
 * with a sentence that names file and line.  [boot] */
MUST_CHECK int psv_basic_auth_init(struct psv_basic_auth *auth, const struct psv_config *config,
                                   bool reads_files, struct psv_error *reterr);
/** The checker's threads have ended.  Accepts a zeroed struct. */
void psv_basic_auth_fini(struct psv_basic_auth *auth);

/** asked: the path before rewrites; path: after them. */
void psv_basic_auth_find(const struct psv_basic_auth *auth, struct psv_bytes asked, struct psv_bytes path,
                         const struct psv_route *route, struct psv_basic_need *ret_need);

enum psv_basic_verdict {
    PSV_BASIC_PASSED,
    PSV_BASIC_REFUSED, /* answered: 401, 429 or 503 */
    PSV_BASIC_WAITS,   /* waiter->on_answer will be called */
};

/** need->len is not 0.  Sets exchange->is_user_checked when the password is known to be right. */
enum psv_basic_verdict psv_basic_auth_check(const struct psv_basic_auth *auth, struct psv_exchange *exchange,
                                            const struct psv_basic_need *need, uint64_t now_ns,
                                            struct psv_password_waiter *waiter);
/** The password was wrong: 401. */
void psv_basic_auth_refuse(struct psv_exchange *exchange, const struct psv_basic_rule *rule);
