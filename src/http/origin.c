/* See origin.h.
 *
 * SPDX-License-Identifier: MIT */
#include "origin.h"

#include "base/error.h"
#include "base/macros.h"
#include "base/text_parse.h"

#define SCHEME_END PSV_BYTES("://")
#define PORT_MAX 65535

static bool is_host_byte(char byte)
{
    char lower = psv_ascii_lower(byte);

    return (lower >= 'a' && lower <= 'z') || psv_ascii_is_digit(byte) || byte == '-' || byte == '_' ||
           byte == '.';
}

static bool is_host_text(struct psv_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_host_byte(text.data[i]) || (text.data[i] == '.' && (i == 0 || text.data[i - 1] == '.'))) {
            return false;
        }
    }
    return text.len > 0 && text.data[text.len - 1] != '.';
}

/* RFC 3986 3.1.  The length of "scheme", 0 when there is none with "://" behind it. */
static size_t scheme_len(struct psv_bytes text)
{
    size_t len = psv_bytes_find(text, ':');

    if (len == 0 || !psv_bytes_starts_with(psv_bytes_from(text, len), SCHEME_END) ||
        psv_ascii_is_digit(text.data[0])) {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (text.data[i] != '+' && (text.data[i] == '_' || !is_host_byte(text.data[i]))) {
            return 0;
        }
    }
    return len;
}

/* A port that the scheme has anyway is left out by browsers (WHATWG URL, serialising). */
static const char *check_port(struct psv_bytes scheme, struct psv_bytes digits)
{
    uint64_t port;

    if (psv_parse_u64(digits, &port) != PSV_OK || port == 0 || port > PORT_MAX) {
        return "has a port that is no number from 1 to 65535";
    }
    if ((port == 443 && psv_bytes_equal_case(scheme, PSV_BYTES("https://"))) ||
        (port == 80 && psv_bytes_equal_case(scheme, PSV_BYTES("http://")))) {
        return "names the port that its scheme has anyway; browsers leave it out, and so must this";
    }
    return NULL;
}

static const char *check_host(const struct psv_origin_pattern *pattern, struct psv_bytes host)
{
    if (pattern->is_wildcard) {
        if (host.len < 2 || host.data[0] != '.' || !is_host_text(psv_bytes_from(host, 1))) {
            return "has a * that is not the first label of a host, as in https://*.example.org";
        }
        return NULL;
    }
    if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']') {
        return NULL; /* an IPv6 address: compared as it is written */
    }
    return is_host_text(host) ? NULL : "has no host, or one with odd characters";
}

const char *psv_origin_pattern_parse(struct psv_bytes text, struct psv_origin_pattern *ret)
{
    struct psv_origin_pattern pattern = {.is_wildcard = false};
    size_t len = scheme_len(text);

    if (psv_bytes_equal_case(text, PSV_BYTES("null"))) {
        return "would let in every sandboxed frame and local file";
    }
    if (len == 0) {
        return "has no scheme: it is written like https://app.example.org";
    }
    pattern.scheme = psv_bytes_first(text, len + SCHEME_END.len);
    pattern.rest = psv_bytes_from(text, pattern.scheme.len);
    if (psv_bytes_find(pattern.rest, '/') < pattern.rest.len) {
        return "has a path or a slash at its end, which no origin has";
    }
    if (pattern.rest.len > 0 && pattern.rest.data[0] == '*') {
        pattern.is_wildcard = true;
        pattern.rest = psv_bytes_from(pattern.rest, 1);
    }
    size_t colon = psv_bytes_find_last(pattern.rest, ':');
    size_t bracket = psv_bytes_find_last(pattern.rest, ']');
    bool has_port = colon < pattern.rest.len && (bracket == pattern.rest.len || bracket < colon);
    const char *wrong = check_host(&pattern, has_port ? psv_bytes_first(pattern.rest, colon) : pattern.rest);
    if (wrong == NULL && has_port) {
        wrong = check_port(pattern.scheme, psv_bytes_from(pattern.rest, colon + 1));
    }
    if (wrong == NULL) {
        *ret = pattern;
    }
    return wrong;
}

bool psv_origin_matches(const struct psv_origin_pattern *pattern, struct psv_bytes origin)
{
    struct psv_bytes rest = psv_bytes_from(origin, pattern->scheme.len);

    if (!psv_bytes_starts_with_case(origin, pattern->scheme)) {
        return false;
    }
    if (!pattern->is_wildcard) {
        return psv_bytes_equal_case(rest, pattern->rest);
    }
    return rest.len > pattern->rest.len && psv_bytes_ends_with_case(rest, pattern->rest) &&
           is_host_text(psv_bytes_first(rest, rest.len - pattern->rest.len));
}
