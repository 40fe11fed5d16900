/* A command line of ours while it is put together out of somebody else's: what is said by force, what only
 * where nothing of ours says otherwise.  [boot]  Must not know verbs.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"

/** Arguments that a translation may add to those that were given. */
#define PSV_FRANKENPHP_ADDED_MAX 320

struct psv_frankenphp_arguments {
    struct psv_arena *arena;
    char *const *environment; /* "NAME=value", NULL at its end; borrowed */
    char **items;             /* on the arena; [0] is the program; NULL behind the last one */
    size_t len;
    size_t max;
    bool is_full; /* an argument did not fit, or there was no memory for it */
};

/** given: number of arguments that may be passed on beside the added ones.  0, PSV_ENOMEM. */
MUST_CHECK int psv_frankenphp_arguments_init(struct psv_frankenphp_arguments *list, struct psv_arena *arena,
                                             char *const *environment, size_t given);

/** Value of a variable; "" when there is none. */
const char *psv_frankenphp_variable(const struct psv_frankenphp_arguments *list, const char *name);

/** Borrows text. */
void psv_frankenphp_add(struct psv_frankenphp_arguments *list, const char *text);
/** "--name=value": what the caller asked for, which wins over variables and file. */
void psv_frankenphp_add_option(struct psv_frankenphp_arguments *list, const char *name, const char *format,
                               ...) __attribute__((format(printf, 3, 4)));
/** The same, unless the option's own variable (PHPSRV_...) says something. */
void psv_frankenphp_add_default(struct psv_frankenphp_arguments *list, const char *name, const char *value);
