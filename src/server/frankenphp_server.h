/* "frankenphp php-server ...", and what all verbs that serve have in common.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_frankenphp_arguments;

/** An address of a site as Caddy writes it, taken apart. */
struct psv_frankenphp_site {
    bool is_secure;
    char listen[300]; /* HOST:PORT or :PORT */
    char host[254];   /* the name that requests must have; "" = any */
    unsigned port;
};

/** "http://:8000", "https://example.org", "example.org:8443", ":80".  0; PSV_EINVAL with a sentence. */
MUST_CHECK int psv_frankenphp_parse_site(const char *text, struct psv_frankenphp_site *ret_site,
                                         struct psv_error *reterr);
/** The site's listeners.  redirects: plain requests on port 80 are sent to the site over TLS.  PSV_EINVAL:
 * TLS without a certificate. */
MUST_CHECK int psv_frankenphp_add_site(struct psv_frankenphp_arguments *list,
                                       const struct psv_frankenphp_site *site, bool redirects,
                                       struct psv_error *reterr);
/** What FrankenPHP does where we do otherwise by default. */
void psv_frankenphp_add_habits(struct psv_frankenphp_arguments *list);
/** host, port: as they were given; "" = localhost, 2019. */
void psv_frankenphp_add_admin(struct psv_frankenphp_arguments *list, const char *host, const char *port);
/** Logs on standard error; as JSON in Caddy's form, or for people. */
void psv_frankenphp_add_logs(struct psv_frankenphp_arguments *list, bool is_json, bool has_access);

/** arguments: those behind "php-server".  0; PSV_EINVAL with a sentence. */
MUST_CHECK int psv_frankenphp_server(struct psv_frankenphp_arguments *list, char *const *arguments,
                                     bool is_terminal, struct psv_error *reterr);
