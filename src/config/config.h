/* The configuration as the modules read it: one const struct per module, filled once from options.h's table
 * and never changed.  Loading lives in config_load.c; nothing here knows TOML.  Modules never look an option
 * up by its name.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

struct psv_buffer;

/** Exit code of the program when the configuration is wrong. */
#define PSV_CONFIG_EXIT_CODE 2

/** Texts of one list option, in order of precedence (the last one wins where items have keys). */
struct psv_config_list {
    const char *const *items;
    size_t len;
};

/* Same order as the table's choices.  PSV_CONFIG_LOG_LEVEL_* equals enum psv_log_level,
 * PSV_CONFIG_LOG_FORMAT_* equals enum psv_log_format (config and observe do not know each other; server/
 * asserts it). */
enum psv_config_log_level {
    PSV_CONFIG_LOG_LEVEL_DEBUG,
    PSV_CONFIG_LOG_LEVEL_INFO,
    PSV_CONFIG_LOG_LEVEL_WARN,
    PSV_CONFIG_LOG_LEVEL_ERROR
};
enum psv_config_log_format {
    PSV_CONFIG_LOG_FORMAT_TEXT,
    PSV_CONFIG_LOG_FORMAT_JSON,
    PSV_CONFIG_LOG_FORMAT_CADDY
};
enum psv_config_http_version {
    PSV_CONFIG_HTTP_1_0,
    PSV_CONFIG_HTTP_1_1,
    PSV_CONFIG_HTTP_2,
};

/* What max_execution_time counts. */
enum psv_config_php_time_limit {
    PSV_CONFIG_PHP_TIME_LIMIT_CPU,
    PSV_CONFIG_PHP_TIME_LIMIT_WALL,
};

enum psv_config_access {
    PSV_CONFIG_ACCESS_OFF,
    PSV_CONFIG_ACCESS_COMMON,
    PSV_CONFIG_ACCESS_COMBINED,
    PSV_CONFIG_ACCESS_JSON,
    PSV_CONFIG_ACCESS_CUSTOM, /* access_format */
    PSV_CONFIG_ACCESS_SHORT,
    PSV_CONFIG_ACCESS_CADDY
};
/* Equals enum psv_log_color. */
enum psv_config_log_color {
    PSV_CONFIG_LOG_COLOR_AUTO,
    PSV_CONFIG_LOG_COLOR_ALWAYS,
    PSV_CONFIG_LOG_COLOR_NEVER
};

/* Texts are never NULL; "" means not set.  Durations of 0 mean none only where the option's help says so. */

struct psv_config_listen {
    const char
        *address; /* HOST:PORT, [IPV6]:PORT, unix:PATH, with commas; port 0 = any free one; "" = TLS only */
    uint64_t backlog;
    bool reuse_port;
};

struct psv_config_site {
    const char *name;             /* in logs and metrics; "" = its first host, or "default" */
    struct psv_config_list hosts; /* "example.org", "*.example.org"; empty: all that no other site names */
    const char *docroot;
    const char *server_name; /* "" = the request's Host */
    const char *index; /* "" = what the path names; "index.php", "index.html": answers all that is no file */
    const char *fallback; /* a path: answers what names nothing; "" = 404 */
    const char *assets;   /* extensions with commas between: their absence is 404 without the two above */
    struct psv_config_list redirects; /* "FROM TO [STATUS]": server/route_rules.h */
    struct psv_config_list rewrites;  /* "FROM TO" */
};

struct psv_config_server {
    bool tokens;       /* send "Server: phpsrv", and PHP's X-Powered-By */
    const char *user;  /* "" = as started */
    const char *group; /* "" = the user's */
    bool no_new_privileges;
    struct psv_config_list write_paths; /* empty: writing is restricted by permissions only */
    uint64_t drain_delay_ms;            /* from "not ready" to "accepts nothing new", on SIGTERM */
    uint64_t drain_timeout_ms;
};

struct psv_config_supervisor {
    bool enabled;
    uint64_t start_timeout_ms;
    uint64_t memory_max_bytes; /* of a server's own memory; 0 = unlimited */
};

struct psv_config_internal {
    const char *listen;     /* HOST:PORT; "" = off */
    const char *token_file; /* "" = none: nothing can be changed */
    bool frankenphp;        /* handler/frankenphp_admin.h */
};

struct psv_config_workers {
    uint64_t count; /* 0 = as many as the cores that the cgroup allows; server/ resolves it */
    uint64_t stack_bytes;
    uint64_t max_requests; /* 0 = no limit */
    uint64_t give_up_ms;   /* 0 = never */
};

/* Same order as the choices. */
enum psv_config_worker_reset {
    PSV_CONFIG_WORKER_RESET_COMPAT, /* what FrankenPHP resets between requests, and no more */
    PSV_CONFIG_WORKER_RESET_STRICT, /* settings, locale, handlers ... as they were when the script was ready
                                     */
};

/* Section "worker_mode": scripts that are booted once and handed requests, and what holds for those that say
 * nothing else. */
struct psv_config_worker_mode {
    struct psv_config_list scripts; /* "FILE" or "FILE,N" each: --worker; become psv_config_worker */
    uint64_t count;                 /* threads of a script; 0 = as workers.count */
    uint64_t max_requests;          /* a script is booted anew after as many; 0 = no limit */
    uint64_t memory_bytes_max;      /* the same when its heap is larger after a request; 0 = no limit */
    uint64_t time_max_ms;           /* the same after so long; 0 = no limit */
    uint64_t boot_failures_max;     /* the start fails after as many in a row */
    uint64_t boot_timeout_ms;       /* to reach its loop */
    enum psv_config_worker_reset reset;
    struct psv_config_list env;   /* "NAME=value": in $_SERVER and getenv() while the script boots */
    struct psv_config_list match; /* paths that it answers besides its own: config_workers.h */
    struct psv_config_list watch; /* files and folders whose change boots the script anew */
};

/** All sites that have the script. */
#define PSV_CONFIG_ANY_SITE SIZE_MAX

/** A script of worker mode: --worker, or [[worker]] of the file. */
struct psv_config_worker {
    const char *name;   /* in logs and metrics; unique */
    const char *script; /* absolute and without links; as given when there is no such file */
    const char *given;  /* as given, without ",N" */
    const char *site;   /* name or host of the one site that it serves; "" = all that have the script */
    size_t site_number; /* that site as a scope: 0 = the configuration itself, else its index in scopes + 1;
                           or PSV_CONFIG_ANY_SITE */
    size_t home_number; /* the scope (numbered the same) with whose document root and settings it boots */
    unsigned line;      /* of the file; 0 = command line or environment */
    uint32_t set;       /* of [[worker]]: bit N = the Nth option of section worker_mode is its own */
    bool is_named;      /* of [[worker]]: it has a name of its own */
    struct psv_config_worker_mode mode;
};

#define PSV_CONFIG_WORKERS_MAX 64

struct psv_config_queue {
    uint64_t capacity; /* 0 = workers x 100; server/ resolves it */
    uint64_t wait_ms;  /* longest time without a worker; 0 = no limit of its own */
};

struct psv_config_executor {
    const char *name; /* a name of psv_executor_register */
};

struct psv_config_request {
    uint64_t timeout_ms; /* 0 = none */
    uint64_t slow_ms;    /* 0 = no slow log */
    uint64_t stream_timeout_ms;
    bool decode;
    uint64_t decode_ratio_max;
};

/* Who gets Server-Timing; same order as the choices. */
enum psv_config_server_timing {
    PSV_CONFIG_SERVER_TIMING_OFF,
    PSV_CONFIG_SERVER_TIMING_TRUSTED, /* clients in proxy.trusted */
    PSV_CONFIG_SERVER_TIMING_ALL
};

struct psv_config_response {
    uint64_t memory_bytes;
    uint64_t window_bytes;
    uint64_t held_bytes_max;
    const char *spill_folder;      /* "" = none */
    const char *error_pages;       /* folder; "" = built-in pages */
    struct psv_config_list fields; /* "Name: value" */
    bool security_fields;
    enum psv_config_server_timing server_timing;
};

struct psv_config_http {
    enum psv_config_http_version min_version;
    uint64_t request_line_bytes_max;
    uint64_t header_bytes_max;
    uint64_t header_count_max;
    uint64_t body_bytes_max;
    uint64_t body_memory_bytes;
    uint64_t pipeline_requests_max;
    uint64_t connections_max; /* server/ lowers it to what the fd limit allows */
    uint64_t header_timeout_ms;
    uint64_t body_idle_timeout_ms;
    uint64_t keepalive_timeout_ms;
    uint64_t write_timeout_ms;
    uint64_t linger_timeout_ms;
};

struct psv_config_http2 {
    bool enabled;
    uint64_t streams_max;
    uint64_t stream_window_bytes;
    uint64_t connection_window_bytes;
};

enum psv_config_forwarded {                           /* same order as the choices */
                            PSV_CONFIG_FORWARDED_X,   /* X-Forwarded-For, -Proto, -Host, -Port */
                            PSV_CONFIG_FORWARDED_RFC, /* Forwarded */
                            PSV_CONFIG_FORWARDED_NONE
};

struct psv_config_proxy {
    struct psv_config_list trusted; /* networks */
    enum psv_config_forwarded fields;
    bool protocol; /* connections begin with the PROXY protocol */
};

struct psv_config_compress {
    const char *codings; /* by preference; "off" */
    uint64_t zstd_level;
    uint64_t brotli_level;
    uint64_t gzip_level;
    uint64_t min_bytes;
    struct psv_config_list types; /* none: the usual ones */
};

enum psv_config_tls_version { PSV_CONFIG_TLS_12, PSV_CONFIG_TLS_13 }; /* same order as the choices */

struct psv_config_tls {
    const char *listen; /* HOST:PORT, used when there are certificates */
    struct psv_config_list certificates;
    struct psv_config_list keys;         /* one each */
    struct psv_config_list ocsp_answers; /* "" = none for that certificate */
    enum psv_config_tls_version min_version;
    const char *ciphers;
    uint64_t ticket_period_ms;
    uint64_t hsts_ms;       /* 0 = off */
    uint64_t redirect_port; /* 0 = off */
    bool kernel;
};

struct psv_config_static {
    bool enabled;
    bool follow_symlinks;
    uint64_t cache_entries; /* 0 = no cache */
    uint64_t cache_valid_ms;
    uint64_t ranges_max;
    uint64_t ttl_ms;                  /* 0 = no Cache-Control */
    struct psv_config_list immutable; /* patterns of paths */
    bool precompressed;
    uint64_t compress_memory_bytes; /* 0 = off */
};

struct psv_config_guard {
    struct psv_config_list allow; /* networks; empty: everybody */
    struct psv_config_list deny;
    uint64_t requests_max; /* queued or running; 0 = no limit */
    const char *rate;      /* "100/s"; "" = unlimited */
    uint64_t rate_burst;   /* 0 = the rate's count */
    const char *rate_key;  /* "address", or the name of a request field */
    uint64_t rate_memory_bytes;
    struct psv_config_list rate_exempt;        /* networks */
    uint64_t connections_per_client;           /* 0 = unlimited; process-wide */
    struct psv_config_list connections_exempt; /* networks */
    struct psv_config_list basic_auth;         /* "PREFIX FILE [REALM]", "PREFIX off": server/basic_auth.h */
};

struct psv_config_cors {
    struct psv_config_list origins; /* none: off */
    const char *methods;            /* names with commas between, or "*" */
    const char *headers;            /* the same */
    const char *expose;             /* the same */
    bool credentials;
    uint64_t max_age_ms;
};

struct psv_config_trace {
    bool enabled;
    uint64_t sampled_ppm; /* of traces that begin here */
};

struct psv_config_otlp {
    const char *endpoint;           /* URL; "" = off */
    struct psv_config_list headers; /* "Name: value" */
    const char *service_name;
    const char *resource_attributes; /* "key=value,key=value", percent-encoded */
    uint64_t queue_requests;
    uint64_t delay_ms;
    uint64_t timeout_ms;
    bool gzip;
    const char *ca_file; /* "" = the system's */
};

struct psv_config_sendfile {
    struct psv_config_list roots; /* "FOLDER" or "/PREFIX/=FOLDER" */
};

struct psv_config_php {
    struct psv_config_list ini_values; /* "key=value" each */
    const char *ini_file;              /* "" = PHP's own search */
    const char *sapi_name;
    enum psv_config_php_time_limit time_limit;
};

struct psv_config_log {
    enum psv_config_log_level level;
    enum psv_config_log_format format;
    const char *error_path;
    enum psv_config_access access;
    const char *access_path;
    const char *access_format;  /* of PSV_CONFIG_ACCESS_CUSTOM */
    uint64_t access_status_min; /* 0 = all */
    uint64_t ring_lines;
    enum psv_config_log_color color;
};

struct psv_config_dev {
    bool enabled; /* the rest counts with it only */
    bool live_reload;
    struct psv_config_list watch_paths; /* folders beside the document root */
    uint64_t watch_folders_max;
};

struct psv_config {
    struct psv_config_listen listen;
    struct psv_config_internal internal;
    struct psv_config_site site;
    struct psv_config_server server;
    struct psv_config_supervisor supervisor;
    struct psv_config_workers workers;
    struct psv_config_worker_mode worker_mode;
    struct psv_config_queue queue;
    struct psv_config_executor executor;
    struct psv_config_request request;
    struct psv_config_response response;
    struct psv_config_http http;
    struct psv_config_http2 http2;
    struct psv_config_tls tls;
    struct psv_config_proxy proxy;
    struct psv_config_compress compress;
    struct psv_config_static static_files; /* section "static" */
    struct psv_config_sendfile sendfile;
    struct psv_config_guard guard;
    struct psv_config_cors cors;
    struct psv_config_trace trace;
    struct psv_config_otlp otlp;
    struct psv_config_php php;
    struct psv_config_log log;
    struct psv_config_dev dev;
};

/** What the command line asks for. */
enum psv_config_action {
    PSV_CONFIG_ACTION_RUN,
    PSV_CONFIG_ACTION_HELP,
    PSV_CONFIG_ACTION_VERSION,
    PSV_CONFIG_ACTION_SCRIPT,           /* run SCRIPT: on the command line, without a server */
    PSV_CONFIG_ACTION_ROUTE,            /* route URL: say how it would be answered */
    PSV_CONFIG_ACTION_HEALTH,           /* health [URL]: ask a running server how it is */
    PSV_CONFIG_ACTION_CHECK,            /* --check-config: load, psv_config_check, say so, exit */
    PSV_CONFIG_ACTION_DUMP,             /* --dump-config */
    PSV_CONFIG_ACTION_PRINT_EXAMPLE,    /* --print-example-config (hidden) */
    PSV_CONFIG_ACTION_PRINT_REFERENCE,  /* --print-options-reference (hidden) */
    PSV_CONFIG_ACTION_PRINT_METRICS,    /* --print-metrics-reference (hidden) */
    PSV_CONFIG_ACTION_PRINT_MANUAL,     /* --print-man-page (hidden) */
    PSV_CONFIG_ACTION_PRINT_COMPLETION, /* --print-completion SHELL (hidden) */
};

/** Shells that --print-completion knows; the order of psv_config_shell_texts. */
enum psv_config_shell { PSV_CONFIG_SHELL_BASH, PSV_CONFIG_SHELL_ZSH, PSV_CONFIG_SHELL_FISH };
extern const char *const psv_config_shell_texts[]; /* NULL-terminated */

enum psv_config_origin_kind {
    PSV_CONFIG_ORIGIN_DEFAULT,
    PSV_CONFIG_ORIGIN_STANDARD, /* a variable that is not only ours: config_standard.c */
    PSV_CONFIG_ORIGIN_DEV,      /* the default that --dev brings */
    PSV_CONFIG_ORIGIN_FILE,
    PSV_CONFIG_ORIGIN_ENVIRONMENT,
    PSV_CONFIG_ORIGIN_COMMAND_LINE
};

/** Where an option's value comes from; a list's: where its last item comes from. */
struct psv_config_origin {
    enum psv_config_origin_kind kind;
    unsigned line; /* of the file, from 1; 0 for other kinds */
};

#define PSV_CONFIG_OPTIONS_MAX 192

#define PSV_CONFIG_SCOPES_MAX 256

/** Some requests for which options have other values: a site of its own ([[sites]]), or what lies below a
 * path of a site ([[prefixes]], [[sites.prefixes]]).  What a scope does not set it has from the scope around
 * it. */
struct psv_config_scope {
    const char *prefix;       /* "/api", without a slash at its end; "" = a whole site */
    size_t around;            /* of a prefix: its site's index in scopes + 1; 0 = the configuration itself */
    unsigned line;            /* of the file */
    struct psv_config config; /* whole: with all that is inherited */
    bool is_set[PSV_CONFIG_OPTIONS_MAX]; /* by index in psv_options: said by the scope itself */
    struct psv_config_origin origins[PSV_CONFIG_OPTIONS_MAX];
};

struct psv_config_loaded {
    enum psv_config_action action;
    struct psv_config config;
    struct psv_config_scope *scopes; /* sites before prefixes, each in the order of the file; on the arena */
    size_t scopes_len;
    struct psv_config_worker *workers; /* on the arena; --worker, then the file's in their order */
    size_t workers_len;
    size_t worker_tables_len;    /* [[worker]] of the file */
    int operand_at;              /* of SCRIPT, ROUTE, HEALTH: its place in argv */
    enum psv_config_shell shell; /* of PRINT_COMPLETION */
    const char *file;            /* as given to --config; "" = no file */
    struct psv_config_origin origins[PSV_CONFIG_OPTIONS_MAX]; /* by index in psv_options */
    struct psv_arena arena;                                   /* owns all texts */
};

/** Reads command line, environment, file and defaults, in this order of precedence.  With action HELP,
 * VERSION or PRINT_* nothing but the command line was read and config holds the defaults.  On failure *ret is
 * untouched, reterr holds one sentence.  0, PSV_EINVAL, PSV_ENOENT, PSV_EIO, PSV_ENOMEM ...  [boot] */
MUST_CHECK int psv_config_load(int argc, char **argv, char **environ, struct psv_config_loaded *ret,
                               struct psv_error *reterr);
/** Frees the texts; config must not be used any more.  Accepts a zeroed struct.  [boot] */
void psv_config_loaded_fini(struct psv_config_loaded *loaded);
/** Value of a variable among those of an environment (NULL: there are none); NULL when it is not there. */
const char *psv_config_find_variable(char *const *environ, const char *name);

/** The options of a scope by its number: 0 = the configuration itself, else its index in scopes + 1. */
const struct psv_config *psv_config_of_scope(const struct psv_config_loaded *loaded, size_t number);
/** The number of the whole site that a scope belongs to. */
size_t psv_config_site_of(const struct psv_config_loaded *loaded, size_t number);

/** True when the scope itself sets an option of this section ("guard"). */
bool psv_config_scope_sets(const struct psv_config_scope *scope, const char *section);

/** Whether a script of worker mode is for this scope (0 = the configuration itself, else its index + 1). */
bool psv_config_worker_serves(const struct psv_config_loaded *loaded, const struct psv_config_worker *worker,
                              size_t number);
/** `phpsrv.toml:3: worker "api.php"`: how messages call it.  Returns out. */
const char *psv_config_worker_where(const struct psv_config_loaded *loaded,
                                    const struct psv_config_worker *worker, char *out, size_t size);

/** Rules between options and with the machine (the document root exists, ...).  0 or PSV_EINVAL, PSV_ENOENT.
 * [boot] */
MUST_CHECK int psv_config_check(const struct psv_config_loaded *loaded, struct psv_error *reterr);

/** The effective values as TOML, each with its origin as a comment; psv_config_load reads it back. */
MUST_CHECK int psv_config_dump(const struct psv_config_loaded *loaded, struct psv_buffer *out);
/** The same as one JSON object, in base units (bytes, milliseconds); secrets are hidden. */
MUST_CHECK int psv_config_format_json(const struct psv_config_loaded *loaded, struct psv_buffer *out);
/** Text of --help for a terminal of that many columns. */
MUST_CHECK int psv_config_help(struct psv_buffer *out, unsigned columns);
/** config.example.toml and docs/options.md. */
MUST_CHECK int psv_config_format_example(struct psv_buffer *out);
MUST_CHECK int psv_config_format_reference(struct psv_buffer *out);
/** phpsrv(8) in the man macros of roff.  date: "2026-01-31". */
MUST_CHECK int psv_config_format_manual(struct psv_buffer *out, const char *version, const char *date);
/** What a shell reads to complete options, choices and file names. */
MUST_CHECK int psv_config_format_completion(struct psv_buffer *out, enum psv_config_shell shell);
