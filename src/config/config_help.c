/* The text of --help, derived from the table.  Any thread; pure.
 *
 * SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>

#include "base/buffer.h"
#include "command_line.h"
#include "text_wrap.h"
#include "option_value.h"
#include "options.h"

#define COLUMNS_DEFAULT 80
#define COLUMNS_MIN 50
#define NAME_COLUMNS 30 /* where the descriptions begin */

static const char *default_shown(const struct psv_option *option)
{
    return option->default_text[0] != '\0' ? option->default_text : "empty";
}

/* ---- --help */

static int help_row(struct psv_buffer *out, const char *names, const char *text, size_t columns)
{
    static const char blanks[] = "                              ";
    _Static_assert(sizeof(blanks) - 1 == NAME_COLUMNS, "blanks");
    int result = psv_buffer_printf(out, "%s", names);
    size_t len = psv_bytes_of(names).len;
    if (result == 0 && len + 2 > NAME_COLUMNS) {
        result = psv_buffer_printf(out, "\n%s", blanks);
    } else if (result == 0) {
        result = psv_buffer_append(out, blanks, NAME_COLUMNS - len);
    }
    return result != 0 ? result
                       : psv_text_append_wrapped(out, psv_bytes_of(text), blanks, NAME_COLUMNS, columns);
}

static void format_names(char *out, size_t out_size, char short_name, const char *name,
                         const char *value_name, bool is_bool)
{
    char first[8] = "    ";
    if (short_name != 0) {
        (void)snprintf(first, sizeof(first), "-%c, ", short_name);
    }
    (void)snprintf(out, out_size, "  %s--%s%s%s%s", first, is_bool ? "[no-]" : "", name,
                   value_name != NULL ? " " : "", value_name != NULL ? value_name : "");
}

static int help_option(struct psv_buffer *out, const struct psv_option *option, size_t columns)
{
    char names[96];
    char choices[PSV_OPTION_EXPECTED_BYTES + 4] = "";
    char text[1024];
    format_names(names, sizeof(names), option->short_name, option->command_line, option->value_name,
                 option->type == PSV_OPTION_BOOL);
    if (option->choices != NULL) {
        char described[PSV_OPTION_EXPECTED_BYTES];
        psv_option_describe(option, described);
        (void)snprintf(choices, sizeof(choices), ", %s", described);
    }
    (void)snprintf(text, sizeof(text), "%s%s [%s%s, %s]", option->help, choices,
                   option->default_text[0] != '\0' ? "default " : "", default_shown(option),
                   option->environment);
    return help_row(out, names, text, columns);
}

static int help_commands(struct psv_buffer *out, size_t columns)
{
    int result = psv_buffer_printf(out, "\nActions:\n");
    for (size_t i = 0; i < psv_commands_len && result == 0; i++) {
        const struct psv_command *command = &psv_commands[i];
        char names[96];
        char text[256];
        if (command->help == NULL) {
            continue;
        }
        format_names(names, sizeof(names), command->short_name, command->name, command->value_name, false);
        (void)snprintf(text, sizeof(text), "%s%s", command->help,
                       command->value_name != NULL ? " [" PSV_CONFIG_FILE_ENVIRONMENT "]" : "");
        result = help_row(out, names, text, columns);
    }
    return result;
}

int psv_config_help(struct psv_buffer *out, unsigned columns)
{
    size_t width = columns == 0 ? COLUMNS_DEFAULT : MAX(columns, (unsigned)COLUMNS_MIN);
    int result = psv_buffer_printf(out, "Usage: phpsrv [OPTION]...\n       phpsrv run [OPTION]... SCRIPT "
                                        "[ARGUMENT]...\n       phpsrv route [OPTION]... URL\n"
                                        "       phpsrv health [OPTION]... [URL]\n"
                                        "       phpsrv frankenphp VERB [ARGUMENT]...\n\n");
    if (result == 0) {
        result = psv_text_append_wrapped(
            out,
            psv_bytes_of("Serves a PHP site over HTTP. Each option can be given here, in the environment "
                         "(the name in brackets) or in a TOML file; the first of these wins."),
            "", 0, width);
    }
    for (int group = 0; group < PSV_OPTION_GROUP_COUNT && result == 0; group++) {
        result = psv_buffer_printf(out, "\n%s:\n", psv_option_group_text((enum psv_option_group)group));
        for (size_t i = 0; i < psv_options_len && result == 0; i++) {
            if ((int)psv_options[i].group == group) {
                result = help_option(out, &psv_options[i], width);
            }
        }
    }
    if (result == 0) {
        result = help_commands(out, width);
    }
    return result != 0
               ? result
               : psv_buffer_printf(
                     out, "\nSizes: 4096, 64K, 16M, 1G. Durations: 250 (milliseconds), 500ms, 30s, 5m, 1h."
                          "\n\nExample:\n  phpsrv --docroot public --workers 8 --internal 127.0.0.1:9090"
                          " -d memory_limit=256M\n");
}
