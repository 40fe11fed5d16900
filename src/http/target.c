/* Request targets: form, decoding, dot segments.  One pass over the target finds what has to change;
 * usually nothing has, and every text is a view into the target as received.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "target.h"

#include "authority.h"
#include "base/error.h"
#include "base/macros.h"
#include "escape.h"

/* What a walk over the raw bytes found. */
struct scan {
    size_t path_len; /* up to '?' or the end */
    bool has_query;
    bool must_rewrite; /* an escape, two slashes in a row, or a dot segment */
};

static bool is_dot_segment(struct psv_bytes segment)
{
    return (segment.len == 1 && segment.data[0] == '.') ||
           (segment.len == 2 && segment.data[0] == '.' && segment.data[1] == '.');
}

enum byte_class { ORDINARY, REFUSED, ESCAPE, SLASH, QUESTION };

static const uint8_t byte_classes[256] = {
    [0 ... ' '] = REFUSED, [0x7f] = REFUSED, ['#'] = REFUSED, ['%'] = ESCAPE, ['/'] = SLASH, ['?'] = QUESTION,
};

static bool is_refused_in(struct psv_bytes query)
{
    for (size_t i = 0; i < query.len; i++) {
        if (byte_classes[(uint8_t)query.data[i]] == REFUSED) {
            return true;
        }
    }
    return false;
}

/* raw begins with '/'.  False when a byte is refused. */
static bool scan_target(struct psv_bytes raw, struct scan *ret_scan)
{
    struct scan scan = {.path_len = raw.len};
    size_t segment = 1; /* where the current one begins */

    for (size_t i = 1; i < scan.path_len; i++) {
        enum byte_class class = (enum byte_class)byte_classes[(uint8_t)raw.data[i]];

        if (LIKELY(class == ORDINARY)) {
            continue;
        }
        if (class == REFUSED) {
            return false;
        }
        if (class == SLASH) {
            struct psv_bytes name = {raw.data + segment, i - segment};
            scan.must_rewrite |= name.len == 0 || is_dot_segment(name);
            segment = i + 1;
        } else if (class == ESCAPE) {
            scan.must_rewrite = true;
        } else {
            scan.has_query = true;
            scan.path_len = i;
        }
    }
    scan.must_rewrite |= is_dot_segment((struct psv_bytes){raw.data + segment, scan.path_len - segment});
    *ret_scan = scan;
    return !scan.has_query || !is_refused_in(psv_bytes_from(raw, scan.path_len + 1));
}

/* Decodes one segment to out; "%2F" is copied as it is.  Length, or -1 when an escape is malformed or NUL. */
static ptrdiff_t decode_segment(struct psv_bytes segment, char *out)
{
    char *start = out;

    for (size_t i = 0; i < segment.len; i++) {
        int byte;

        if (segment.data[i] != '%') {
            *out++ = segment.data[i];
            continue;
        }
        byte = psv_escape_decode(psv_bytes_from(segment, i));
        if (byte <= 0) {
            return -1;
        }
        if (byte == '/') {
            memcpy(out, segment.data + i, 3);
            out += 3;
        } else {
            *out++ = (char)byte;
        }
        i += 2;
    }
    return out - start;
}

/* The path written so far ends in '/': drops its last segment.  False above the root. */
static bool drop_segment(const char *path, size_t *len)
{
    if (*len <= 1) {
        return false;
    }
    (*len)--;
    while (path[*len - 1] != '/') {
        (*len)--;
    }
    return true;
}

/* RFC 3986 5.2.4 with slashes merged first, as the file system reads a path: "/a//../b" is "/b".  out holds
 * raw_path.len bytes. */
static int rewrite_path(struct psv_bytes raw_path, char *out, size_t *ret_len)
{
    size_t len = 1;

    out[0] = '/';
    for (size_t at = 1; at < raw_path.len;) {
        struct psv_bytes rest = psv_bytes_from(raw_path, at);
        struct psv_bytes raw = psv_bytes_first(rest, psv_bytes_find(rest, '/'));
        ptrdiff_t decoded_len = decode_segment(raw, out + len);
        struct psv_bytes segment;

        if (decoded_len < 0) {
            return PSV_ESYNTAX;
        }
        at += raw.len + 1;
        segment = (struct psv_bytes){out + len, (size_t)decoded_len};
        if (is_dot_segment(segment)) {
            if (segment.len == 2 && !drop_segment(out, &len)) {
                return PSV_ESYNTAX;
            }
            continue;
        }
        len += segment.len;
        if (segment.len > 0 && raw.len < rest.len) {
            out[len++] = '/';
        }
    }
    *ret_len = len;
    return 0;
}

/* raw is the origin-form.  Fills all but the authority. */
static int parse_origin(struct psv_arena *arena, struct psv_bytes raw, struct psv_request *request)
{
    struct scan scan;
    struct psv_bytes raw_path;
    struct psv_bytes path;

    if (!scan_target(raw, &scan)) {
        return PSV_ESYNTAX;
    }
    raw_path = psv_bytes_first(raw, scan.path_len);
    path = raw_path;
    if (scan.must_rewrite) {
        char *out = psv_arena_alloc_text(arena, raw_path.len);
        int error;
        if (out == NULL) {
            return PSV_ENOMEM;
        }
        error = rewrite_path(raw_path, out, &path.len);
        if (error != 0) {
            return error;
        }
        path.data = out;
    }
    request->target = raw;
    request->raw_path = raw_path;
    request->path = path;
    request->query = PSV_BYTES_EMPTY;
    if (scan.has_query) {
        request->query = (struct psv_bytes){raw.data + scan.path_len + 1, raw.len - scan.path_len - 1};
    }
    return 0;
}

static int parse_asterisk(enum psv_method method, struct psv_bytes raw, struct psv_request *request)
{
    if (method != PSV_METHOD_OPTIONS) {
        return PSV_ESYNTAX;
    }
    request->target = raw;
    request->raw_path = raw;
    request->path = PSV_BYTES("/");
    request->query = PSV_BYTES_EMPTY;
    return 0;
}

/* Length of "http://" or "https://" at the beginning, 0 for anything else. */
static size_t scheme_len(struct psv_bytes raw)
{
    static const struct psv_bytes schemes[] = {PSV_BYTES_INIT("http://"), PSV_BYTES_INIT("https://")};

    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        if (psv_bytes_equal_case(psv_bytes_first(raw, schemes[i].len), schemes[i])) {
            return schemes[i].len;
        }
    }
    return 0;
}

/* What follows the authority, as an origin-form: a missing path is "/". */
static int origin_of_absolute(struct psv_arena *arena, struct psv_bytes rest, struct psv_bytes *ret_origin)
{
    char *text;

    if (rest.len > 0 && rest.data[0] == '/') {
        *ret_origin = rest;
        return 0;
    }
    if (rest.len == 0) {
        *ret_origin = PSV_BYTES("/");
        return 0;
    }
    text = psv_arena_alloc_text(arena, rest.len + 1);
    if (text == NULL) {
        return PSV_ENOMEM;
    }
    text[0] = '/';
    memcpy(text + 1, rest.data, rest.len);
    *ret_origin = (struct psv_bytes){text, rest.len + 1};
    return 0;
}

static int parse_absolute(struct psv_arena *arena, enum psv_method method, struct psv_bytes raw,
                          struct psv_request *request)
{
    struct psv_bytes rest = psv_bytes_from(raw, scheme_len(raw));
    struct psv_bytes authority = rest;
    struct psv_bytes origin;
    struct psv_bytes host;
    uint16_t port;
    int error;

    if (rest.len == raw.len) {
        return PSV_ESYNTAX;
    }
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.data[i] == '/' || rest.data[i] == '?') {
            authority.len = i;
            break;
        }
    }
    /* RFC 9110 4.2.1: an http URI with an empty host is invalid */
    if (psv_authority_parse(authority, &host, &port) != 0) {
        return PSV_ESYNTAX;
    }
    rest = psv_bytes_from(rest, authority.len);
    if (method == PSV_METHOD_OPTIONS && rest.len == 0) {
        /* RFC 9112 3.2.4: this is how a proxy is asked to send "OPTIONS *" on */
        error = parse_asterisk(method, PSV_BYTES("*"), request);
    } else {
        error = origin_of_absolute(arena, rest, &origin);
        error = error != 0 ? error : parse_origin(arena, origin, request);
    }
    if (error != 0) {
        return error;
    }
    request->authority = authority;
    request->host = host;
    request->port = port;
    return 0;
}

int psv_target_parse(struct psv_arena *arena, enum psv_method method, struct psv_bytes raw,
                     struct psv_request *request)
{
    if (method == PSV_METHOD_CONNECT) {
        return PSV_EUNSUPPORTED;
    }
    if (raw.len == 0) {
        return PSV_ESYNTAX;
    }
    if (raw.data[0] == '/') {
        return parse_origin(arena, raw, request);
    }
    if (psv_bytes_equal(raw, PSV_BYTES("*"))) {
        return parse_asterisk(method, raw, request);
    }
    return parse_absolute(arena, method, raw, request);
}

bool psv_target_is_asterisk(const struct psv_request *request)
{
    return psv_bytes_equal(request->target, PSV_BYTES("*"));
}
