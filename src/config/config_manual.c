/* phpsrv(8), derived from the table of options, in the man macros that groff and mandoc both know.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "command_line.h"
#include "option_value.h"
#include "options.h"

/* The texts between the lists that come from tables: roff as it stands. */
static const char before_options[] =
    ".SH DESCRIPTION\n"
    "phpsrv is one program that serves a PHP site by itself: PHP is inside, in as many threads as there are\n"
    "workers, with HTTP/1.1, HTTP/2, TLS, static files and metrics around it.\n"
    ".PP\n"
    "A small supervisor process holds the ports and starts the server process; when that crashes it is "
    "started\n"
    "again, and a reload starts a new one beside the old one, so that no request is lost.\n"
    ".PP\n"
    "Each option can be given on the command line, in the environment or in a TOML file; the first of these\n"
    "wins, and the default comes last. Lists are joined. Names that are not known are errors everywhere.\n"
    ".PP\n"
    "Several sites by host, and prefixes of their paths, are tables of the file: [[sites]] with hosts, and\n"
    "[[prefixes]] or [[sites.prefixes]] with prefix, have values of their own for options that say so.\n"
    ".PP\n"
    "A size is a number of bytes or has a unit: 64K, 16M, 1G (powers of 1024). A duration is a number of\n"
    "milliseconds or has a unit: 500ms, 30s, 5m, 1h. In TOML those with a unit are texts: \\(dq30s\\(dq.\n";

static const char after_options[] =
    ".SH SIGNALS\n"
    "To the supervisor, which is the process that was started:\n"
    ".TP\n.B SIGTERM\\fR, \\fBSIGINT\n"
    "No new connections; what runs is finished, then the program ends. A second one ends it at once.\n"
    ".TP\n.B SIGHUP\\fR, \\fBSIGUSR2\n"
    "Reload: a new server is started with the program, configuration and php.ini of now, and takes over when "
    "it\n"
    "is ready. When it does not become ready, the log says why and the old one goes on.\n"
    ".TP\n.B SIGUSR1\n"
    "Opens the log files again (after logrotate).\n"
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\nEnded as it was asked to.\n"
    ".TP\n.B 1\nIt could not start or print, or was ended by a second signal.\n"
    ".TP\n.B " STRINGIFY(
        PSV_CONFIG_EXIT_CODE) "\nThe configuration is wrong; standard error has one sentence about it.\n"
                              ".PP\n"
                              "After\n.B phpsrv run\nit is the script's.\n"
                              ".SH ENVIRONMENT\n"
                              "Each option names its variable. An empty one counts as not set; any other "
                              "variable that begins with\n"
                              "PHPSRV_ is an error.\n"
                              ".TP\n.B " PSV_CONFIG_FILE_ENVIRONMENT
                              "\nThe file that\n.B \\-\\-config\nwould name.\n"
                              ".TP\n.B LISTEN_FDS\\fR, \\fBLISTEN_FDNAMES\n"
                              "Sockets of a service manager (see\n.BR systemd.socket (5)):\n"
                              "the one named tls is for TLS, internal for the internal listener, all others "
                              "for the site; they are used\n"
                              "instead of the addresses of the configuration.\n"
                              ".TP\n.B NOTIFY_SOCKET\\fR, \\fBWATCHDOG_USEC\n"
                              "The service manager is told about readiness, reloads, the end, and that the "
                              "server is alive (see\n"
                              ".BR sd_notify (3)).\n"
                              ".SH EXAMPLES\n"
                              "Serve a folder with eight workers, with health and metrics on a port of their "
                              "own:\n"
                              ".PP\n.RS 4\n.EX\n"
                              "phpsrv \\-\\-docroot public \\-\\-workers 8 \\-\\-internal 127.0.0.1:9090 "
                              "\\-d memory_limit=256M\n"
                              ".EE\n.RE\n.PP\n"
                              "Check a configuration, reload a server with it:\n"
                              ".PP\n.RS 4\n.EX\n"
                              "phpsrv \\-\\-config /etc/phpsrv/phpsrv.toml \\-\\-check\\-config && systemctl "
                              "reload phpsrv\n"
                              ".EE\n.RE\n.PP\n"
                              "Run a script on the command line with the server\\(aqs PHP:\n"
                              ".PP\n.RS 4\n.EX\n"
                              "phpsrv run \\-\\-config /etc/phpsrv/phpsrv.toml bin/console cache:clear\n"
                              ".EE\n.RE\n"
                              ".SH SEE ALSO\n"
                              ".BR systemd.socket (5),\n.BR logrotate (8)\n";

/* Text with everything that roff would take for something else written as an escape.  The caller has begun a
 * line; a text that begins with a dot gets no special meaning from it. */
static int append_text(struct psv_buffer *out, const char *text)
{
    static const char *const escapes[256] = {
        ['\\'] = "\\e",  ['-'] = "\\-",   ['\''] = "\\(aq", ['`'] = "\\(ga",
        ['~'] = "\\(ti", ['^'] = "\\(ha", ['"'] = "\\(dq",
    };
    int result = *text == '.' ? psv_buffer_printf(out, "\\&") : 0;
    for (; *text != '\0' && result == 0; text++) {
        const char *escape = escapes[(unsigned char)*text];
        result = escape != NULL ? psv_buffer_printf(out, "%s", escape) : psv_buffer_append_byte(out, *text);
        if (result == 0 && *text == ',' && text[1] != ' ') {
            result = psv_buffer_printf(out, "\\:"); /* a line may end here: lists are long */
        }
    }
    return result;
}

/* A row's head: ".TP" and the names, bold, the value's name in italics. */
static int append_names(struct psv_buffer *out, char short_name, const char *name, const char *value_name,
                        bool is_bool)
{
    int result = psv_buffer_printf(out, ".TP\n");
    if (result == 0 && short_name != 0) {
        result = psv_buffer_printf(out, "\\fB\\-%c\\fR, ", short_name);
    }
    if (result == 0) {
        result = psv_buffer_printf(out, "\\fB\\-\\-%s", is_bool ? "\\fR[\\fBno\\-\\fR]\\fB" : "");
    }
    if (result == 0) {
        result = append_text(out, name);
    }
    if (result == 0 && value_name != NULL) {
        result = psv_buffer_printf(out, "\\fR \\fI%s", value_name);
    }
    return result != 0 ? result : psv_buffer_printf(out, "\\fR\n");
}

static int append_sentence(struct psv_buffer *out, const char *text)
{
    char first[2] = {psv_ascii_upper(text[0]), '\0'};
    int result = append_text(out, first);
    if (result == 0) {
        result = append_text(out, text + 1);
    }
    return result != 0 ? result : psv_buffer_printf(out, ".\n");
}

static int append_option(struct psv_buffer *out, const struct psv_option *option)
{
    char described[PSV_OPTION_EXPECTED_BYTES];
    char facts[PSV_OPTION_EXPECTED_BYTES + 1024];
    psv_option_describe(option, described);
    int result = append_names(out, option->short_name, option->command_line, option->value_name,
                              option->type == PSV_OPTION_BOOL);
    if (result == 0) {
        result = append_sentence(out, option->help);
    }
    (void)snprintf(facts, sizeof(facts), "%s in TOML, %s; %s%s; default: %s; takes effect on %s%s",
                   option->path, option->environment,
                   option->type == PSV_OPTION_LIST ? "list of which each item is " : "", described,
                   option->default_text[0] != '\0' ? option->default_text : "empty",
                   option->needs_restart ? "restart" : "reload",
                   option->is_per_site    ? "; for the server or a site"
                   : option->is_per_scope ? "; for the server, a site or a prefix"
                                          : "");
    if (result == 0) {
        result = psv_buffer_printf(out, ".br\n");
    }
    if (result == 0) {
        result = append_text(out, facts);
    }
    return result != 0 ? result : psv_buffer_printf(out, ".\n");
}

static int append_group(struct psv_buffer *out, enum psv_option_group group)
{
    int result = psv_buffer_printf(out, ".SS %s\n", psv_option_group_text(group));
    for (size_t i = 0; i < psv_options_len && result == 0; i++) {
        if (psv_options[i].group == group) {
            result = append_option(out, &psv_options[i]);
        }
    }
    return result;
}

static int append_commands(struct psv_buffer *out)
{
    int result = psv_buffer_printf(out, ".SS Actions\n");
    for (size_t i = 0; i < psv_commands_len && result == 0; i++) {
        const struct psv_command *command = &psv_commands[i];
        if (command->help == NULL) {
            continue;
        }
        result = append_names(out, command->short_name, command->name, command->value_name, false);
        if (result == 0) {
            result = append_sentence(out, command->help);
        }
    }
    return result;
}

static int append_verbs(struct psv_buffer *out)
{
    int result = psv_buffer_printf(out, ".SH COMMANDS\n");
    for (size_t i = 0; i < psv_verbs_len && result == 0; i++) {
        const struct psv_verb *verb = &psv_verbs[i];
        result = psv_buffer_printf(out, ".TP\n\\fBphpsrv %s\\fR [\\fIOPTION\\fR]... \\fI%s\\fR\n", verb->name,
                                   verb->operands);
        if (result == 0) {
            result = append_sentence(out, verb->help);
        }
    }
    return result;
}

static int append_head(struct psv_buffer *out, const char *version, const char *date)
{
    int result = psv_buffer_printf(out,
                                   ".\\\" SPDX-License-Identifier: MIT\n"
                                   ".\\\" Made by phpsrv --print-man-page; do not edit.\n"
                                   ".TH PHPSRV 8 %s \"phpsrv %s\" \"System administration\"\n"
                                   ".nh\n.ad l\n"
                                   ".SH NAME\nphpsrv \\- application server for PHP\n"
                                   ".SH SYNOPSIS\n.B phpsrv\n.RI [ OPTION ]...\\&\n",
                                   date, version);
    for (size_t i = 0; i < psv_verbs_len && result == 0; i++) {
        result = psv_buffer_printf(out, ".br\n.B phpsrv %s\n.RI [ OPTION ]...\\&\n.I %s\n", psv_verbs[i].name,
                                   psv_verbs[i].operands);
    }
    return result;
}

int psv_config_format_manual(struct psv_buffer *out, const char *version, const char *date)
{
    int result = append_head(out, version, date);
    if (result == 0) {
        result = psv_buffer_append(out, before_options, sizeof(before_options) - 1);
    }
    if (result == 0) {
        result = append_verbs(out);
    }
    if (result == 0) {
        result = psv_buffer_printf(out, ".SH OPTIONS\n");
    }
    for (int group = 0; group < PSV_OPTION_GROUP_COUNT && result == 0; group++) {
        result = append_group(out, (enum psv_option_group)group);
    }
    if (result == 0) {
        result = append_commands(out);
    }
    return result != 0 ? result : psv_buffer_append(out, after_options, sizeof(after_options) - 1);
}
