/* Rules between options, and between options and the machine.  [boot].  Changes nothing.
 *
 * SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "config_origin.h"
#include "config_scopes.h"
#include "config_workers.h"
#include "option_value.h"
#include "options.h"
#include "os/ip_network.h"
#include "os/socket.h"

#define VALUE_BYTES 240

/* `http.body_memory_bytes ("128K", phpsrv.toml:3)`, for sentences about two options. */
struct shown {
    char text[VALUE_BYTES];
};

static const char *show(const struct psv_config_loaded *loaded, const char *path, struct shown *out)
{
    const struct psv_option *option = psv_option_find_path(psv_bytes_of(path));
    INVARIANT(option != NULL);
    char origin[PSV_CONFIG_ORIGIN_BYTES];
    psv_config_origin_format(loaded, option, origin);
    struct psv_buffer value;
    psv_buffer_init(&value, VALUE_BYTES);
    bool is_whole = psv_option_format_toml(option, &loaded->config, &value) == 0;
    (void)snprintf(out->text, sizeof(out->text), "%s (%.*s%s, %.100s)", path, (int)MIN(value.len, (size_t)64),
                   value.data != NULL ? value.data : "", is_whole && value.len <= 64 ? "" : "...", origin);
    psv_buffer_fini(&value);
    return out->text;
}

static int check_path(const struct psv_config_loaded *loaded, const char *option, const char *path,
                      bool is_directory, struct psv_error *reterr)
{
    struct shown shown;
    struct stat status;
    if (stat(path, &status) != 0) {
        int code = errno == ENOENT ? PSV_ENOENT : errno == EACCES ? PSV_EACCESS : PSV_EINVAL;
        return psv_error_set_errno(reterr, code, errno, "%s cannot be used", show(loaded, option, &shown));
    }
    bool is_right = is_directory ? S_ISDIR(status.st_mode) : !S_ISDIR(status.st_mode);
    if (is_right) {
        return 0;
    }
    return psv_error_set(reterr, PSV_EINVAL, "%s is %s", show(loaded, option, &shown),
                         is_directory ? "not a directory" : "a directory");
}

static int check_php(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    const struct psv_config_php *php = &loaded->config.php;
    for (size_t i = 0; i < php->ini_values.len; i++) {
        struct psv_bytes item = psv_bytes_of(php->ini_values.items[i]);
        size_t equals = psv_bytes_find(item, '=');
        char quoted[PSV_OPTION_QUOTE_BYTES];
        if (equals == item.len || psv_bytes_trim(psv_bytes_first(item, equals)).len == 0) {
            return psv_error_set(reterr, PSV_EINVAL,
                                 "php.ini_values: %s is not a setting (such as memory_limit=256M)",
                                 psv_option_quote(quoted, item));
        }
    }
    return php->ini_file[0] != '\0' ? check_path(loaded, "php.ini_file", php->ini_file, false, reterr) : 0;
}

/* A threshold above the limit is harmless when nobody asked for it: a small limit alone needs no second
 * option. */
static int check_body(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    static const char memory[] = "http.body_memory_bytes";
    const struct psv_option *option = psv_option_find_path(PSV_BYTES("http.body_memory_bytes"));
    INVARIANT(option != NULL);
    struct shown small;
    struct shown large;
    if (loaded->config.http.body_memory_bytes <= loaded->config.http.body_bytes_max ||
        loaded->origins[psv_option_index(option)].kind == PSV_CONFIG_ORIGIN_DEFAULT) {
        return 0;
    }
    return psv_error_set(reterr, PSV_EINVAL, "%s is larger than %s", show(loaded, memory, &small),
                         show(loaded, "http.body_bytes_max", &large));
}

static bool is_any_address(const struct psv_socket_address *address)
{
    if (address->is_wildcard) {
        return true;
    }
    if (address->of.any.sa_family == AF_INET) {
        return address->of.ipv4.sin_addr.s_addr == INADDR_ANY;
    }
    return IN6_IS_ADDR_UNSPECIFIED(&address->of.ipv6.sin6_addr);
}

static bool is_same_host(const struct psv_socket_address *a, const struct psv_socket_address *b)
{
    char a_text[PSV_SOCKET_HOST_MAX];
    char b_text[PSV_SOCKET_HOST_MAX];
    size_t a_len = psv_socket_format_host(a, a_text);
    size_t b_len = psv_socket_format_host(b, b_text);
    return psv_bytes_equal((struct psv_bytes){a_text, a_len}, (struct psv_bytes){b_text, b_len});
}

static bool takes_same_port(const struct psv_socket_address *a, const struct psv_socket_address *b)
{
    return psv_socket_port(a) != 0 && psv_socket_port(a) == psv_socket_port(b) &&
           (is_any_address(a) || is_any_address(b) || is_same_host(a, b));
}

/* Does an address of the one list take a port of the other? */
static int check_pair(const struct psv_config_loaded *loaded, const char *first, const char *first_list,
                      const char *second, const char *second_list, struct psv_error *reterr)
{
    struct psv_bytes rest = psv_bytes_of(first_list);
    struct psv_bytes text;
    while (psv_socket_next_address(&rest, &text)) {
        struct psv_bytes others = psv_bytes_of(second_list);
        struct psv_bytes other_text;
        struct psv_socket_address a;
        int result = psv_socket_parse_address(text, &a, reterr);
        while (result == 0 && psv_socket_next_address(&others, &other_text)) {
            struct psv_socket_address b;
            result = psv_socket_parse_address(other_text, &b, reterr);
            if (result == 0 && takes_same_port(&a, &b)) {
                struct shown shown_first;
                struct shown shown_second;
                result =
                    psv_error_set(reterr, PSV_EINVAL, "%s and %s take the same port",
                                  show(loaded, first, &shown_first), show(loaded, second, &shown_second));
            }
        }
        if (result != 0)
            return result;
    }
    return 0;
}

static int check_addresses(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    const struct psv_config *config = &loaded->config;
    bool has_tls = config->tls.certificates.len > 0;
    if (config->listen.address[0] == '\0' && !has_tls) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "listen.address is empty, and without tls.certificates nothing else is served");
    }
    int result = check_pair(loaded, "listen.address", config->listen.address, "internal.listen",
                            config->internal.listen, reterr);
    if (result == 0 && has_tls) {
        result = check_pair(loaded, "tls.listen", config->tls.listen, "internal.listen",
                            config->internal.listen, reterr);
    }
    if (result == 0 && has_tls) {
        result = check_pair(loaded, "listen.address", config->listen.address, "tls.listen",
                            config->tls.listen, reterr);
    }
    return result;
}

static int check_proxies(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    const struct psv_config_proxy *proxy = &loaded->config.proxy;
    struct psv_ip_networks networks;
    struct psv_error error;
    int code = psv_ip_networks_init(&networks, proxy->trusted.items, proxy->trusted.len, &error);
    if (code != 0)
        return psv_error_set(reterr, code, "proxy.trusted: %s", error.message);
    psv_ip_networks_fini(&networks);
    return 0;
}

static int check_tls(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    const struct psv_config_tls *tls = &loaded->config.tls;
    struct shown certificates;
    struct shown keys;
    if (tls->certificates.len != tls->keys.len || tls->ocsp_answers.len > tls->certificates.len) {
        bool is_key = tls->certificates.len != tls->keys.len;
        return psv_error_set(reterr, PSV_EINVAL, "%s and %s: %s",
                             show(loaded, "tls.certificates", &certificates),
                             show(loaded, is_key ? "tls.keys" : "tls.ocsp_answers", &keys),
                             is_key ? "every certificate needs its key, and every key its certificate"
                                    : "there are more OCSP answers than certificates");
    }
    return 0;
}

/* A format that nobody asked for is forgotten; one that another form's explicit choice overrides is not. */
static int check_log(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    const struct psv_config_log *log = &loaded->config.log;
    const struct psv_option *access = psv_option_find_path(PSV_BYTES("log.access"));
    struct shown shown;
    INVARIANT(access != NULL);
    if (log->access == PSV_CONFIG_ACCESS_CUSTOM && log->access_format[0] == '\0') {
        return psv_error_set(reterr, PSV_EINVAL, "%s needs log.access_format",
                             show(loaded, "log.access", &shown));
    }
    if (log->access_format[0] != '\0' &&
        loaded->origins[psv_option_index(access)].kind <= PSV_CONFIG_ORIGIN_DEV &&
        log->access != PSV_CONFIG_ACCESS_CUSTOM) {
        return psv_error_set(reterr, PSV_EINVAL, "%s is for log.access = \"custom\", which is not set",
                             show(loaded, "log.access_format", &shown));
    }
    return 0;
}

static int check_dev(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    const struct psv_config_dev *dev = &loaded->config.dev;
    int result = 0;
    for (size_t i = 0; dev->enabled && i < dev->watch_paths.len && result == 0; i++) {
        result = check_path(loaded, "dev.watch_paths", dev->watch_paths.items[i], true, reterr);
    }
    return result;
}

/* What each site has for itself. */
static int check_site(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    int result = check_path(loaded, "site.docroot", loaded->config.site.docroot, true, reterr);
    return result != 0 ? result : check_php(loaded, reterr);
}

/* A name is a site's.  Which prefix a request falls under depends on how its path is spelled ("/ADMIN",
 * "/admin%2Fx"); what protects a path must not. */
static int check_prefix(const struct psv_config_loaded *loaded, const struct psv_config_scope *scope,
                        struct psv_error *reterr)
{
    const struct psv_option *rules = psv_option_find_path(PSV_BYTES("guard.basic_auth"));
    for (size_t i = 0; i < psv_options_len && scope->prefix[0] != '\0'; i++) {
        const struct psv_option *option = &psv_options[i];
        if (option->is_per_site && scope->is_set[i]) {
            return psv_error_set(reterr, PSV_EINVAL,
                                 "%s:%u: %s is for a whole site, and stands in the prefix %s%s%s%s",
                                 loaded->file, scope->origins[i].line, option->path, scope->prefix,
                                 option == rules ? "; give it to the site, as \"" : "",
                                 option == rules ? scope->prefix : "", option == rules ? " FILE\"" : "");
        }
    }
    return 0;
}

static int check_scopes(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    int result = psv_config_check_names(loaded, reterr);
    for (size_t i = 0; i < loaded->scopes_len && result == 0; i++) {
        struct psv_config_loaded view = {.config = loaded->scopes[i].config, .file = loaded->file};
        memcpy(view.origins, loaded->scopes[i].origins, sizeof(view.origins));
        result = check_site(&view, reterr);
        if (result == 0)
            result = check_prefix(loaded, &loaded->scopes[i], reterr);
    }
    return result;
}

int psv_config_check(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    int result = check_site(loaded, reterr);
    if (result == 0) {
        result = check_scopes(loaded, reterr);
    }
    if (result == 0) {
        result = psv_config_check_workers(loaded, reterr);
    }
    if (result == 0) {
        result = check_addresses(loaded, reterr);
    }
    if (result == 0) {
        result = check_body(loaded, reterr);
    }
    if (result == 0) {
        result = check_proxies(loaded, reterr);
    }
    if (result == 0) {
        result = check_tls(loaded, reterr);
    }
    if (result == 0) {
        result = check_log(loaded, reterr);
    }
    return result != 0 ? result : check_dev(loaded, reterr);
}
