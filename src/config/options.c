/* The rows of the option table and the look-ups in it.  Any thread: everything is const.  Knows no source of
 * values.
 *
 * SPDX-License-Identifier: MIT */
#include "options.h"

#include <limits.h>

#include "base/macros.h"
#include "base/text_parse.h"
#include "config.h"

#define KIB ((uint64_t)1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define SECOND ((uint64_t)1000)
#define HOUR (SECOND * 3600)
#define DAY (HOUR * 24)
#define TEXT_MAX 4096

/* NAME: section, field in config.h of the section's struct, and the three names.  The section "static" is a C
 * keyword. */
#define NAME(section_text, section, name, cli, env)                                                          \
    .path = section_text "." #name, .command_line = (cli), .environment = "PHPSRV_" env,                     \
    .offset = offsetof(struct psv_config, section.name)
#define RANGE(low, high) .min = (low), .max = (high)
#define RESTART .needs_restart = true
#define PER_SCOPE .is_per_scope = true
#define PER_SITE .is_per_scope = true, .is_per_site = true

static const char *const executor_choices[] = {"ext", "eval", "stub", NULL};
static const char *const http_version_choices[] = {"1.0", "1.1", "2", NULL};
static const char *const time_limit_choices[] = {"cpu", "wall", NULL};
static const char *const tls_version_choices[] = {"1.2", "1.3", NULL};
static const char *const forwarded_choices[] = {"x-forwarded", "forwarded", "none", NULL};
static const char *const level_choices[] = {"debug", "info", "warn", "error", NULL};
static const char *const format_choices[] = {"text", "json", "caddy", NULL};
static const char *const access_choices[] = {"off",    "common", "combined", "json",
                                             "custom", "short",  "caddy",    NULL};
static const char *const server_timing_choices[] = {"off", "trusted", "all", NULL};
static const char *const color_choices[] = {"auto", "always", "never", NULL};
static const char *const reset_choices[] = {"compat", "strict", NULL};

/* clang-format off: one option after the other, in the order of --help */
const struct psv_option psv_options[] = {
    /* ---- server */
    {NAME("listen", listen, address, "listen", "LISTEN"), .short_name = 'l', .type = PSV_OPTION_ADDRESS,
     .group = PSV_OPTION_GROUP_SERVER, .value_name = "HOST:PORT", .default_text = "0.0.0.0:8080",
     RANGE(0, 1000),
     .help = "address of the site, or several with commas; port 0 takes any free port; unix:/PATH is a "
             "socket in the file system; empty: --tls-listen only"},
    {NAME("listen", listen, backlog, "listen-backlog", "LISTEN_BACKLOG"), RESTART, .type = PSV_OPTION_INTEGER,
     .group = PSV_OPTION_GROUP_SERVER, .value_name = "N", .default_text = "1024", RANGE(1, 65535),
     .help = "connections that may wait in the kernel to be accepted"},
    {NAME("listen", listen, reuse_port, "listen-reuse-port", "LISTEN_REUSE_PORT"), RESTART,
     .type = PSV_OPTION_BOOL, .group = PSV_OPTION_GROUP_SERVER, .default_text = "false",
     .help = "let several servers share a port (SO_REUSEPORT), the kernel spreads connections over them"},
    {NAME("internal", internal, listen, "internal", "INTERNAL"), .type = PSV_OPTION_ADDRESS,
     .group = PSV_OPTION_GROUP_SERVER, .value_name = "HOST:PORT", .default_text = "", RANGE(0, 300),
     .help = "address of /health, /ready, /metrics, /status, /config; empty: off; not for the public"},
    {NAME("internal", internal, frankenphp, "internal-frankenphp", "INTERNAL_FRANKENPHP"),
     .type = PSV_OPTION_BOOL, .group = PSV_OPTION_GROUP_SERVER, .default_text = "false",
     .help = "there also what FrankenPHP's administration has, for clients of this machine: POST /stop, POST "
             "/frankenphp/workers/restart, GET /frankenphp/threads, GET and PATCH /config/apps/frankenphp"},
    {NAME("internal", internal, token_file, "internal-token-file", "INTERNAL_TOKEN_FILE"),
     .type = PSV_OPTION_PATH, .group = PSV_OPTION_GROUP_SERVER, .value_name = "FILE", .default_text = "",
     RANGE(0, TEXT_MAX - 1),
     .help = "file with the token that calls of the internal listener need to change something "
             "(POST /workers/restart): 16 bytes or more; empty: they are refused"},
    {NAME("site", site, docroot, "docroot", "DOCROOT"), PER_SCOPE, .type = PSV_OPTION_PATH,
     .group = PSV_OPTION_GROUP_SERVER, .value_name = "DIR", .default_text = ".", RANGE(1, TEXT_MAX - 1),
     .help = "document root: the folder with index.php and the public files"},
    {NAME("site", site, name, "site-name", "SITE_NAME"), PER_SITE, .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_SERVER, .value_name = "NAME", .default_text = "", RANGE(0, 64),
     .help = "what logs and metrics call the site; empty: its first host, or default"},
    {NAME("site", site, hosts, "host", "HOST"), PER_SITE, .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_SERVER, .value_name = "NAME", .default_text = "", RANGE(1, 253),
     .help = "host that the site answers, such as example.org or *.example.org: others get 421; none: the "
             "site answers all that no other site ([[sites]] of the file) names"},
    {NAME("site", site, server_name, "server-name", "SERVER_NAME"), PER_SCOPE, .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_SERVER, .value_name = "NAME", .default_text = "", RANGE(0, 253),
     .help = "SERVER_NAME as scripts see it; empty: the host that the request names"},
    {NAME("site", site, index, "index", "INDEX"), PER_SCOPE, .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_ROUTING, .value_name = "NAME", .default_text = "", RANGE(0, 64),
     .help = "front controller in the document root: index.php, or index.html of a single-page application, "
             "answers all that is no "
             "file, and no other script can be reached; empty: scripts and folders as the path names them"},
    {NAME("site", site, fallback, "fallback", "FALLBACK"), PER_SCOPE, .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_ROUTING, .value_name = "PATH", .default_text = "", RANGE(0, 512),
     .help = "without --index: what answers a path that names nothing, such as /index.php of WordPress; "
             "empty: 404"},
    {NAME("site", site, assets, "asset-extensions", "ASSET_EXTENSIONS"), PER_SCOPE, .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_ROUTING, .value_name = "LIST",
     .default_text = "css,js,mjs,map,png,jpg,jpeg,gif,svg,ico,webp,avif,woff,woff2,ttf,otf,eot,mp3,mp4,webm",
     RANGE(0, 1000),
     .help = "names that end like these are answered 404 when there is no such file, without --index or "
             "--fallback"},
    {NAME("site", site, redirects, "redirect", "REDIRECT"), PER_SCOPE, .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_ROUTING, .value_name = "RULE", .default_text = "", RANGE(1, TEXT_MAX - 1),
     .help = "\"FROM TO [STATUS]\": FROM is a path, a prefix with * behind it, or ~ and a regular "
             "expression; the first that matches "
             "counts"},
    {NAME("site", site, rewrites, "rewrite", "REWRITE"), PER_SCOPE, .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_ROUTING, .value_name = "RULE", .default_text = "", RANGE(1, TEXT_MAX - 1),
     .help = "\"FROM TO\": as a redirect, but the client does not see it"},
    {NAME("server", server, tokens, "server-tokens", "SERVER_TOKENS"), .type = PSV_OPTION_BOOL,
     .group = PSV_OPTION_GROUP_SERVER, .default_text = "true",
     .help = "send \"Server: phpsrv\" and PHP's \"X-Powered-By\" with responses; off: neither, unless a "
             "script says it in words of its own"},
    {NAME("server", server, drain_delay_ms, "server-drain-delay-ms", "SERVER_DRAIN_DELAY_MS"),
     .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_SERVER, .value_name = "DURATION",
     .default_text = "0", RANGE(0, HOUR),
     .help = "on SIGTERM, /ready says 503 for so long before the ports close: time for a load balancer to "
             "take this server out"},
    {NAME("server", server, drain_timeout_ms, "server-drain-timeout-ms", "SERVER_DRAIN_TIMEOUT_MS"),
     .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_SERVER, .value_name = "DURATION",
     .default_text = "30s", RANGE(0, DAY), .help = "time that running requests get when the server stops"},
    {NAME("server", server, user, "user", "USER"), .type = PSV_OPTION_TEXT, .group = PSV_OPTION_GROUP_SERVER,
     .value_name = "NAME", .default_text = "", RANGE(0, 63),
     .help = "user that the server becomes once it is up, by name or number, when started as root"},
    {NAME("server", server, group, "group", "GROUP"), .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_SERVER, .value_name = "NAME", .default_text = "", RANGE(0, 63),
     .help = "its group; empty: the user's"},
    {NAME("server", server, no_new_privileges, "no-new-privileges", "NO_NEW_PRIVILEGES"),
     .type = PSV_OPTION_BOOL, .group = PSV_OPTION_GROUP_SERVER, .default_text = "false",
     .help = "commands that scripts run gain no rights by setuid files (some sendmail programs need that)"},
    {NAME("server", server, write_paths, "write-path", "WRITE_PATH"), .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_SERVER, .value_name = "DIR", .default_text = "", RANGE(1, TEXT_MAX - 1),
     .help = "with one or more of these the server, its scripts and their commands can write nowhere else "
             "(Landlock)"},
    {NAME("supervisor", supervisor, enabled, "supervisor", "SUPERVISOR"), RESTART, .type = PSV_OPTION_BOOL,
     .group = PSV_OPTION_GROUP_SERVER, .default_text = "true",
     .help = "a small process holds the ports, starts a crashed server anew, and reloads without a gap"},
    {NAME("supervisor", supervisor, start_timeout_ms, "supervisor-start-timeout-ms",
          "SUPERVISOR_START_TIMEOUT_MS"),
     .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_SERVER, .value_name = "DURATION",
     .default_text = "60s", RANGE(SECOND, DAY), .help = "time in which a new server has to become ready"},
    {NAME("supervisor", supervisor, memory_max_bytes, "supervisor-memory-max-bytes",
          "SUPERVISOR_MEMORY_MAX_BYTES"),
     .type = PSV_OPTION_SIZE, .group = PSV_OPTION_GROUP_SERVER, .value_name = "SIZE", .default_text = "0",
     RANGE(0, UINT64_C(1024) * GIB),
     .help = "a server whose own memory (shared one not counted) has grown beyond is replaced without a gap, "
             "as by a reload; 0: never"},

    /* ---- guards */
    {NAME("response", response, error_pages, "error-pages", "ERROR_PAGES"), PER_SCOPE,
     .type = PSV_OPTION_PATH, .group = PSV_OPTION_GROUP_GUARD, .value_name = "DIR", .default_text = "",
     RANGE(0, TEXT_MAX - 1),
     .help = "folder of pages for refusals and for scripts' errors without a body: 404.html, 503.json, "
             "5xx.txt ...; {{status}}, {{title}} and "
             "{{request_id}} are filled in"},
    {NAME("response", response, fields, "response-field", "RESPONSE_FIELD"), PER_SCOPE,
     .type = PSV_OPTION_LIST, .group = PSV_OPTION_GROUP_GUARD, .value_name = "FIELD", .default_text = "",
     RANGE(1, 4000), .help = "\"Name: value\" in every response that has none of that name"},
    {NAME("response", response, security_fields, "security-fields", "SECURITY_FIELDS"), PER_SCOPE,
     .type = PSV_OPTION_BOOL, .group = PSV_OPTION_GROUP_GUARD, .default_text = "false",
     .help = "in every response that says nothing of it: types are not guessed, only the own site may frame "
             "it, referrers tell other "
             "sites no paths, other windows get no handle"},
    {NAME("guard", guard, allow, "allow", "ALLOW"), PER_SCOPE, .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_GUARD, .value_name = "NETWORK", .default_text = "", RANGE(1, 64),
     .help = "only clients of these networks are served: 10.0.0.0/8, an address, private, loopback, unix; "
             "the others get 403"},
    {NAME("guard", guard, deny, "deny", "DENY"), PER_SCOPE, .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_GUARD, .value_name = "NETWORK", .default_text = "", RANGE(1, 64),
     .help = "clients of these networks get 403, whatever --allow says"},
    {NAME("guard", guard, requests_max, "requests-max", "REQUESTS_MAX"), PER_SCOPE,
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_GUARD, .value_name = "N", .default_text = "0",
     RANGE(0, 1000000),
     .help = "requests that may wait for workers and run at once, so that one site leaves workers to the "
             "others; more get 503; 0: as many as the queue takes"},
    {NAME("guard", guard, rate, "rate-limit", "RATE_LIMIT"), PER_SCOPE, .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_GUARD, .value_name = "RATE", .default_text = "", RANGE(0, 32),
     .help = "requests that one client may send, evenly: 100/s, 600/m, 10000/h, 5/10s; more get 429 with "
             "Retry-After; empty: no limit"},
    {NAME("guard", guard, rate_burst, "rate-limit-burst", "RATE_LIMIT_BURST"), PER_SCOPE,
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_GUARD, .value_name = "N", .default_text = "0",
     RANGE(0, 1000000),
     .help = "requests of one client that may come at once; 0: as many as the rate's number"},
    {NAME("guard", guard, rate_key, "rate-limit-key", "RATE_LIMIT_KEY"), PER_SCOPE, .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_GUARD, .value_name = "KEY", .default_text = "address", RANGE(1, 64),
     .help = "who is one client: its address (of IPv6 the /64), or the value of a request field such as "
             "X-Api-Key where it is sent"},
    {NAME("guard", guard, rate_memory_bytes, "rate-limit-memory-bytes", "RATE_LIMIT_MEMORY_BYTES"), PER_SCOPE,
     .type = PSV_OPTION_SIZE, .group = PSV_OPTION_GROUP_GUARD, .value_name = "SIZE", .default_text = "16M",
     RANGE(4 * KIB, GIB),
     .help = "memory for clients that are remembered, 16 bytes each; when it is full, those that owe least "
             "are forgotten"},
    {NAME("guard", guard, rate_exempt, "rate-limit-exempt", "RATE_LIMIT_EXEMPT"), PER_SCOPE,
     .type = PSV_OPTION_LIST, .group = PSV_OPTION_GROUP_GUARD, .value_name = "NETWORK", .default_text = "",
     RANGE(1, 64), .help = "clients of these networks are not counted"},
    {NAME("guard", guard, connections_per_client, "connections-per-client", "CONNECTIONS_PER_CLIENT"),
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_GUARD, .value_name = "N", .default_text = "0",
     RANGE(0, 1000000),
     .help =
         "connections that one client (its address, of IPv6 the /64) may have open at a time; more get 429, "
         "over TLS an end before the handshake; proxies of --proxy-trusted are not counted; 0: no limit"},
    {NAME("guard", guard, connections_exempt, "connections-exempt", "CONNECTIONS_EXEMPT"),
     .type = PSV_OPTION_LIST, .group = PSV_OPTION_GROUP_GUARD, .value_name = "NETWORK", .default_text = "",
     RANGE(1, 64), .help = "clients of these networks may have any number of connections"},
    {NAME("guard", guard, basic_auth, "basic-auth", "BASIC_AUTH"), PER_SITE, .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_GUARD, .value_name = "RULE", .default_text = "", RANGE(1, TEXT_MAX - 1),
     .help =
         "\"PREFIX FILE [REALM]\": paths below PREFIX need a name and password of the htpasswd FILE (bcrypt, "
         "SHA-crypt); \"PREFIX off\": these do not; the longest prefix counts"},
    {NAME("cors", cors, origins, "cors-origin", "CORS_ORIGIN"), PER_SCOPE, .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_GUARD, .value_name = "ORIGIN", .default_text = "", RANGE(1, 300),
     .help =
         "other sites whose pages may read responses: https://app.example.org, https://*.example.org, or * "
         "for all; preflights are answered without a worker"},
    {NAME("cors", cors, methods, "cors-methods", "CORS_METHODS"), PER_SCOPE, .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_GUARD, .value_name = "LIST", .default_text = "GET,HEAD,POST,PUT,PATCH,DELETE",
     RANGE(1, 512), .help = "methods that they may use; *: any"},
    {NAME("cors", cors, headers, "cors-headers", "CORS_HEADERS"), PER_SCOPE, .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_GUARD, .value_name = "LIST",
     .default_text = "Authorization,Content-Type,X-Requested-With", RANGE(0, 1024),
     .help = "request fields that they may send besides those that every page may; *: any"},
    {NAME("cors", cors, expose, "cors-expose", "CORS_EXPOSE"), PER_SCOPE, .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_GUARD, .value_name = "LIST", .default_text = "", RANGE(0, 1024),
     .help = "response fields that they may read besides those that every page may; *: any, without "
             "--cors-credentials"},
    {NAME("cors", cors, credentials, "cors-credentials", "CORS_CREDENTIALS"), PER_SCOPE,
     .type = PSV_OPTION_BOOL, .group = PSV_OPTION_GROUP_GUARD, .default_text = "false",
     .help = "their requests may carry cookies and passwords; not together with the origin *"},
    {NAME("cors", cors, max_age_ms, "cors-max-age-ms", "CORS_MAX_AGE_MS"), PER_SCOPE,
     .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_GUARD, .value_name = "DURATION",
     .default_text = "10m", RANGE(0, DAY),
     .help = "time for which browsers may remember the answer to a preflight; 0: not at all"},

    /* ---- TLS */
    {NAME("tls", tls, listen, "tls-listen", "TLS_LISTEN"), .type = PSV_OPTION_ADDRESS,
     .group = PSV_OPTION_GROUP_TLS, .value_name = "HOST:PORT", .default_text = "0.0.0.0:8443", RANGE(1, 300),
     .help = "address of the site over TLS; used when there is a certificate"},
    {NAME("tls", tls, certificates, "tls-cert", "TLS_CERT"), .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_TLS, .value_name = "FILE", .default_text = "", RANGE(1, TEXT_MAX - 1),
     .help = "certificate with its chain (PEM); several are told apart by the name that the client asks for"},
    {NAME("tls", tls, keys, "tls-key", "TLS_KEY"), .type = PSV_OPTION_LIST, .group = PSV_OPTION_GROUP_TLS,
     .value_name = "FILE", .default_text = "", RANGE(1, TEXT_MAX - 1),
     .help = "private key (PEM, no passphrase), one for each certificate and in their order"},
    {NAME("tls", tls, ocsp_answers, "tls-ocsp", "TLS_OCSP"), .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_TLS, .value_name = "FILE", .default_text = "", RANGE(1, TEXT_MAX - 1),
     .help =
         "OCSP answer (DER) to staple, in the certificates' order; renewed by you, read again when changed"},
    {NAME("tls", tls, min_version, "tls-min-version", "TLS_MIN_VERSION"), .type = PSV_OPTION_ENUM,
     .group = PSV_OPTION_GROUP_TLS, .value_name = "VERSION", .default_text = "1.2",
     .choices = tls_version_choices, .help = "oldest version that is spoken"},
    {NAME("tls", tls, ciphers, "tls-ciphers", "TLS_CIPHERS"), .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_TLS, .value_name = "LIST", .default_text = "", RANGE(0, TEXT_MAX - 1),
     .help = "ciphers of TLS 1.2 in OpenSSL's notation; empty: forward secrecy and authenticated "
             "encryption only"},
    {NAME("tls", tls, ticket_period_ms, "tls-ticket-period-ms", "TLS_TICKET_PERIOD_MS"),
     .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_TLS, .value_name = "DURATION",
     .default_text = "12h", RANGE(SECOND, 7 * DAY),
     .help = "new key for session tickets after it; a session can be resumed for one to two of them"},
    {NAME("tls", tls, hsts_ms, "hsts-ms", "HSTS_MS"), PER_SCOPE, .type = PSV_OPTION_DURATION,
     .group = PSV_OPTION_GROUP_TLS, .value_name = "DURATION", .default_text = "0", RANGE(0, 3650 * DAY),
     .help = "tell browsers to come back by TLS only for so long (HSTS); 0: off"},
    {NAME("tls", tls, redirect_port, "tls-redirect-port", "TLS_REDIRECT_PORT"), PER_SCOPE,
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_TLS, .value_name = "PORT", .default_text = "0",
     RANGE(0, 65535),
     .help = "plain requests are sent to https on this port, as clients see it (usually 443); 0: off"},
    {NAME("tls", tls, kernel, "tls-kernel", "TLS_KERNEL"), .type = PSV_OPTION_BOOL,
     .group = PSV_OPTION_GROUP_TLS, .default_text = "false",
     .help = "let the kernel encrypt, and send files without a copy, where it can"},

    /* ---- proxies */
    {NAME("proxy", proxy, trusted, "proxy-trusted", "PROXY_TRUSTED"), .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_PROXY, .value_name = "NETWORK", .default_text = "", RANGE(1, 64),
     .help =
         "network whose proxies are believed about the client: 10.0.0.0/8, an address, private, loopback"},
    {NAME("proxy", proxy, fields, "proxy-fields", "PROXY_FIELDS"), .type = PSV_OPTION_ENUM,
     .group = PSV_OPTION_GROUP_PROXY, .value_name = "KIND", .default_text = "x-forwarded",
     .choices = forwarded_choices,
     .help = "the request fields in which they tell it; the other kind is never believed"},
    {NAME("proxy", proxy, protocol, "proxy-protocol", "PROXY_PROTOCOL"), .type = PSV_OPTION_BOOL,
     .group = PSV_OPTION_GROUP_PROXY, .default_text = "false",
     .help = "every connection of the site begins with the PROXY protocol (version 1 or 2)"},

/* ---- workers */
#include "options_worker_rows.h"

    /* ---- limits */
    {NAME("http", http, request_line_bytes_max, "http-request-line-bytes-max", "HTTP_REQUEST_LINE_BYTES_MAX"),
     .type = PSV_OPTION_SIZE, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "SIZE", .default_text = "8K",
     RANGE(256, MIB), .help = "longest request line, else 414"},
    {NAME("http", http, header_bytes_max, "http-header-bytes-max", "HTTP_HEADER_BYTES_MAX"),
     .type = PSV_OPTION_SIZE, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "SIZE", .default_text = "32K",
     RANGE(KIB, MIB), .help = "all header fields of a request together, else 431"},
    {NAME("http", http, header_count_max, "http-header-count-max", "HTTP_HEADER_COUNT_MAX"),
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "N", .default_text = "100",
     RANGE(8, 10000), .help = "header fields of a request, else 431"},
    {NAME("http", http, body_bytes_max, "http-body-bytes-max", "HTTP_BODY_BYTES_MAX"), PER_SCOPE,
     .type = PSV_OPTION_SIZE, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "SIZE", .default_text = "64M",
     RANGE(0, 1024 * GIB),
     .help = "longest request body, else 413; a body counts as memory of the container until it is read, and "
             "PHP's own "
             "post_max_size (8M unless set) applies as well"},
    {NAME("http", http, body_memory_bytes, "http-body-memory-bytes", "HTTP_BODY_MEMORY_BYTES"),
     .type = PSV_OPTION_SIZE, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "SIZE", .default_text = "64K",
     RANGE(KIB, GIB), .help = "request body kept in the heap; past it the body gets pages of its own"},
    {NAME("http", http, pipeline_requests_max, "http-pipeline-requests-max", "HTTP_PIPELINE_REQUESTS_MAX"),
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "N", .default_text = "16",
     RANGE(1, 1000),
     .help = "requests of one connection that are answered in one turn before other connections get theirs"},
    {NAME("http", http, connections_max, "http-connections-max", "HTTP_CONNECTIONS_MAX"),
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "N", .default_text = "16384",
     RANGE(1, 1000000), .help = "open connections; lowered to what the limit of file descriptors allows"},
    {NAME("http", http, min_version, "http-min-version", "HTTP_MIN_VERSION"), PER_SCOPE,
     .type = PSV_OPTION_ENUM, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "VERSION",
     .default_text = "1.0", .choices = http_version_choices,
     .help = "oldest version of HTTP that is served; others get 426"},
    {NAME("http2", http2, enabled, "http2", "HTTP2"), .type = PSV_OPTION_BOOL,
     .group = PSV_OPTION_GROUP_LIMITS, .default_text = "true",
     .help = "speak HTTP/2, on the same port, with clients that begin with its preface or choose it in TLS"},
    {NAME("http2", http2, streams_max, "http2-streams-max", "HTTP2_STREAMS_MAX"), .type = PSV_OPTION_INTEGER,
     .group = PSV_OPTION_GROUP_LIMITS, .value_name = "N", .default_text = "100", RANGE(1, 10000),
     .help = "requests of an HTTP/2 connection at the same time; more are refused, for the client to repeat"},
    {NAME("http2", http2, stream_window_bytes, "http2-stream-window-bytes", "HTTP2_STREAM_WINDOW_BYTES"),
     .type = PSV_OPTION_SIZE, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "SIZE", .default_text = "256K",
     RANGE(64 * KIB - 1, GIB), .help = "bytes of a request body that an HTTP/2 client may send ahead"},
    {NAME("http2", http2, connection_window_bytes, "http2-connection-window-bytes",
          "HTTP2_CONNECTION_WINDOW_BYTES"),
     .type = PSV_OPTION_SIZE, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "SIZE", .default_text = "1M",
     RANGE(64 * KIB - 1, GIB), .help = "the same for all request bodies of a connection together"},
    {NAME("response", response, memory_bytes, "response-memory-bytes", "RESPONSE_MEMORY_BYTES"),
     .type = PSV_OPTION_SIZE, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "SIZE", .default_text = "2M",
     RANGE(4 * KIB, GIB),
     .help = "response body kept in memory until it is complete; a longer one is sent while the script "
             "writes it, and what a slow client does not take in time moves to a memory file"},
    {NAME("response", response, window_bytes, "response-window-bytes", "RESPONSE_WINDOW_BYTES"),
     .type = PSV_OPTION_SIZE, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "SIZE", .default_text = "1M",
     RANGE(16 * KIB, GIB),
     .help =
         "bytes of a streamed response that may be on the way to the client before the script has to wait"},
    {NAME("response", response, held_bytes_max, "response-held-bytes-max", "RESPONSE_HELD_BYTES_MAX"),
     .type = PSV_OPTION_SIZE, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "SIZE", .default_text = "256M",
     RANGE(0, 1024 * GIB),
     .help = "memory of all response bodies that wait for slow clients; beyond it they go to files"},
    {NAME("response", response, spill_folder, "response-spill-folder", "RESPONSE_SPILL_FOLDER"),
     .type = PSV_OPTION_PATH, .group = PSV_OPTION_GROUP_LIMITS, .value_name = "DIR", .default_text = "/tmp",
     RANGE(0, TEXT_MAX - 1), .help = "folder of these files, best on a disk; empty: memory is used on"},

    /* ---- timeouts */
    {NAME("http", http, header_timeout_ms, "http-header-timeout-ms", "HTTP_HEADER_TIMEOUT_MS"),
     .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_TIMEOUTS, .value_name = "DURATION",
     .default_text = "5s", RANGE(1, HOUR),
     .help = "from the first byte of a request to the end of its header, else 408"},
    {NAME("http", http, body_idle_timeout_ms, "http-body-idle-timeout-ms", "HTTP_BODY_IDLE_TIMEOUT_MS"),
     .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_TIMEOUTS, .value_name = "DURATION",
     .default_text = "30s", RANGE(1, DAY), .help = "longest silence while a request body arrives, else 408"},
    {NAME("http", http, keepalive_timeout_ms, "http-keepalive-timeout-ms", "HTTP_KEEPALIVE_TIMEOUT_MS"),
     .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_TIMEOUTS, .value_name = "DURATION",
     .default_text = "60s", RANGE(1, DAY),
     .help = "an idle connection is closed after it; keep it above the load balancer's"},
    {NAME("http", http, write_timeout_ms, "http-write-timeout-ms", "HTTP_WRITE_TIMEOUT_MS"),
     .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_TIMEOUTS, .value_name = "DURATION",
     .default_text = "60s", RANGE(1, DAY),
     .help = "longest time in which a client takes no byte of a response"},
    {NAME("http", http, linger_timeout_ms, "http-linger-timeout-ms", "HTTP_LINGER_TIMEOUT_MS"),
     .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_TIMEOUTS, .value_name = "DURATION",
     .default_text = "2s", RANGE(0, HOUR),
     .help = "time to read on before a connection with unread data is closed, so that the client gets its "
             "answer"},
    {NAME("request", request, timeout_ms, "request-timeout-ms", "REQUEST_TIMEOUT_MS"), PER_SCOPE,
     .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_TIMEOUTS, .value_name = "DURATION",
     .default_text = "120s", RANGE(0, 7 * DAY),
     .help = "deadline of a dynamic request, waiting included, else 504; 0: none"},
    {NAME("request", request, slow_ms, "slow-log-ms", "SLOW_LOG_MS"), PER_SCOPE, .type = PSV_OPTION_DURATION,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "DURATION", .default_text = "0", RANGE(0, DAY),
     .help = "log what a script is doing, with its stack, once it has run for so long; 0: never"},
    {NAME("request", request, stream_timeout_ms, "request-stream-timeout-ms", "REQUEST_STREAM_TIMEOUT_MS"),
     PER_SCOPE, .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_TIMEOUTS, .value_name = "DURATION",
     .default_text = "30m", RANGE(0, 7 * DAY),
     .help = "the same for a text/event-stream, from its beginning; 0: none"},

    /* ---- compression */
    {NAME("compress", compress, codings, "compress-codings", "COMPRESS_CODINGS"), .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_COMPRESS, .value_name = "LIST", .default_text = "zstd,br,gzip", RANGE(1, 40),
     .help = "codings that clients can have, the preferred one first; off: none"},
    {NAME("compress", compress, zstd_level, "compress-zstd-level", "COMPRESS_ZSTD_LEVEL"),
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_COMPRESS, .value_name = "N", .default_text = "3",
     RANGE(1, 19), .help = "effort of zstd"},
    {NAME("compress", compress, brotli_level, "compress-brotli-level", "COMPRESS_BROTLI_LEVEL"),
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_COMPRESS, .value_name = "N", .default_text = "4",
     RANGE(0, 11), .help = "effort of brotli"},
    {NAME("compress", compress, gzip_level, "compress-gzip-level", "COMPRESS_GZIP_LEVEL"),
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_COMPRESS, .value_name = "N", .default_text = "5",
     RANGE(1, 9), .help = "effort of gzip"},
    {NAME("compress", compress, min_bytes, "compress-min-bytes", "COMPRESS_MIN_BYTES"),
     .type = PSV_OPTION_SIZE, .group = PSV_OPTION_GROUP_COMPRESS, .value_name = "SIZE", .default_text = "1K",
     RANGE(0, GIB), .help = "bodies below it are sent as they are"},
    {NAME("request", request, decode, "request-decode", "REQUEST_DECODE"), .type = PSV_OPTION_BOOL,
     .group = PSV_OPTION_GROUP_COMPRESS, .default_text = "false",
     .help = "decode bodies of requests that come with Content-Encoding gzip, br or zstd before the script "
             "sees them; others get 415"},
    {NAME("request", request, decode_ratio_max, "request-decode-ratio-max", "REQUEST_DECODE_RATIO_MAX"),
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_COMPRESS, .value_name = "N", .default_text = "100",
     RANGE(1, 100000), .help = "times that a request body beyond 64K may grow when decoded, else 413"},
    {NAME("compress", compress, types, "compress-type", "COMPRESS_TYPE"), .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_COMPRESS, .value_name = "TYPE", .default_text = "", RANGE(1, 128),
     .help = "media type that is compressed, such as text/*; none: the usual text types"},

    /* ---- static files */
    {NAME("static", static_files, enabled, "static-enabled", "STATIC_ENABLED"), PER_SCOPE,
     .type = PSV_OPTION_BOOL, .group = PSV_OPTION_GROUP_STATIC, .default_text = "true",
     .help = "serve files of the document root; off: every request runs a script"},
    {NAME("static", static_files, follow_symlinks, "static-follow-symlinks", "STATIC_FOLLOW_SYMLINKS"),
     PER_SCOPE, .type = PSV_OPTION_BOOL, .group = PSV_OPTION_GROUP_STATIC, .default_text = "false",
     .help = "follow symbolic links that lead out of the document root (deployments made of links need it)"},
    {NAME("static", static_files, cache_entries, "static-cache-entries", "STATIC_CACHE_ENTRIES"),
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_STATIC, .value_name = "N", .default_text = "1024",
     RANGE(0, 1000000), .help = "files that are kept open; 0: none"},
    {NAME("static", static_files, cache_valid_ms, "static-cache-valid-ms", "STATIC_CACHE_VALID_MS"),
     PER_SCOPE, .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_STATIC, .value_name = "DURATION",
     .default_text = "1s", RANGE(0, DAY), .help = "time after which a kept file is looked at again"},
    {NAME("static", static_files, ranges_max, "static-ranges-max", "STATIC_RANGES_MAX"), PER_SCOPE,
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_STATIC, .value_name = "N", .default_text = "32",
     RANGE(1, 1000), .help = "ranges of one request; with more the whole file is sent"},

    {NAME("static", static_files, ttl_ms, "static-ttl-ms", "STATIC_TTL_MS"), PER_SCOPE,
     .type = PSV_OPTION_DURATION, .group = PSV_OPTION_GROUP_STATIC, .value_name = "DURATION",
     .default_text = "1d", RANGE(0, 3650 * DAY),
     .help = "time for which browsers and caches may keep a file unasked (Cache-Control); 0: not said"},
    {NAME("static", static_files, immutable, "static-immutable", "STATIC_IMMUTABLE"), PER_SCOPE,
     .type = PSV_OPTION_LIST, .group = PSV_OPTION_GROUP_STATIC, .value_name = "PATTERN", .default_text = "",
     RANGE(1, TEXT_MAX - 1),
     .help = "paths, with * and ?, of files whose names change with their content: kept for a year"},
    {NAME("static", static_files, precompressed, "static-precompressed", "STATIC_PRECOMPRESSED"),
     .type = PSV_OPTION_BOOL, .group = PSV_OPTION_GROUP_STATIC, .default_text = "true",
     .help = "send app.js.zst, app.js.br or app.js.gz in place of app.js to clients that take it"},
    {NAME("static", static_files, compress_memory_bytes, "static-compress-memory-bytes",
          "STATIC_COMPRESS_MEMORY_BYTES"),
     .type = PSV_OPTION_SIZE, .group = PSV_OPTION_GROUP_STATIC, .value_name = "SIZE", .default_text = "32M",
     RANGE(0, 64 * GIB),
     .help = "memory for compressed copies of files, made in the background when first asked for; 0: none"},

    {NAME("sendfile", sendfile, roots, "sendfile-root", "SENDFILE_ROOT"), PER_SCOPE, .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_STATIC, .value_name = "DIR", .default_text = "", RANGE(1, TEXT_MAX - 1),
     .help =
         "folder whose files scripts may hand over by X-Sendfile; /protected/=DIR: by X-Accel-Redirect too"},

    /* ---- PHP */
    {NAME("php", php, ini_values, "php-ini-value", "PHP_INI_VALUE"), PER_SCOPE, .short_name = 'd',
     .has_secrets = true, .type = PSV_OPTION_LIST, .group = PSV_OPTION_GROUP_PHP, .value_name = "KEY=VALUE",
     .default_text = "", RANGE(1, TEXT_MAX),
     .help =
         "php.ini setting, stronger than php.ini; can be given many times (in the environment: one a line)"},
    {NAME("php", php, ini_file, "php-ini", "PHP_INI"), .type = PSV_OPTION_PATH, .group = PSV_OPTION_GROUP_PHP,
     .value_name = "FILE", .default_text = "", RANGE(0, TEXT_MAX - 1),
     .help = "php.ini to read; empty: where PHP looks by itself"},
    {NAME("php", php, sapi_name, "sapi-name", "SAPI_NAME"), .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_PHP, .value_name = "NAME", .default_text = "phpsrv", RANGE(1, 32),
     .help = "what php_sapi_name() returns, for applications that expect a certain one, such as fpm-fcgi"},

    {NAME("php", php, time_limit, "php-time-limit", "PHP_TIME_LIMIT"), .type = PSV_OPTION_ENUM,
     .group = PSV_OPTION_GROUP_PHP, .value_name = "CLOCK", .default_text = "cpu",
     .choices = time_limit_choices,
     .help = "what max_execution_time counts: cpu, the script's own time, as under php-fpm; or wall, waiting "
             "included"},

    /* ---- logs */
    {NAME("log", log, level, "log-level", "LOG_LEVEL"), .type = PSV_OPTION_ENUM,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "LEVEL", .default_text = "info", .choices = level_choices,
     .help = "least level that is written"},
    {NAME("log", log, format, "log-format", "LOG_FORMAT"), .type = PSV_OPTION_ENUM,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "FORMAT", .default_text = "text", .choices = format_choices,
     .help = "form of the error log; caddy: JSON with the names of Caddy's log, as Laravel Octane reads it"},
    {NAME("response", response, server_timing, "server-timing", "SERVER_TIMING"), PER_SCOPE,
     .type = PSV_OPTION_ENUM, .group = PSV_OPTION_GROUP_LOG, .value_name = "WHO", .default_text = "off",
     .choices = server_timing_choices,
     .help =
         "tell browsers how long a script's response has waited and run (Server-Timing): all, or trusted: "
         "clients whose own address is among proxy.trusted"},
    {NAME("trace", trace, enabled, "trace-context", "TRACE_CONTEXT"), .type = PSV_OPTION_BOOL,
     .group = PSV_OPTION_GROUP_LOG, .default_text = "false",
     .help = "continue the client's W3C trace, or begin one: traceparent for scripts, ids in the access log "
             "(json)"},
    {NAME("trace", trace, sampled_ppm, "trace-sampled-ppm", "TRACE_SAMPLED_PPM"), .type = PSV_OPTION_INTEGER,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "N", .default_text = "0", RANGE(0, 1000000),
     .help = "of a million traces that begin here, so many are marked as sampled; with otlp.endpoint and "
             "without a value of your own: all"},
    {NAME("otlp", otlp, endpoint, "otlp-endpoint", "OTLP_ENDPOINT"), .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "URL", .default_text = "", RANGE(0, 1024),
     .help = "send sampled requests as OpenTelemetry spans to this collector (OTLP over HTTP, JSON), such as "
             "http://127.0.0.1:4318/v1/traces; implies trace.enabled; empty: off"},
    {NAME("otlp", otlp, headers, "otlp-header", "OTLP_HEADER"), .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "FIELD", .default_text = "", RANGE(1, TEXT_MAX - 1),
     .is_secret = true,
     .help = "field of every request to the collector, such as \"Authorization: Bearer ...\""},
    {NAME("otlp", otlp, service_name, "otlp-service-name", "OTLP_SERVICE_NAME"), .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "NAME", .default_text = "", RANGE(0, 255),
     .help = "service.name of the spans; empty: that of otlp.resource_attributes, else phpsrv"},
    {NAME("otlp", otlp, resource_attributes, "otlp-resource-attributes", "OTLP_RESOURCE_ATTRIBUTES"),
     .type = PSV_OPTION_TEXT, .group = PSV_OPTION_GROUP_LOG, .value_name = "LIST", .default_text = "",
     RANGE(0, TEXT_MAX - 1),
     .help = "what else the spans' resource has, such as "
             "deployment.environment.name=production,service.version=1.2; commas within a value as %2C"},
    {NAME("otlp", otlp, queue_requests, "otlp-queue-requests", "OTLP_QUEUE_REQUESTS"),
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_LOG, .value_name = "N", .default_text = "4096",
     RANGE(64, 1 << 20),
     .help = "requests that may wait to be sent to the collector, 2 KiB each; more are dropped and counted"},
    {NAME("otlp", otlp, delay_ms, "otlp-delay-ms", "OTLP_DELAY_MS"), .type = PSV_OPTION_DURATION,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "DURATION", .default_text = "1s", RANGE(10, HOUR),
     .help = "time in which spans are gathered before they are sent, unless there are enough for a batch "
             "earlier"},
    {NAME("otlp", otlp, timeout_ms, "otlp-timeout-ms", "OTLP_TIMEOUT_MS"), .type = PSV_OPTION_DURATION,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "DURATION", .default_text = "10s", RANGE(10, HOUR),
     .help = "longest time for one request to the collector"},
    {NAME("otlp", otlp, gzip, "otlp-gzip", "OTLP_GZIP"), .type = PSV_OPTION_BOOL,
     .group = PSV_OPTION_GROUP_LOG, .default_text = "false",
     .help = "compress what is sent to the collector: worth it when it is another machine"},
    {NAME("otlp", otlp, ca_file, "otlp-ca-file", "OTLP_CA_FILE"), .type = PSV_OPTION_PATH,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "FILE", .default_text = "", RANGE(0, TEXT_MAX - 1),
     .help = "certificates (PEM) that the collector's is checked with; empty: the system's"},
    {NAME("log", log, error_path, "log-error-path", "LOG_ERROR_PATH"), .type = PSV_OPTION_PATH,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "FILE", .default_text = "stderr", RANGE(1, TEXT_MAX - 1),
     .help = "error log: stderr, stdout or a file"},
    {NAME("log", log, access, "log-access", "LOG_ACCESS"), .type = PSV_OPTION_ENUM,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "FORMAT", .default_text = "off", .choices = access_choices,
     .help = "form of the access log; custom: as log.access_format says; caddy: JSON as Caddy writes it"},
    {NAME("log", log, access_status_min, "log-access-status-min", "LOG_ACCESS_STATUS_MIN"),
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_LOG, .value_name = "STATUS", .default_text = "0",
     RANGE(0, 600),
     .help = "only requests with this status or a higher one, such as 500, are in the access log; 0: all"},
    {NAME("log", log, access_format, "log-access-format", "LOG_ACCESS_FORMAT"), .type = PSV_OPTION_TEXT,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "TEXT", .default_text = "", RANGE(0, 2000),
     .help = "a line of the access log with variables as nginx names them, such as '$remote_addr "
             "[$time_iso8601] \"$request\" $status $request_time'; for log.access custom"},
    {NAME("log", log, access_path, "log-access-path", "LOG_ACCESS_PATH"), .type = PSV_OPTION_PATH,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "FILE", .default_text = "stdout", RANGE(1, TEXT_MAX - 1),
     .help = "access log: stdout, stderr or a file"},
    {NAME("log", log, ring_lines, "log-ring-lines", "LOG_RING_LINES"), .type = PSV_OPTION_INTEGER,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "N", .default_text = "8192", RANGE(16, 1 << 20),
     .help = "lines that may wait to be written; more are dropped and counted"},
    {NAME("log", log, color, "log-color", "LOG_COLOR"), .type = PSV_OPTION_ENUM,
     .group = PSV_OPTION_GROUP_LOG, .value_name = "WHEN", .default_text = "auto", .choices = color_choices,
     .help = "colours and short times in logs of the form text and short; auto: on a terminal, unless "
             "NO_COLOR is set"},

    /* ---- development */
    {NAME("dev", dev, enabled, "dev", "DEV"), .type = PSV_OPTION_BOOL, .group = PSV_OPTION_GROUP_DEV,
     .default_text = "false",
     .help = "development mode: other defaults, error pages with source, reload when files change; shows "
             "secrets to whoever asks, never for production"},
    {NAME("dev", dev, live_reload, "live-reload", "LIVE_RELOAD"), .type = PSV_OPTION_BOOL,
     .group = PSV_OPTION_GROUP_DEV, .default_text = "true",
     .help = "with --dev: open pages are loaded again when a file below the document root or a watched "
             "folder changes"},
    {NAME("dev", dev, watch_paths, "watch-path", "WATCH_PATH"), .type = PSV_OPTION_LIST,
     .group = PSV_OPTION_GROUP_DEV, .value_name = "DIR", .default_text = "", RANGE(1, TEXT_MAX - 1),
     .help = "with --dev: folder that is watched beside the document root, such as ../templates"},
    {NAME("dev", dev, watch_folders_max, "watch-folders-max", "WATCH_FOLDERS_MAX"),
     .type = PSV_OPTION_INTEGER, .group = PSV_OPTION_GROUP_DEV, .value_name = "N", .default_text = "8192",
     RANGE(1, 1000000),
     .help = "with --dev: folders that are watched at most; more go unwatched, and the log says so"},
};
/* clang-format on */

const size_t psv_options_len = ARRAY_SIZE(psv_options);
_Static_assert(ARRAY_SIZE(psv_options) <= PSV_CONFIG_OPTIONS_MAX, "PSV_CONFIG_OPTIONS_MAX");
