/* config.example.toml and docs/options.md, derived from the table.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "command_line.h"
#include "option_value.h"
#include "options.h"
#include "text_wrap.h"

#define COMMENT_COLUMNS 100

/* ---- config.example.toml */

static int example_option(struct psv_buffer *out, const struct psv_option *option,
                          const struct psv_config *defaults)
{
    char described[PSV_OPTION_EXPECTED_BYTES];
    char text[1024];
    bool is_plain = option->type == PSV_OPTION_BOOL || option->type == PSV_OPTION_PATH ||
                    option->type == PSV_OPTION_LIST || option->type == PSV_OPTION_ADDRESS ||
                    (option->type == PSV_OPTION_TEXT && option->choices == NULL);
    psv_option_describe(option, described);
    char *samples = strstr(described, " (such as");
    if (samples != NULL) {
        *samples = '\0'; /* the file's head has them once for all */
    }
    (void)snprintf(text, sizeof(text), "%s%s%s", option->help, is_plain ? "" : "; ",
                   is_plain ? "" : described);
    int result = psv_buffer_printf(out, "\n# ");
    if (result == 0) {
        result = psv_text_append_wrapped(out, psv_bytes_of(text), "# ", 2, COMMENT_COLUMNS);
    }
    if (result == 0) {
        result = psv_buffer_printf(out, "#%s = ", option->path + psv_option_section(option).len + 1);
    }
    if (result == 0) {
        result = psv_option_format_toml(option, defaults, out);
    }
    return result != 0 ? result : psv_buffer_append_byte(out, '\n');
}

static int example_section(struct psv_buffer *out, const struct psv_option *first,
                           const struct psv_config *defaults)
{
    struct psv_bytes section = psv_option_section(first);
    int result = psv_buffer_printf(out, "\n[%.*s]\n", PSV_BYTES_ARG(section));
    for (const struct psv_option *option = first; option < psv_options + psv_options_len && result == 0;
         option++) {
        if (psv_bytes_equal(psv_option_section(option), section)) {
            result = example_option(out, option, defaults);
        }
    }
    return result;
}

static int load_defaults(struct psv_config_loaded *ret)
{
    char name[] = "phpsrv";
    char *argv[] = {name, NULL};
    return psv_config_load(1, argv, NULL, ret, NULL);
}

int psv_config_format_example(struct psv_buffer *out)
{
    static const char head[] =
        "# SPDX-License-Identifier: MIT\n"
        "# All options of phpsrv with their defaults; made by phpsrv --print-example-config.\n"
        "# Use a copy with phpsrv --config FILE. Command line and environment win over the file.\n"
        "# Under [[sites]] (with hosts = [...]) and [[prefixes]] (with prefix = \"/...\") options have other "
        "values\n# for some requests: docs/sites.md. Under [[worker]] (with script = \"...\") those of "
        "[worker_mode] "
        "have other\n# values for one script: docs/worker-mode.md.\n"
        "# Sizes: a number of bytes, or a text such as \"64K\". Durations: milliseconds, or a text such as "
        "\"30s\".\n";
    struct psv_config_loaded defaults;
    int result = load_defaults(&defaults);
    if (result != 0) {
        return result;
    }
    result = psv_buffer_append(out, head, sizeof(head) - 1);
    for (size_t i = 0; i < psv_options_len && result == 0; i++) {
        if (psv_option_is_first_of_section(&psv_options[i])) {
            result = example_section(out, &psv_options[i], &defaults.config);
        }
    }
    psv_config_loaded_fini(&defaults);
    return result;
}

/* ---- docs/options.md */

static int reference_option(struct psv_buffer *out, const struct psv_option *option,
                            const struct psv_config *defaults)
{
    char described[PSV_OPTION_EXPECTED_BYTES];
    psv_option_describe(option, described);
    int result = psv_buffer_printf(
        out, "\n### `%s`\n\n%c%s.\n\n| | |\n|---|---|\n| command line | `--%s%s%s%s`", option->path,
        psv_ascii_upper(option->help[0]), option->help + 1, option->type == PSV_OPTION_BOOL ? "[no-]" : "",
        option->command_line, option->value_name != NULL ? " " : "",
        option->value_name != NULL ? option->value_name : "");
    if (result == 0 && option->short_name != 0) {
        result = psv_buffer_printf(out, ", `-%c %s`", option->short_name, option->value_name);
    }
    if (result == 0) {
        result = psv_buffer_printf(
            out, " |\n| environment | `%s` |\n| value | %s%s |\n| default | `", option->environment,
            option->type == PSV_OPTION_LIST ? "list of which each item is " : "", described);
    }
    if (result == 0) {
        result = psv_option_format_toml(option, defaults, out);
    }
    return result != 0 ? result
                       : psv_buffer_printf(out, "` |\n| takes effect | %s |\n| set for | %s |\n",
                                           option->needs_restart ? "on restart" : "on reload",
                                           option->is_per_site    ? "the server or a site"
                                           : option->is_per_scope ? "the server, a site or a prefix"
                                                                  : "the server");
}

static int reference_commands(struct psv_buffer *out)
{
    int result = psv_buffer_printf(out, "\n## Actions\n\n| command line | |\n|---|---|\n");
    for (size_t i = 0; i < psv_commands_len && result == 0; i++) {
        const struct psv_command *command = &psv_commands[i];
        if (command->help == NULL) {
            continue;
        }
        result = psv_buffer_printf(out, "| `--%s%s%s`", command->name, command->value_name != NULL ? " " : "",
                                   command->value_name != NULL ? command->value_name : "");
        if (result == 0 && command->short_name != 0) {
            result = psv_buffer_printf(out, ", `-%c`", command->short_name);
        }
        if (result == 0) {
            result = psv_buffer_printf(out, " | %s |\n", command->help);
        }
    }
    return result;
}

int psv_config_format_reference(struct psv_buffer *out)
{
    static const char head[] =
        "<!-- SPDX-License-Identifier: MIT. Made by phpsrv --print-options-reference; do not edit. -->\n"
        "# Options\n\n"
        "An option can be given on the command line, in the environment or in a TOML file (`--config FILE` "
        "or\n"
        "`" PSV_CONFIG_FILE_ENVIRONMENT
        "`); the first of these wins, and the default comes last. Lists are joined. An empty\n"
        "variable counts as not set. Unknown names are errors everywhere, `PHPSRV_*` variables included.\n\n"
        "A size is a number of bytes or has a unit: `64K`, `16M`, `1G` (powers of 1024). A duration is a "
        "number of\n"
        "milliseconds or has a unit: `500ms`, `30s`, `5m`, `1h`. In TOML those with a unit are texts: "
        "`\"64K\"`, `\"30s\"`.\n"
        "Options that say so can be set for a site or a path prefix as well: [sites.md](sites.md).\n\n"
        "Relative paths begin at the working directory. A wrong configuration ends the program with exit "
        "code " STRINGIFY(PSV_CONFIG_EXIT_CODE) ".\n";
    struct psv_config_loaded defaults;
    int result = load_defaults(&defaults);
    if (result != 0) {
        return result;
    }
    result = psv_buffer_append(out, head, sizeof(head) - 1);
    for (int group = 0; group < PSV_OPTION_GROUP_COUNT && result == 0; group++) {
        result = psv_buffer_printf(out, "\n## %s\n", psv_option_group_text((enum psv_option_group)group));
        for (size_t i = 0; i < psv_options_len && result == 0; i++) {
            if ((int)psv_options[i].group == group) {
                result = reference_option(out, &psv_options[i], &defaults.config);
            }
        }
    }
    psv_config_loaded_fini(&defaults);
    return result != 0 ? result : reference_commands(out);
}
