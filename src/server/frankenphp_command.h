/* The program under the name "frankenphp" (a symbolic link), or as "phpsrv frankenphp VERB": a command line
 * of FrankenPHP's becomes one of ours, so that what starts FrankenPHP starts phpsrv.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"

struct psv_buffer;

/** The FrankenPHP whose contract is kept: its command line, variables, administration and PHP functions. */
#define PSV_FRANKENPHP_VERSION "1.12.7"

/** What the translation may know of the machine. */
struct psv_frankenphp_machine {
    char *const *environment; /* "NAME=value", NULL at its end */
    unsigned cores;           /* that threads may use */
    bool is_terminal;         /* standard error */
};

struct psv_frankenphp_command {
    int argc;
    char **argv; /* ours, to go on with; on the arena; NULL: nothing more to do, text was printed */
};

/** Whether a command line is FrankenPHP's. */
bool psv_frankenphp_is_meant(int argc, char *const *argv);
/** Translates it, or appends to out what it asks for (help, version, build-info).  0; PSV_EINVAL, PSV_ENOENT
 * with a sentence; PSV_ELIMIT, PSV_ENOMEM. */
MUST_CHECK int psv_frankenphp_translate(int argc, char *const *argv,
                                        const struct psv_frankenphp_machine *machine, struct psv_arena *arena,
                                        struct psv_buffer *out, struct psv_frankenphp_command *ret,
                                        struct psv_error *reterr);
