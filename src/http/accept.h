/* Content negotiation of the server's own pages, and weights of content codings (RFC 9110 12.5).  Pure; any
 * thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/bytes.h"
#include "http/headers.h"

enum psv_accept_form {
    PSV_ACCEPT_PLAIN, /* text/plain: also when no Accept names any of the three */
    PSV_ACCEPT_HTML,  /* text/html */
    PSV_ACCEPT_JSON,  /* application/json or application/problem+json */
};

/** Which form of an error page the Accept fields like best: by weight, then by how exactly they name it,
 *  then HTML before JSON before plain text.  Always one of them: an error page is sent even to who accepts
 *  none (RFC 9110 15.5.7). */
enum psv_accept_form psv_accept_choose(const struct psv_headers *headers);

/** Weight in thousandths that Accept fields give a media type ("text/html", without parameters): the most
 *  exact range decides, 0 when none fits, 1000 when there is no Accept field. */
unsigned psv_accept_quality(const struct psv_headers *headers, struct psv_bytes type);

/** The same for a type in one version ("application/openmetrics-text", "1.0.0"): the weight of the ranges
 * that name both, 0 without one.  Of other parameters nothing is asked. */
unsigned psv_accept_version_quality(const struct psv_headers *headers, struct psv_bytes type,
                                    struct psv_bytes version);

/** Weight of a content coding ("gzip") by the Accept-Encoding fields (RFC 9110 12.5.3): 0 when it is not to
 *  be used, also without such a field; "identity" is 1000 unless it is excluded. */
unsigned psv_accept_encoding_quality(const struct psv_headers *headers, struct psv_bytes coding);
