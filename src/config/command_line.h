/* The command line, read into a list of settings; nothing is applied here.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "config.h"
#include "options.h"

/** --config and the options that do something else than run the server: they are no settings. */
struct psv_command {
    const char *name;              /* without "--" */
    const char *value_name;        /* NULL: takes no value */
    const char *const *choices;    /* NULL-terminated; NULL: the value is a file's name */
    const char *help;              /* NULL: not shown */
    enum psv_config_action action; /* RUN for --config */
    char short_name;               /* 0 = none */
};

extern const struct psv_command psv_commands[];
extern const size_t psv_commands_len;

/** A first word that is no option: "run", "route", "health". */
struct psv_verb {
    const char *name;
    const char *operands; /* "SCRIPT [ARGUMENT]..." */
    const char *help;
    const char *usage; /* when its operand is missing, or there are too many */
    enum psv_config_action action;
    bool is_operand_optional;
};

extern const struct psv_verb psv_verbs[];
extern const size_t psv_verbs_len;

/** The environment's name for --config. */
#define PSV_CONFIG_FILE_ENVIRONMENT "PHPSRV_CONFIG"

struct psv_setting {
    const struct psv_option *option;
    const char *where; /* "--workers", "-w", "--no-static-enabled" */
    struct psv_bytes value;
};

struct psv_command_line {
    enum psv_config_action action;
    enum psv_config_shell shell;  /* of PRINT_COMPLETION */
    int operand_at;               /* of a verb: index of script or URL in argv; 0 = none */
    const char *config_file;      /* NULL = not given */
    struct psv_setting *settings; /* on the arena, in the order given */
    size_t settings_len;
};

/** "phpsrv run" in front: the first argument that is no option is a script, all behind it are the script's.
 * "phpsrv route": it is a URL.  "phpsrv health": it is a URL too, and may be missing (operand_at 0).
 * --help and --version end the reading: what follows does not matter.  Values are borrowed from argv.  0,
 * PSV_EINVAL with a sentence, PSV_ENOMEM. */
MUST_CHECK int psv_command_line_parse(int argc, char **argv, struct psv_arena *arena,
                                      struct psv_command_line *ret, struct psv_error *reterr);
