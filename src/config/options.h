/* The one table of options (its rows are in options.c): command line, environment, TOML file, --help,
 * --dump-config, /config, config.example.toml, docs/options.md, the manual page and the completions of shells
 * all derive from it.  A new option is one
 * row and one field in config.h. Any thread: everything is const.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum psv_option_type {
    PSV_OPTION_BOOL,     /* bool */
    PSV_OPTION_INTEGER,  /* uint64_t */
    PSV_OPTION_SIZE,     /* uint64_t, bytes; "64K" or a number of bytes */
    PSV_OPTION_DURATION, /* uint64_t, milliseconds; "30s" or a number of milliseconds */
    PSV_OPTION_TEXT,     /* const char *; with choices: one of them */
    PSV_OPTION_PATH,     /* const char *; relative to the working directory */
    PSV_OPTION_ADDRESS,  /* const char *; HOST:PORT */
    PSV_OPTION_ENUM,     /* an enum (unsigned int); index of the choice */
    PSV_OPTION_LIST      /* struct psv_config_list; sources add to it */
};

enum psv_option_group {
    PSV_OPTION_GROUP_SERVER,
    PSV_OPTION_GROUP_ROUTING,
    PSV_OPTION_GROUP_GUARD,
    PSV_OPTION_GROUP_TLS,
    PSV_OPTION_GROUP_PROXY,
    PSV_OPTION_GROUP_WORKERS,
    PSV_OPTION_GROUP_LIMITS,
    PSV_OPTION_GROUP_TIMEOUTS,
    PSV_OPTION_GROUP_COMPRESS,
    PSV_OPTION_GROUP_STATIC,
    PSV_OPTION_GROUP_PHP,
    PSV_OPTION_GROUP_LOG,
    PSV_OPTION_GROUP_DEV,
    PSV_OPTION_GROUP_COUNT
};

struct psv_option {
    const char *path;           /* TOML: "section.noun_unit" */
    const char *command_line;   /* without "--" */
    const char *environment;    /* PHPSRV_... */
    const char *value_name;     /* shown in help: "N", "FILE"; NULL for bool */
    const char *default_text;   /* in the form that the command line takes; of a list: "" = empty */
    const char *help;           /* half a sentence, without a full stop at its end */
    const char *const *choices; /* NULL-terminated, or NULL */
    uint64_t min;               /* of numbers; of texts: the least length (0 = may be empty) */
    uint64_t max;               /* of numbers; of texts and list items: the greatest length */
    size_t offset;              /* within struct psv_config */
    enum psv_option_type type;
    enum psv_option_group group;
    char short_name;    /* 0 = none */
    bool is_per_scope;  /* sites and prefixes may have their own value */
    bool is_per_site;   /* of these: prefixes may not */
    bool needs_restart; /* a reload, which starts a new server in place of the old one, does not do */
    bool is_secret;     /* never shown by dump and /config */
    bool has_secrets;   /* a list of KEY=VALUE: values that look like secrets are not shown there */
};

extern const struct psv_option psv_options[];
extern const size_t psv_options_len;

/** "Server", "HTTP limits" ... */
const char *psv_option_group_text(enum psv_option_group group);

/** NULL if absent. */
const struct psv_option *psv_option_find_path(struct psv_bytes path);
const struct psv_option *psv_option_find_command_line(struct psv_bytes name);
const struct psv_option *psv_option_find_short(char name);
const struct psv_option *psv_option_find_environment(struct psv_bytes name);
static inline size_t psv_option_index(const struct psv_option *option)
{
    return (size_t)(option - psv_options);
}

/** "http" of "http.header_bytes_max". */
struct psv_bytes psv_option_section(const struct psv_option *option);
/** A section's options need not stand together in the table, but a section may begin only once in a TOML
 * file. */
bool psv_option_is_first_of_section(const struct psv_option *option);
/** True when some option's path is in this section ("http"). */
bool psv_option_has_section(struct psv_bytes section);

/** The name that was probably meant, or NULL when nothing is near. */
const char *psv_option_nearest_path(struct psv_bytes path);
/** The same for a section; empty when nothing is near. */
struct psv_bytes psv_option_nearest_section(struct psv_bytes section);
const char *psv_option_nearest_command_line(struct psv_bytes name);
const char *psv_option_nearest_environment(struct psv_bytes name);
/** True when name is near to given and nearer than *best (UINT_MAX to begin with), which is lowered then. */
bool psv_option_is_near(struct psv_bytes given, struct psv_bytes name, unsigned *best);
