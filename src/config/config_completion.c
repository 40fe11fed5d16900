/* What bash, zsh and fish read to complete phpsrv's command line, derived from the table of options.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "base/buffer.h"
#include "command_line.h"
#include "options.h"

const char *const psv_config_shell_texts[] = {"bash", "zsh", "fish", NULL};

/* What can be said about a value while it is typed. */
enum value_kind { VALUE_NONE, VALUE_BOOL, VALUE_CHOICE, VALUE_FILE, VALUE_FOLDER, VALUE_OTHER };

/* Options and commands look the same on the command line. */
struct word {
    const char *name;
    const char *help;
    const char *value_name;
    const char *const *choices;
    enum value_kind kind;
    char short_name;
    bool is_list;
};

static enum value_kind kind_of(const char *value_name, const char *const *choices, bool is_bool)
{
    if (is_bool) {
        return VALUE_BOOL;
    }
    if (value_name == NULL) {
        return VALUE_NONE;
    }
    if (choices != NULL) {
        return VALUE_CHOICE;
    }
    if (strcmp(value_name, "FILE") == 0 || strcmp(value_name, "FILE[,N]") == 0) {
        return VALUE_FILE;
    }
    return strcmp(value_name, "DIR") == 0 ? VALUE_FOLDER : VALUE_OTHER;
}

/* Options first, then the commands that --help shows; false behind the last. */
static bool word_at(size_t i, struct word *ret)
{
    if (i < psv_options_len) {
        const struct psv_option *option = &psv_options[i];
        *ret = (struct word){
            .name = option->command_line,
            .help = option->help,
            .value_name = option->value_name,
            .choices = option->choices,
            .kind = kind_of(option->value_name, option->choices, option->type == PSV_OPTION_BOOL),
            .short_name = option->short_name,
            .is_list = option->type == PSV_OPTION_LIST,
        };
        return true;
    }
    if (i - psv_options_len >= psv_commands_len) {
        return false;
    }
    const struct psv_command *command = &psv_commands[i - psv_options_len];
    *ret = (struct word){
        .name = command->name,
        .help = command->help,
        .value_name = command->value_name,
        .kind = kind_of(command->value_name, command->choices, false),
        .short_name = command->short_name,
    };
    return true;
}

static bool is_shown(const struct word *word)
{
    return word->help != NULL;
}

/* The help of "--no-name" is that it is the opposite of "--name". */
static int append_opposite(struct psv_buffer *out, const struct word *word)
{
    return psv_buffer_printf(out, "the opposite of --%s", word->name);
}

static int append_choices(struct psv_buffer *out, const struct word *word)
{
    int result = 0;
    for (size_t i = 0; word->choices[i] != NULL && result == 0; i++) {
        result = psv_buffer_printf(out, "%s%s", i > 0 ? " " : "", word->choices[i]);
    }
    return result;
}

/* text with `special` bytes escaped by what is in front of them. */
static int append_escaped(struct psv_buffer *out, const char *text, const char *special, const char *escape)
{
    int result = 0;
    for (; *text != '\0' && result == 0; text++) {
        if (*text == '\'') {
            result = psv_buffer_printf(out, "'\\''"); /* both shells: end the quotes, a quote, begin again */
            continue;
        }
        if (strchr(special, *text) != NULL) {
            result = psv_buffer_printf(out, "%s", escape);
        }
        if (result == 0) {
            result = psv_buffer_append_byte(out, *text);
        }
    }
    return result;
}

/* ---- bash */

/* "--workers|-w" of the options of one kind, for a case label; *ret_any: there was one. */
static int bash_label(struct psv_buffer *out, const struct word *word, bool *any)
{
    int result = psv_buffer_printf(out, "%s--%s", *any ? "|" : "", word->name);
    if (result == 0 && word->short_name != 0) {
        result = psv_buffer_printf(out, "|-%c", word->short_name);
    }
    *any = true;
    return result;
}

static int bash_case(struct psv_buffer *out, enum value_kind kind, const char *action)
{
    struct word word;
    bool any = false;
    int result = psv_buffer_printf(out, "    ");
    for (size_t i = 0; word_at(i, &word) && result == 0; i++) {
        if (is_shown(&word) && word.kind == kind) {
            result = bash_label(out, &word, &any);
        }
    }
    return result != 0 ? result : psv_buffer_printf(out, ") %s ;;\n", action);
}

static int bash_choices(struct psv_buffer *out)
{
    struct word word;
    int result = 0;
    for (size_t i = 0; word_at(i, &word) && result == 0; i++) {
        if (!is_shown(&word) || word.kind != VALUE_CHOICE) {
            continue;
        }
        bool any = false;
        result = psv_buffer_printf(out, "    ");
        if (result == 0) {
            result = bash_label(out, &word, &any);
        }
        if (result == 0) {
            result = psv_buffer_printf(out, ") words='");
        }
        if (result == 0) {
            result = append_choices(out, &word);
        }
        if (result == 0) {
            result = psv_buffer_printf(out, "' ;;\n");
        }
    }
    return result;
}

static int bash_names(struct psv_buffer *out)
{
    struct word word;
    int result = 0;
    for (size_t i = 0; word_at(i, &word) && result == 0; i++) {
        if (is_shown(&word)) {
            result = psv_buffer_printf(out, " --%s", word.name);
        }
        if (result == 0 && is_shown(&word) && word.kind == VALUE_BOOL) {
            result = psv_buffer_printf(out, " --no-%s", word.name);
        }
    }
    return result;
}

static int bash_verbs(struct psv_buffer *out)
{
    int result = 0;
    for (size_t i = 0; i < psv_verbs_len && result == 0; i++) {
        result = psv_buffer_printf(out, " %s", psv_verbs[i].name);
    }
    return result;
}

static int append_bash(struct psv_buffer *out)
{
    /* "=" is a word of its own in COMP_WORDS unless somebody took it out of COMP_WORDBREAKS. */
    static const char head[] = "_phpsrv()\n{\n"
                               "    local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - "
                               "1]} words='' equals=''\n"
                               "    COMPREPLY=()\n"
                               "    if [[ $current == '=' ]]; then\n"
                               "        current='' equals=1\n"
                               "    elif [[ $option == '=' ]]; then\n"
                               "        option=${COMP_WORDS[COMP_CWORD - 2]} equals=1\n"
                               "    fi\n"
                               "    case $option in\n";
    int result = psv_buffer_append(out, head, sizeof(head) - 1);
    if (result == 0) {
        result =
            bash_case(out, VALUE_FILE,
                      "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); return");
    }
    if (result == 0) {
        result =
            bash_case(out, VALUE_FOLDER,
                      "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$current\"); return");
    }
    if (result == 0) {
        result = bash_case(out, VALUE_BOOL, "[[ -z $equals ]] || words='true false'");
    }
    if (result == 0) {
        result = bash_choices(out);
    }
    if (result == 0) {
        result = bash_case(out, VALUE_OTHER, "return");
    }
    if (result == 0) {
        result = psv_buffer_printf(out, "    esac\n"
                                        "    if [[ -z $words && -z $equals && $current == -* ]]; then\n"
                                        "        words='");
    }
    if (result == 0) {
        result = bash_names(out);
    }
    if (result == 0) {
        result = psv_buffer_printf(
            out, "'\n    elif [[ -z $words && -z $equals && $COMP_CWORD -eq 1 ]]; then\n        words='");
    }
    if (result == 0) {
        result = bash_verbs(out);
    }
    static const char tail[] = "'\n    elif [[ -z $words && -z $equals && ${COMP_WORDS[1]} == run ]]; then\n"
                               "        compopt -o filenames\n"
                               "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
                               "        return\n"
                               "    fi\n"
                               "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
                               "}\n"
                               "complete -F _phpsrv phpsrv\n";
    return result != 0 ? result : psv_buffer_append(out, tail, sizeof(tail) - 1);
}

/* ---- zsh */

static int zsh_value(struct psv_buffer *out, const struct word *word)
{
    int result = psv_buffer_printf(out, ":");
    if (result == 0) {
        result = append_escaped(out, word->value_name, ":", "\\");
    }
    switch (word->kind) {
    case VALUE_NONE:
    case VALUE_BOOL:
        break;
    case VALUE_CHOICE:
        result = result != 0 ? result : psv_buffer_printf(out, ":(");
        result = result != 0 ? result : append_choices(out, word);
        return result != 0 ? result : psv_buffer_append_byte(out, ')');
    case VALUE_FILE:
        return result != 0 ? result : psv_buffer_printf(out, ":_files");
    case VALUE_FOLDER:
        return result != 0 ? result : psv_buffer_printf(out, ":_files -/");
    case VALUE_OTHER:
        return result != 0 ? result : psv_buffer_printf(out, ": ");
    }
    return result;
}

/* One spec of _arguments: '*--redirect=[help]:RULE: '. */
static int zsh_spec(struct psv_buffer *out, const struct word *word, const char *prefix, const char *name)
{
    bool has_value = word->value_name != NULL;
    const char *dashes = name[1] == '\0' ? "-" : "--";
    int result =
        psv_buffer_printf(out, "        '%s%s%s%s%s[", word->is_list ? "*" : "", dashes, prefix, name,
                          !has_value        ? ""
                          : name[1] == '\0' ? "+"
                                            : "=");
    if (result == 0) {
        result =
            *prefix != '\0' ? append_opposite(out, word) : append_escaped(out, word->help, "[]:\\", "\\");
    }
    if (result == 0) {
        result = psv_buffer_append_byte(out, ']');
    }
    if (result == 0 && has_value) {
        result = zsh_value(out, word);
    }
    return result != 0 ? result : psv_buffer_printf(out, "'\n");
}

static int zsh_word(struct psv_buffer *out, const struct word *word)
{
    char letter[2] = {word->short_name, '\0'};
    int result = zsh_spec(out, word, "", word->name);
    if (result == 0 && word->short_name != 0) {
        result = zsh_spec(out, word, "", letter);
    }
    if (result == 0 && word->kind == VALUE_BOOL) {
        result = zsh_spec(out, word, "no-", word->name);
    }
    return result;
}

static int append_zsh(struct psv_buffer *out)
{
    struct word word;
    int result = psv_buffer_printf(out, "_phpsrv()\n{\n    local -a specs verbs\n    specs=(\n");
    for (size_t i = 0; word_at(i, &word) && result == 0; i++) {
        if (is_shown(&word)) {
            result = zsh_word(out, &word);
        }
    }
    if (result == 0) {
        result = psv_buffer_printf(out, "    )\n    verbs=(\n");
    }
    for (size_t i = 0; i < psv_verbs_len && result == 0; i++) {
        result = psv_buffer_printf(out, "        '%s:", psv_verbs[i].name);
        result = result != 0 ? result : append_escaped(out, psv_verbs[i].help, ":\\", "\\");
        result = result != 0 ? result : psv_buffer_printf(out, "'\n");
    }
    static const char tail[] = "    )\n"
                               "    _arguments -S $specs '1: :{_describe command verbs}' '*: :_files'\n"
                               "}\n"
                               "if [[ $funcstack[1] == _phpsrv ]]; then _phpsrv \"$@\"; else compdef _phpsrv "
                               "phpsrv; fi\n";
    return result != 0 ? result : psv_buffer_append(out, tail, sizeof(tail) - 1);
}

/* ---- fish */

static int fish_value(struct psv_buffer *out, const struct word *word)
{
    int result = 0;
    switch (word->kind) {
    case VALUE_NONE:
    case VALUE_BOOL:
        return 0;
    case VALUE_CHOICE:
        result = psv_buffer_printf(out, " -x -a '");
        result = result != 0 ? result : append_choices(out, word);
        return result != 0 ? result : psv_buffer_append_byte(out, '\'');
    case VALUE_FILE:
        return psv_buffer_printf(out, " -r -F");
    case VALUE_FOLDER:
        return psv_buffer_printf(out, " -x -a '(__fish_complete_directories)'");
    case VALUE_OTHER:
        return psv_buffer_printf(out, " -x");
    }
    return 0;
}

static int fish_word(struct psv_buffer *out, const struct word *word, const char *prefix)
{
    int result = psv_buffer_printf(out, "complete -c phpsrv -l %s%s", prefix, word->name);
    if (result == 0 && word->short_name != 0 && *prefix == '\0') {
        result = psv_buffer_printf(out, " -s %c", word->short_name);
    }
    if (result == 0) {
        result = fish_value(out, word);
    }
    if (result == 0) {
        result = psv_buffer_printf(out, " -d '");
    }
    if (result == 0) {
        result = *prefix != '\0' ? append_opposite(out, word) : append_escaped(out, word->help, "\\", "\\");
    }
    return result != 0 ? result : psv_buffer_printf(out, "'\n");
}

static int append_fish(struct psv_buffer *out)
{
    struct word word;
    int result = psv_buffer_printf(out, "complete -c phpsrv -f\n");
    for (size_t i = 0; i < psv_verbs_len && result == 0; i++) {
        result = psv_buffer_printf(out, "complete -c phpsrv -n __fish_use_subcommand -a %s -d '",
                                   psv_verbs[i].name);
        result = result != 0 ? result : append_escaped(out, psv_verbs[i].help, "\\", "\\");
        result = result != 0 ? result : psv_buffer_printf(out, "'\n");
    }
    if (result == 0) {
        result = psv_buffer_printf(out, "complete -c phpsrv -n '__fish_seen_subcommand_from run' -F\n");
    }
    for (size_t i = 0; word_at(i, &word) && result == 0; i++) {
        if (!is_shown(&word)) {
            continue;
        }
        result = fish_word(out, &word, "");
        if (result == 0 && word.kind == VALUE_BOOL) {
            result = fish_word(out, &word, "no-");
        }
    }
    return result;
}

int psv_config_format_completion(struct psv_buffer *out, enum psv_config_shell shell)
{
    /* zsh looks at the first line for the command's name. */
    int result = shell == PSV_CONFIG_SHELL_ZSH ? psv_buffer_printf(out, "#compdef phpsrv\n") : 0;
    if (result == 0) {
        result = psv_buffer_printf(out,
                                   "# SPDX-License-Identifier: MIT\n"
                                   "# Made by phpsrv --print-completion %s; do not edit.\n",
                                   psv_config_shell_texts[shell]);
    }
    if (result != 0) {
        return result;
    }
    switch (shell) {
    case PSV_CONFIG_SHELL_BASH:
        return append_bash(out);
    case PSV_CONFIG_SHELL_ZSH:
        return append_zsh(out);
    case PSV_CONFIG_SHELL_FISH:
        return append_fish(out);
    }
    return 0;
}
