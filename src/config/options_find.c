/* Look-ups in the option table by each of an option's names, and what was probably meant by a wrong one.  Any
 * thread; pure.
 *
 * SPDX-License-Identifier: MIT */
#include "options.h"

#include <limits.h>

#include "base/assert.h"
#include "base/text_parse.h"

const char *psv_option_group_text(enum psv_option_group group)
{
    switch (group) {
    case PSV_OPTION_GROUP_GUARD:
        return "Guards";
    case PSV_OPTION_GROUP_ROUTING:
        return "Routing";
    case PSV_OPTION_GROUP_SERVER:
        return "Server";
    case PSV_OPTION_GROUP_TLS:
        return "TLS";
    case PSV_OPTION_GROUP_PROXY:
        return "Behind proxies";
    case PSV_OPTION_GROUP_WORKERS:
        return "Workers";
    case PSV_OPTION_GROUP_LIMITS:
        return "Limits";
    case PSV_OPTION_GROUP_TIMEOUTS:
        return "Timeouts";
    case PSV_OPTION_GROUP_COMPRESS:
        return "Compression";
    case PSV_OPTION_GROUP_STATIC:
        return "Static files";
    case PSV_OPTION_GROUP_PHP:
        return "PHP";
    case PSV_OPTION_GROUP_LOG:
        return "Logs";
    case PSV_OPTION_GROUP_DEV:
        return "Development";
    case PSV_OPTION_GROUP_COUNT:
        break;
    }
    UNREACHABLE("no such group");
}

typedef const char *name_of_fn(const struct psv_option *option);

static const char *path_of(const struct psv_option *option)
{
    return option->path;
}

static const char *command_line_of(const struct psv_option *option)
{
    return option->command_line;
}

static const char *environment_of(const struct psv_option *option)
{
    return option->environment;
}

static const struct psv_option *find(struct psv_bytes name, name_of_fn *name_of)
{
    for (size_t i = 0; i < psv_options_len; i++) {
        if (psv_bytes_equal(psv_bytes_of(name_of(&psv_options[i])), name)) {
            return &psv_options[i];
        }
    }
    return NULL;
}

const struct psv_option *psv_option_find_path(struct psv_bytes path)
{
    return find(path, path_of);
}

const struct psv_option *psv_option_find_command_line(struct psv_bytes name)
{
    return find(name, command_line_of);
}

const struct psv_option *psv_option_find_environment(struct psv_bytes name)
{
    return find(name, environment_of);
}

const struct psv_option *psv_option_find_short(char name)
{
    for (size_t i = 0; name != '\0' && i < psv_options_len; i++) {
        if (psv_options[i].short_name == name) {
            return &psv_options[i];
        }
    }
    return NULL;
}

struct psv_bytes psv_option_section(const struct psv_option *option)
{
    struct psv_bytes path = psv_bytes_of(option->path);
    return psv_bytes_first(path, psv_bytes_find(path, '.'));
}

bool psv_option_is_first_of_section(const struct psv_option *option)
{
    for (const struct psv_option *before = psv_options; before < option; before++) {
        if (psv_bytes_equal(psv_option_section(before), psv_option_section(option))) {
            return false;
        }
    }
    return true;
}

bool psv_option_has_section(struct psv_bytes section)
{
    for (size_t i = 0; i < psv_options_len; i++) {
        if (psv_bytes_equal(psv_option_section(&psv_options[i]), section)) {
            return true;
        }
    }
    return false;
}

bool psv_option_is_near(struct psv_bytes given, struct psv_bytes name, unsigned *best)
{
    unsigned distance = psv_edit_distance(given, name);
    size_t allowed = MAX((size_t)2, given.len / 4);
    /* A name of which nothing but a letter is right was not meant. */
    if (distance > allowed || distance >= given.len || distance >= *best) {
        return false;
    }
    *best = distance;
    return true;
}

static const char *nearest(struct psv_bytes name, name_of_fn *name_of)
{
    const char *found = NULL;
    unsigned best = UINT_MAX;
    for (size_t i = 0; i < psv_options_len; i++) {
        const char *candidate = name_of(&psv_options[i]);
        if (psv_option_is_near(name, psv_bytes_of(candidate), &best)) {
            found = candidate;
        }
    }
    return found;
}

const char *psv_option_nearest_command_line(struct psv_bytes name)
{
    return nearest(name, command_line_of);
}

const char *psv_option_nearest_environment(struct psv_bytes name)
{
    return nearest(name, environment_of);
}

const char *psv_option_nearest_path(struct psv_bytes path)
{
    const char *found = nearest(path, path_of);
    if (found != NULL) {
        return found;
    }
    /* The right name in the wrong section ("server.docroot"), or the command line's name as a key
     * ("docroot"). */
    struct psv_bytes last = path;
    while (psv_bytes_find(last, '.') < last.len) {
        last = psv_bytes_from(last, psv_bytes_find(last, '.') + 1);
    }
    for (size_t i = 0; i < psv_options_len; i++) {
        struct psv_bytes candidate = psv_bytes_of(psv_options[i].path);
        struct psv_bytes name = psv_bytes_from(candidate, psv_option_section(&psv_options[i]).len + 1);
        if (psv_bytes_equal(name, last) || psv_bytes_equal(psv_bytes_of(psv_options[i].command_line), last)) {
            return psv_options[i].path;
        }
    }
    return NULL;
}

struct psv_bytes psv_option_nearest_section(struct psv_bytes section)
{
    struct psv_bytes found = PSV_BYTES_EMPTY;
    unsigned best = UINT_MAX;
    for (size_t i = 0; i < psv_options_len; i++) {
        struct psv_bytes candidate = psv_option_section(&psv_options[i]);
        if (psv_option_is_near(section, candidate, &best)) {
            found = candidate;
        }
    }
    return found;
}
