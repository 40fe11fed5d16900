/* See live_reload.h.
 *
 * SPDX-License-Identifier: MIT */
#include "live_reload.h"

#include <string.h>

#include "base/error.h"
#include "base/macros.h"
#include "http/accept.h"
#include "http/headers.h"
#include "http/html_scan.h"
#include "http/request.h"
#include "observe/log.h"

/* ---- which */

static struct psv_bytes find(const struct psv_field *fields, unsigned fields_len, struct psv_bytes name)
{
    for (unsigned i = 0; i < fields_len; i++) {
        if (psv_bytes_equal_case(fields[i].name, name)) {
            return fields[i].value;
        }
    }
    return PSV_BYTES_EMPTY;
}

bool psv_live_reload_is_page(const struct psv_request *request)
{
    const struct psv_headers *headers = &request->headers;
    struct psv_bytes target = find(headers->items, headers->len, PSV_BYTES("Sec-Fetch-Dest"));

    if ((request->method != PSV_METHOD_GET && request->method != PSV_METHOD_HEAD &&
         request->method != PSV_METHOD_POST) ||
        find(headers->items, headers->len, PSV_BYTES("X-Requested-With")).len > 0) {
        return false;
    }
    if (target.len > 0) {
        return psv_bytes_equal_case(target, PSV_BYTES("document")) ||
               psv_bytes_equal_case(target, PSV_BYTES("iframe")) ||
               psv_bytes_equal_case(target, PSV_BYTES("frame"));
    }
    return psv_accept_choose(headers) == PSV_ACCEPT_HTML;
}

static bool is_html(struct psv_bytes type)
{
    struct psv_bytes essence = psv_bytes_trim(psv_bytes_first(type, psv_bytes_find(type, ';')));
    return psv_bytes_equal_case(essence, PSV_BYTES("text/html"));
}

/* One directive's value in a policy; data NULL: not there.  The first counts (CSP 3 2.2.1). */
static struct psv_bytes directive(struct psv_bytes policy, struct psv_bytes name)
{
    struct psv_bytes item;
    while (psv_bytes_split(&policy, ';', &item)) {
        item = psv_bytes_trim(item);
        size_t len = psv_bytes_find(item, ' ');
        if (psv_bytes_equal_case(psv_bytes_first(item, len), name)) {
            struct psv_bytes value = psv_bytes_trim(psv_bytes_from(item, len));
            return value.len > 0 ? value : PSV_BYTES("'none'");
        }
    }
    return PSV_BYTES_EMPTY;
}

static bool has_source(struct psv_bytes list, struct psv_bytes source)
{
    struct psv_bytes item;
    while (psv_bytes_split(&list, ' ', &item)) {
        if (psv_bytes_equal_case(psv_bytes_trim(item), source)) {
            return true;
        }
    }
    return false;
}

/* The own site is among the sources; one that is named by its host counts as another, so that there is never
 * a tag that the browser refuses. */
static bool allows_self(struct psv_bytes sources)
{
    if (sources.data == NULL) {
        return true; /* nothing is said */
    }
    if (has_source(sources, PSV_BYTES("'strict-dynamic'"))) {
        return false;
    }
    return has_source(sources, PSV_BYTES("'self'")) || has_source(sources, PSV_BYTES("*"));
}

static struct psv_bytes first_of(struct psv_bytes policy, struct psv_bytes a, struct psv_bytes b)
{
    struct psv_bytes found = directive(policy, a);
    if (found.data == NULL) {
        found = directive(policy, b);
    }
    return found.data != NULL ? found : directive(policy, PSV_BYTES("default-src"));
}

bool psv_live_reload_policy_allows(struct psv_bytes policies)
{
    struct psv_bytes policy;
    while (psv_bytes_split(&policies, ',', &policy)) {
        struct psv_bytes sandbox = directive(policy, PSV_BYTES("sandbox"));
        if (sandbox.data != NULL && (!has_source(sandbox, PSV_BYTES("allow-scripts")) ||
                                     !has_source(sandbox, PSV_BYTES("allow-same-origin")))) {
            return false;
        }
        if (!allows_self(first_of(policy, PSV_BYTES("script-src-elem"), PSV_BYTES("script-src"))) ||
            !allows_self(first_of(policy, PSV_BYTES("connect-src"), PSV_BYTES("connect-src")))) {
            return false;
        }
    }
    return true;
}

bool psv_live_reload_takes(unsigned status, const struct psv_field *fields, unsigned fields_len,
                           struct psv_bytes default_policy, const char **ret_reason)
{
    static const struct psv_bytes forbidding[] = {
        PSV_BYTES_INIT("Content-Encoding"), PSV_BYTES_INIT("Content-Range"),
        PSV_BYTES_INIT("Content-Digest"),   PSV_BYTES_INIT("Repr-Digest"),
        PSV_BYTES_INIT("Digest"),           PSV_BYTES_INIT("Content-MD5"),
        PSV_BYTES_INIT("X-Sendfile"),       PSV_BYTES_INIT("X-Accel-Redirect")};
    bool has_policy = false;

    *ret_reason = NULL;
    if (status < 200 || status == 204 || status == 205 || status == 206 || status / 100 == 3 ||
        !is_html(find(fields, fields_len, PSV_BYTES("Content-Type"))) ||
        psv_bytes_starts_with_case(find(fields, fields_len, PSV_BYTES("Content-Disposition")),
                                   PSV_BYTES("attachment"))) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(forbidding); i++) {
        if (find(fields, fields_len, forbidding[i]).len > 0) {
            *ret_reason = i == 0 ? "the script has encoded the page itself" : NULL;
            return false;
        }
    }
    for (unsigned i = 0; i < fields_len; i++) {
        if (psv_bytes_equal_case(fields[i].name, PSV_BYTES("Content-Security-Policy"))) {
            has_policy = true;
            if (!psv_live_reload_policy_allows(fields[i].value)) {
                *ret_reason =
                    "its Content-Security-Policy forbids it: script-src and connect-src need 'self'";
                return false;
            }
        }
    }
    if (!has_policy && !psv_live_reload_policy_allows(default_policy)) {
        *ret_reason = "response.fields has a Content-Security-Policy that forbids it";
        return false;
    }
    return true;
}

static bool takes(const struct psv_body_injection *base, struct psv_bytes target, unsigned status,
                  const struct psv_field *fields, unsigned fields_len, uint64_t len)
{
    const struct psv_live_reload_injection *injection = (const void *)base; /* its first member */
    const char *reason = NULL;
    bool is_taken = psv_live_reload_takes(status, fields, fields_len, injection->policy, &reason);

    if (is_taken && len > PSV_LIVE_RELOAD_BYTES_MAX) {
        is_taken = false;
        reason = "the page is too large";
    }
    if (reason != NULL) {
        PSV_LOG(PSV_LOG_INFO, "dev.live_reload_left_out", PSV_LOG_BYTES("target", target),
                PSV_LOG_TEXT("reason", reason));
    }
    return is_taken;
}

/* ---- how */

struct injector {
    struct psv_body_encoder base;
    struct psv_html_scan scan;
    char held[PSV_HTML_SCAN_PENDING_MAX]; /* given, but not yet passed on */
    size_t held_len;
    uint64_t bytes;
    bool is_done;
};

static _Thread_local struct injector injector;

/* The bytes from to to of what is held, followed by data. */
static int pass(const struct injector *from, struct psv_bytes data, size_t begin, size_t end,
                struct psv_response_body *out)
{
    size_t held_end = MIN(end, from->held_len);
    int code = PSV_OK;

    if (begin < held_end) {
        code = psv_response_body_append(out, from->held + begin, held_end - begin);
        begin = held_end;
    }
    if (code == PSV_OK && begin < end) {
        code = psv_response_body_append(out, data.data + (begin - from->held_len), end - begin);
    }
    return code;
}

static int put_tag(struct injector *into, struct psv_response_body *out)
{
    into->is_done = true;
    return psv_response_body_append(out, PSV_LIVE_RELOAD_TAG.data, PSV_LIVE_RELOAD_TAG.len);
}

static int encode(struct psv_body_encoder *base, const void *bytes, size_t len, struct psv_response_body *out)
{
    struct injector *into = CONTAINER_OF(base, struct injector, base);
    struct psv_bytes data = {bytes, len};
    size_t all = into->held_len + len;

    into->bytes += len;
    if (into->is_done) {
        return psv_response_body_append(out, bytes, len);
    }
    int64_t at = psv_html_scan(&into->scan, data);
    if (at == PSV_HTML_SCAN_NONE && into->bytes <= PSV_LIVE_RELOAD_BYTES_MAX) {
        char last[PSV_HTML_SCAN_PENDING_MAX];
        size_t keep = into->scan.pending;
        int code = pass(into, data, 0, all - keep, out);
        for (size_t i = 0; i < keep; i++) {
            size_t from = all - keep + i;
            last[i] = from < into->held_len ? into->held[from] : data.data[from - into->held_len];
        }
        memcpy(into->held, last, keep);
        into->held_len = keep;
        return code;
    }
    size_t place = at == PSV_HTML_SCAN_NONE ? all : (size_t)((int64_t)into->held_len + at);
    int code = pass(into, data, 0, place, out);
    if (code == PSV_OK && at != PSV_HTML_SCAN_NONE) {
        code = put_tag(into, out);
    }
    into->is_done = true; /* it is too long: it goes as it is */
    if (code == PSV_OK) {
        code = pass(into, data, place, all, out);
    }
    into->held_len = 0;
    return code;
}

static int end(struct psv_body_encoder *base, enum psv_body_end how, struct psv_response_body *out)
{
    struct injector *into = CONTAINER_OF(base, struct injector, base);

    if (how == PSV_BODY_FLUSH || into->is_done) {
        return PSV_OK; /* at most the beginning of a tag waits for its rest */
    }
    int code = pass(into, PSV_BYTES_EMPTY, 0, into->held_len, out);
    into->held_len = 0;
    return code == PSV_OK ? put_tag(into, out) : code;
}

static struct psv_body_encoder *begin(const struct psv_body_injection *injection)
{
    (void)injection;
    injector = (struct injector){.base = {.encode = encode, .end = end}};
    return &injector.base;
}

void psv_live_reload_injection_init(struct psv_live_reload_injection *injection, struct psv_bytes policy)
{
    *injection =
        (struct psv_live_reload_injection){.base = {.takes = takes, .begin = begin}, .policy = policy};
}

struct psv_bytes psv_live_reload_put(struct psv_arena *arena, struct psv_bytes html)
{
    struct psv_html_scan scan = {0};
    struct psv_bytes tag = PSV_LIVE_RELOAD_TAG;
    int64_t found = psv_html_scan(&scan, html);
    size_t at = found == PSV_HTML_SCAN_NONE ? html.len : (size_t)found;
    char *text = psv_arena_alloc_text(arena, html.len + tag.len);

    if (text == NULL) {
        return PSV_BYTES_EMPTY;
    }
    if (at > 0) {
        memcpy(text, html.data, at);
    }
    memcpy(text + at, tag.data, tag.len);
    if (at < html.len) {
        memcpy(text + at + tag.len, html.data + at, html.len - at);
    }
    return (struct psv_bytes){text, html.len + tag.len};
}
