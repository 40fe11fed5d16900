/* "--name value", "--name=value", "--no-name", "-n value", "-nvalue".  [boot].  Knows names, not what values
 * mean.
 *
 * SPDX-License-Identifier: MIT */
#include "command_line.h"

#include <limits.h>

#include "base/text_parse.h"
#include "option_value.h"

const struct psv_command psv_commands[] = {
    {.name = "config", .short_name = 'c', .value_name = "FILE", .help = "read this TOML file"},
    {.name = "check-config", .action = PSV_CONFIG_ACTION_CHECK, .help = "check the configuration and exit"},
    {.name = "dump-config",
     .action = PSV_CONFIG_ACTION_DUMP,
     .help = "print the effective configuration, with the origin of each value, and exit"},
    {.name = "help", .short_name = 'h', .action = PSV_CONFIG_ACTION_HELP, .help = "print this text and exit"},
    {.name = "version",
     .short_name = 'V',
     .action = PSV_CONFIG_ACTION_VERSION,
     .help = "print versions and exit"},
    {.name = "print-example-config", .action = PSV_CONFIG_ACTION_PRINT_EXAMPLE},
    {.name = "print-options-reference", .action = PSV_CONFIG_ACTION_PRINT_REFERENCE},
    {.name = "print-metrics-reference", .action = PSV_CONFIG_ACTION_PRINT_METRICS},
    {.name = "print-man-page", .action = PSV_CONFIG_ACTION_PRINT_MANUAL},
    {.name = "print-completion",
     .value_name = "bash|zsh|fish",
     .choices = psv_config_shell_texts,
     .action = PSV_CONFIG_ACTION_PRINT_COMPLETION},
};
const size_t psv_commands_len = ARRAY_SIZE(psv_commands);

const struct psv_verb psv_verbs[] = {
    {"run", "SCRIPT [ARGUMENT]...",
     "run a script on the command line with the server's PHP and settings, without a server",
     "no script given: phpsrv run [OPTION]... SCRIPT [ARGUMENT]...", PSV_CONFIG_ACTION_SCRIPT, false},
    {"route", "URL", "say what would answer this URL, and why",
     "one URL is needed: phpsrv route [OPTION]... URL", PSV_CONFIG_ACTION_ROUTE, false},
    {"health", "[URL]", "ask a running server how it is: exit code 0 or 1",
     "one URL at most: phpsrv health [OPTION]... [URL]", PSV_CONFIG_ACTION_HEALTH, true},
    /* server/frankenphp_command.c takes the command line before it comes here */
    {"frankenphp", "VERB [ARGUMENT]...",
     "take a command line of FrankenPHP's: run, php-server, php-cli, help",
     "phpsrv frankenphp VERB [ARGUMENT]...", PSV_CONFIG_ACTION_HELP, true},
};
const size_t psv_verbs_len = ARRAY_SIZE(psv_verbs);

/* One argument that names something, taken apart. */
struct argument {
    struct psv_bytes given; /* as it is shown in messages: "--workers", "-w" */
    struct psv_bytes name;  /* "workers"; "no-..." still in front */
    char short_name;        /* or 0 */
    bool has_value;         /* it came with "=" or right after the letter */
    struct psv_bytes value;
};

struct parser {
    int argc;
    char **argv;
    int at;
    struct psv_arena *arena;
    struct psv_command_line *result;
    struct psv_error *reterr;
};

static int refuse_unknown(const struct parser *parser, const struct argument *argument)
{
    char quoted[PSV_OPTION_QUOTE_BYTES];
    psv_option_quote(quoted, argument->given);
    const char *near = NULL;
    unsigned best = UINT_MAX;
    if (argument->short_name == 0) {
        near = psv_option_nearest_command_line(argument->name);
        if (near != NULL) {
            best = psv_edit_distance(argument->name, psv_bytes_of(near));
        }
        for (size_t i = 0; i < psv_commands_len; i++) {
            if (psv_commands[i].help != NULL &&
                psv_option_is_near(argument->name, psv_bytes_of(psv_commands[i].name), &best)) {
                near = psv_commands[i].name;
            }
        }
    }
    if (near == NULL) {
        return psv_error_set(parser->reterr, PSV_EINVAL, "unknown option %s; see \"phpsrv --help\"", quoted);
    }
    return psv_error_set(parser->reterr, PSV_EINVAL, "unknown option %s; did you mean \"--%s\"?", quoted,
                         near);
}

/* The value that came with the argument, or else the next argument. */
static int take_value(struct parser *parser, const struct argument *argument, const char *value_name,
                      struct psv_bytes *ret_value)
{
    if (argument->has_value) {
        *ret_value = argument->value;
        return 0;
    }
    if (parser->at >= parser->argc) {
        return psv_error_set(parser->reterr, PSV_EINVAL, "%.*s needs a value: %.*s %s",
                             PSV_BYTES_ARG(argument->given), PSV_BYTES_ARG(argument->given), value_name);
    }
    *ret_value = psv_bytes_of(parser->argv[parser->at++]);
    return 0;
}

static int refuse_value(const struct parser *parser, const struct argument *argument)
{
    return psv_error_set(parser->reterr, PSV_EINVAL, "%.*s takes no value", PSV_BYTES_ARG(argument->given));
}

static int add_setting(struct parser *parser, const struct argument *argument,
                       const struct psv_option *option, struct psv_bytes value)
{
    struct psv_bytes where = psv_arena_copy(parser->arena, argument->given);
    if (where.data == NULL) {
        return psv_error_set(parser->reterr, PSV_ENOMEM, "out of memory");
    }
    struct psv_command_line *result = parser->result;
    result->settings[result->settings_len++] =
        (struct psv_setting){.option = option, .where = where.data, .value = value};
    return 0;
}

static int parse_option(struct parser *parser, const struct argument *argument,
                        const struct psv_option *option)
{
    struct psv_bytes value = PSV_BYTES("true");
    if (option->type != PSV_OPTION_BOOL) {
        int result = take_value(parser, argument, option->value_name, &value);
        if (result != 0) {
            return result;
        }
    } else if (argument->has_value) {
        value = argument->value;
    }
    return add_setting(parser, argument, option, value);
}

/* The value of a command that takes one of a few. */
static int parse_choice(struct parser *parser, const struct argument *argument,
                        const struct psv_command *command, struct psv_bytes value)
{
    char quoted[PSV_OPTION_QUOTE_BYTES];
    for (unsigned i = 0; command->choices[i] != NULL; i++) {
        if (psv_bytes_equal(value, psv_bytes_of(command->choices[i]))) {
            parser->result->action = command->action;
            parser->result->shell = (enum psv_config_shell)i;
            return 0;
        }
    }
    return psv_error_set(parser->reterr, PSV_EINVAL, "%.*s: %s is none of %s", PSV_BYTES_ARG(argument->given),
                         psv_option_quote(quoted, value), command->value_name);
}

static int parse_command(struct parser *parser, const struct argument *argument,
                         const struct psv_command *command)
{
    if (command->value_name == NULL) {
        if (argument->has_value) {
            return refuse_value(parser, argument);
        }
        parser->result->action = command->action;
        return 0;
    }
    struct psv_bytes value;
    int result = take_value(parser, argument, command->value_name, &value);
    if (result != 0) {
        return result;
    }
    if (command->choices != NULL) {
        return parse_choice(parser, argument, command, value);
    }
    if (value.len == 0) {
        return psv_error_set(parser->reterr, PSV_EINVAL, "%.*s: \"\" is not the path of a file",
                             PSV_BYTES_ARG(argument->given));
    }
    parser->result->config_file = value.data; /* the end of an argument: terminated */
    return 0;
}

static const struct psv_command *find_command(const struct argument *argument)
{
    for (size_t i = 0; i < psv_commands_len; i++) {
        if (argument->short_name != 0 ? psv_commands[i].short_name == argument->short_name
                                      : psv_bytes_equal(psv_bytes_of(psv_commands[i].name), argument->name)) {
            return &psv_commands[i];
        }
    }
    return NULL;
}

/* Takes "--name=value", "-nvalue" apart; false when it is neither. */
static bool split_argument(struct psv_bytes text, struct argument *ret)
{
    *ret = (struct argument){.given = text};
    if (psv_bytes_starts_with(text, PSV_BYTES("--")) && text.len > 2) {
        size_t end = psv_bytes_find(text, '=');
        ret->has_value = end < text.len;
        ret->value = psv_bytes_from(text, end + 1);
        ret->given = psv_bytes_first(text, end);
        ret->name = psv_bytes_from(ret->given, 2);
        return true;
    }
    if (text.len >= 2 && text.data[0] == '-' && text.data[1] != '-') {
        ret->short_name = text.data[1];
        ret->given = psv_bytes_first(text, 2);
        ret->has_value = text.len > 2;
        ret->value = psv_bytes_from(text, 2);
        if (ret->has_value && ret->value.data[0] == '=') {
            ret->value = psv_bytes_from(ret->value, 1);
        }
        return true;
    }
    return false;
}

static int parse_argument(struct parser *parser)
{
    struct psv_bytes text = psv_bytes_of(parser->argv[parser->at++]);
    struct argument argument;
    if (!split_argument(text, &argument)) {
        char quoted[PSV_OPTION_QUOTE_BYTES];
        return psv_error_set(parser->reterr, PSV_EINVAL, "unexpected argument %s; options begin with \"--\"",
                             psv_option_quote(quoted, text));
    }
    const struct psv_command *command = find_command(&argument);
    if (command != NULL) {
        return parse_command(parser, &argument, command);
    }
    const struct psv_option *option = argument.short_name != 0 ? psv_option_find_short(argument.short_name)
                                                               : psv_option_find_command_line(argument.name);
    if (option != NULL) {
        return parse_option(parser, &argument, option);
    }
    if (argument.short_name == 0 && psv_bytes_starts_with(argument.name, PSV_BYTES("no-"))) {
        option = psv_option_find_command_line(psv_bytes_from(argument.name, 3));
        if (option != NULL && option->type == PSV_OPTION_BOOL) {
            return argument.has_value ? refuse_value(parser, &argument)
                                      : add_setting(parser, &argument, option, PSV_BYTES("false"));
        }
    }
    return refuse_unknown(parser, &argument);
}

static const struct psv_verb *find_verb(struct psv_bytes word)
{
    for (size_t i = 0; i < psv_verbs_len; i++) {
        if (psv_bytes_equal(word, psv_bytes_of(psv_verbs[i].name))) {
            return &psv_verbs[i];
        }
    }
    return NULL;
}

int psv_command_line_parse(int argc, char **argv, struct psv_arena *arena, struct psv_command_line *ret,
                           struct psv_error *reterr)
{
    struct psv_command_line result = {.action = PSV_CONFIG_ACTION_RUN};
    result.settings = psv_arena_calloc(arena, (size_t)(argc > 0 ? argc : 1) * sizeof(*result.settings));
    if (result.settings == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    struct parser parser = {
        .argc = argc, .argv = argv, .at = 1, .arena = arena, .result = &result, .reterr = reterr};
    const struct psv_verb *verb = argc > 1 ? find_verb(psv_bytes_of(argv[1])) : NULL;
    if (verb != NULL) {
        result.action = verb->action;
        parser.at++;
    }
    while (parser.at < argc) {
        if (verb != NULL && argv[parser.at][0] != '-') {
            result.operand_at = parser.at;
            break;
        }
        int code = parse_argument(&parser);
        if (code != 0) {
            return code;
        }
        if (result.action == PSV_CONFIG_ACTION_HELP || result.action == PSV_CONFIG_ACTION_VERSION) {
            break;
        }
    }
    if (verb != NULL && result.action == verb->action && result.operand_at == 0 &&
        !verb->is_operand_optional) {
        return psv_error_set(reterr, PSV_EINVAL, "%s", verb->usage);
    }
    if (verb != NULL && verb->action != PSV_CONFIG_ACTION_SCRIPT && result.operand_at + 1 < argc &&
        result.operand_at > 0) {
        return psv_error_set(reterr, PSV_EINVAL, "%s", verb->usage);
    }
    *ret = result;
    return 0;
}
