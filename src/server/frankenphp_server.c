/* See frankenphp_server.h.
 *
 * SPDX-License-Identifier: MIT */
#include "frankenphp_server.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text_parse.h"
#include "config/command_line.h"
#include "os/socket.h"
#include "server/frankenphp_arguments.h"

#define HTTP_PORT 80
#define HTTPS_PORT 443
#define ADMIN_PORT "2019"

/* ---- what all verbs have in common */

static bool is_address(struct psv_bytes host)
{
    struct psv_socket_address address;
    struct psv_error error;
    char text[300];

    (void)snprintf(text, sizeof(text), "%.*s:1", PSV_BYTES_ARG(host));
    return psv_socket_parse_address(psv_bytes_of(text), &address, &error) == PSV_OK;
}

/* "host:port", "host", ":port", "[::1]:port", "[::1]". */
static bool split_port(struct psv_bytes text, struct psv_bytes *ret_host, uint64_t *ret_port)
{
    size_t colon = psv_bytes_find_last(text, ':');
    bool has_port = colon < text.len && !psv_bytes_ends_with_case(text, PSV_BYTES("]"));

    *ret_host = has_port ? psv_bytes_first(text, colon) : text;
    *ret_port = 0;
    return !has_port || (psv_parse_u64(psv_bytes_from(text, colon + 1), ret_port) == PSV_OK &&
                         *ret_port >= 1 && *ret_port <= 65535);
}

int psv_frankenphp_parse_site(const char *text, struct psv_frankenphp_site *ret_site,
                              struct psv_error *reterr)
{
    struct psv_bytes rest = psv_bytes_of(text);
    bool has_scheme = false;
    struct psv_bytes host;
    uint64_t port;

    *ret_site = (struct psv_frankenphp_site){0};
    if (psv_bytes_starts_with_case(rest, PSV_BYTES("https://"))) {
        has_scheme = ret_site->is_secure = true;
        rest = psv_bytes_from(rest, strlen("https://"));
    } else if (psv_bytes_starts_with_case(rest, PSV_BYTES("http://"))) {
        has_scheme = true;
        rest = psv_bytes_from(rest, strlen("http://"));
    }
    if (!split_port(rest, &host, &port) || host.len >= sizeof(ret_site->host) ||
        (host.len == 0 && port == 0) || strpbrk(text, ", \t{}*") != NULL ||
        psv_bytes_find(host, '/') < host.len) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "\"%.200s\" is not one address of a site, such as http://:8000, "
                             "https://example.org or 127.0.0.1:8080",
                             text);
    }
    if (!has_scheme) { /* a host alone means TLS, as Caddy has it */
        ret_site->is_secure = port == HTTPS_PORT || (port == 0 && host.len > 0);
    }
    ret_site->port = port != 0 ? (unsigned)port : ret_site->is_secure ? HTTPS_PORT : HTTP_PORT;
    if (host.len > 0 && !is_address(host)) {
        memcpy(ret_site->host, host.data, host.len);
        host = PSV_BYTES("");
    }
    (void)snprintf(ret_site->listen, sizeof(ret_site->listen), "%.*s:%u", PSV_BYTES_ARG(host),
                   ret_site->port);
    return PSV_OK;
}

static bool has_certificate(const struct psv_frankenphp_arguments *list)
{
    return *psv_frankenphp_variable(list, "PHPSRV_TLS_CERT") != '\0' ||
           *psv_frankenphp_variable(list, PSV_CONFIG_FILE_ENVIRONMENT) != '\0';
}

int psv_frankenphp_add_site(struct psv_frankenphp_arguments *list, const struct psv_frankenphp_site *site,
                            bool redirects, struct psv_error *reterr)
{
    if (!site->is_secure) {
        psv_frankenphp_add_option(list, "listen", "%s", site->listen);
    } else if (!has_certificate(list)) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "https was asked for, and phpsrv gets no certificates by itself: name files in "
                             "PHPSRV_TLS_CERT and PHPSRV_TLS_KEY");
    } else {
        psv_frankenphp_add_option(list, "tls-listen", "%s", site->listen);
        psv_frankenphp_add_option(list, "listen", "%s", redirects ? ":80" : "");
        if (redirects) {
            psv_frankenphp_add_option(list, "tls-redirect-port", "%u", site->port);
        }
    }
    if (site->host[0] != '\0') {
        psv_frankenphp_add_option(list, "host", "%s", site->host);
    }
    return PSV_OK;
}

void psv_frankenphp_add_habits(struct psv_frankenphp_arguments *list)
{
    psv_frankenphp_add_default(list, "sapi-name", "frankenphp");
    psv_frankenphp_add_default(list, "php-time-limit", "wall");
    psv_frankenphp_add_default(list, "static-follow-symlinks", "true");
    psv_frankenphp_add_default(list, "asset-extensions", "");
}

void psv_frankenphp_add_admin(struct psv_frankenphp_arguments *list, const char *host, const char *port)
{
    const char *caddy = psv_frankenphp_variable(list, "CADDY_ADMIN");

    if (*host == '\0' && *port == '\0' && strcmp(caddy, "off") == 0) {
        return;
    }
    if (*host == '\0' && *port == '\0' && *caddy != '\0') {
        psv_frankenphp_add_option(list, "internal", "%s", caddy);
    } else {
        bool is_bare = strchr(host, ':') != NULL && *host != '['; /* an address of IPv6 */
        psv_frankenphp_add_option(list, "internal", "%s%s%s:%s", is_bare ? "[" : "",
                                  *host != '\0' ? host : "localhost", is_bare ? "]" : "",
                                  *port != '\0' ? port : ADMIN_PORT);
    }
    psv_frankenphp_add(list, "--internal-frankenphp");
}

void psv_frankenphp_add_logs(struct psv_frankenphp_arguments *list, bool is_json, bool has_access)
{
    psv_frankenphp_add_default(list, "log-format", is_json ? "caddy" : "text");
    if (has_access) {
        psv_frankenphp_add_default(list, "log-access", is_json ? "caddy" : "short");
        psv_frankenphp_add_default(list, "log-access-path", "stderr");
    }
}

/* ---- php-server */

/* What its flags say. */
struct wishes {
    const char *root;
    const char *listen;
    const char *domain;
    bool has_access_log;
    bool has_debug;
    bool has_no_compress;
    bool has_mercure;
};

enum flag { ROOT, LISTEN, DOMAIN, WORKER, WATCH, ACCESS_LOG, DEBUG, NO_COMPRESS, MERCURE };

static const struct {
    const char *name;
    char letter;
    bool has_value;
    enum flag flag;
} flags[] = {
    {"root", 'r', true, ROOT},        {"listen", 'l', true, LISTEN},
    {"domain", 'd', true, DOMAIN},    {"worker", 'w', true, WORKER},
    {"watch", 0, true, WATCH},        {"access-log", 'a', false, ACCESS_LOG},
    {"debug", 'v', false, DEBUG},     {"no-compress", 0, false, NO_COMPRESS},
    {"mercure", 'm', false, MERCURE},
};

static void note(struct psv_frankenphp_arguments *list, struct wishes *wishes, enum flag flag,
                 const char *value)
{
    switch (flag) {
    case ROOT:
        wishes->root = value;
        break;
    case LISTEN:
        wishes->listen = value;
        break;
    case DOMAIN:
        wishes->domain = value;
        break;
    case WORKER:
        psv_frankenphp_add_option(list, "worker", "%s", value);
        break;
    case WATCH:
        psv_frankenphp_add_option(list, "watch", "%s", value);
        break;
    case ACCESS_LOG:
        wishes->has_access_log = true;
        break;
    case DEBUG:
        wishes->has_debug = true;
        break;
    case NO_COMPRESS:
        wishes->has_no_compress = true;
        break;
    case MERCURE:
        wishes->has_mercure = true;
        break;
    }
}

/* The flag that an argument names, and what follows in it: "" nothing, "=..." or "..." a value. */
static int find_flag(const char *argument, const char **ret_rest)
{
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        size_t len = strlen(flags[i].name);
        if (strncmp(argument, "--", 2) == 0 && strncmp(argument + 2, flags[i].name, len) == 0 &&
            (argument[2 + len] == '\0' || argument[2 + len] == '=')) {
            *ret_rest = argument + 2 + len;
            return (int)i;
        }
        if (flags[i].letter != 0 && argument[0] == '-' && argument[1] == flags[i].letter) {
            *ret_rest = argument + 2;
            return (int)i;
        }
    }
    return -1;
}

static int read_flags(struct psv_frankenphp_arguments *list, struct wishes *wishes, char *const *arguments,
                      struct psv_error *reterr)
{
    for (; *arguments != NULL; arguments++) {
        const char *rest = "";
        int at = find_flag(*arguments, &rest);
        if (at < 0 || (!flags[at].has_value && *rest != '\0')) {
            return psv_error_set(reterr, PSV_EINVAL,
                                 "frankenphp php-server: %.100s is not known here; \"frankenphp help\" "
                                 "lists what is",
                                 *arguments);
        }
        if (flags[at].has_value && *rest == '\0') {
            rest = *++arguments;
            if (rest == NULL) {
                return psv_error_set(reterr, PSV_EINVAL, "frankenphp php-server: --%s needs a value",
                                     flags[at].name);
            }
        }
        note(list, wishes, flags[at].flag, *rest == '=' ? rest + 1 : rest);
    }
    return PSV_OK;
}

/* --listen says where, --domain who: with a domain it is TLS. */
static int add_addresses(struct psv_frankenphp_arguments *list, const struct wishes *wishes,
                         struct psv_error *reterr)
{
    struct psv_frankenphp_site site;
    struct psv_frankenphp_site domain = {0};
    const char *listen = wishes->listen;
    int code = PSV_OK;

    if (wishes->domain != NULL) {
        code = psv_frankenphp_parse_site(wishes->domain, &domain, reterr);
    }
    if (listen == NULL) {
        listen = wishes->domain != NULL ? ":443" : ":80";
    }
    if (code == PSV_OK) {
        code = psv_frankenphp_parse_site(listen, &site, reterr);
    }
    if (code != PSV_OK) {
        return code;
    }
    site.is_secure = wishes->domain != NULL;
    memcpy(site.host, domain.host, sizeof(site.host));
    return psv_frankenphp_add_site(list, &site, false, reterr);
}

int psv_frankenphp_server(struct psv_frankenphp_arguments *list, char *const *arguments, bool is_terminal,
                          struct psv_error *reterr)
{
    struct wishes wishes = {.root = "."};
    int code = read_flags(list, &wishes, arguments, reterr);

    if (code == PSV_OK && wishes.has_mercure) {
        code = psv_error_set(reterr, PSV_EINVAL,
                             "frankenphp php-server: there is no Mercure hub in phpsrv; run one beside it");
    }
    if (code == PSV_OK) {
        code = add_addresses(list, &wishes, reterr);
    }
    if (code != PSV_OK) {
        return code;
    }
    psv_frankenphp_add_option(list, "docroot", "%s", wishes.root);
    psv_frankenphp_add_option(list, "fallback", "/index.php");
    psv_frankenphp_add_habits(list);
    psv_frankenphp_add_admin(list, "", "");
    psv_frankenphp_add_logs(list, !is_terminal, wishes.has_access_log);
    if (wishes.has_debug) {
        psv_frankenphp_add_option(list, "log-level", "debug");
    }
    if (wishes.has_no_compress) {
        psv_frankenphp_add_option(list, "compress-codings", "off");
    }
    return PSV_OK;
}
