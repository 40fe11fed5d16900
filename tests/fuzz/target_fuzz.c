/* Fuzz target of http/target.c.  Input: one byte for the method, then the target.  Oracles: a naive
 * normaliser agrees; normalising the result again changes nothing; no dot segment, empty segment or NUL
 * survives; the texts are the pieces of the target.
 *
 * SPDX-License-Identifier: MIT */
#include "http_oracle.h"

#include "http/target.h"

static int digit_of(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, psv_ascii_lower(c)) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* Decodes a segment but for %2F; -1 when it is malformed. */
static ptrdiff_t decode(struct psv_bytes segment, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < segment.len; i++) {
        int high = i + 2 < segment.len ? digit_of(segment.data[i + 1]) : -1;
        int low = i + 2 < segment.len ? digit_of(segment.data[i + 2]) : -1;
        if (segment.data[i] != '%') {
            out[len++] = segment.data[i];
        } else if (high < 0 || low < 0 || high + low == 0) {
            return -1;
        } else if (high * 16 + low == '/') {
            out[len++] = '%';
        } else {
            out[len++] = (char)(high * 16 + low);
            i += 2;
        }
    }
    return (ptrdiff_t)len;
}

/* Pushes and pops segments, each with its slash in front.  False when the path must be refused.  raw: without
 * the first slash; out: raw.len + 2 bytes. */
static bool normalise(struct psv_bytes raw, char *out, size_t *ret_len)
{
    bool is_directory = raw.len == 0 || raw.data[raw.len - 1] == '/';
    bool is_dots = false;
    size_t len = 0;
    struct psv_bytes segment;

    while (psv_bytes_split(&raw, '/', &segment)) {
        ptrdiff_t name_len = decode(segment, out + len + 1);
        char *name = out + len + 1;
        bool is_up = name_len == 2 && memcmp(name, "..", 2) == 0;

        if (name_len < 0 || (is_up && len == 0)) {
            return false;
        }
        is_dots = is_up || (name_len == 1 && name[0] == '.');
        out[len] = '/';
        if (is_up) {
            do {
                len--;
            } while (out[len] != '/');
        } else if (!is_dots && name_len > 0) {
            len += (size_t)name_len + 1;
        }
    }
    if (len == 0 || is_directory || is_dots) {
        out[len++] = '/';
    }
    *ret_len = len;
    return true;
}

/* Writes path so that parsing it must give path again.  out: 3 x len bytes. */
static struct psv_bytes encode(struct psv_bytes path, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.data[i];
        if (c <= ' ' || c == 0x7f || strchr("%?#", c) != NULL)
            len += (size_t)snprintf(out + len, 4, "%%%02X", c);
        else
            out[len++] = (char)c;
    }
    return (struct psv_bytes){out, len};
}

static void check_shape(struct psv_bytes raw, const struct psv_request *request)
{
    struct psv_bytes path = request->path;

    ORACLE(path.len > 0 && path.data[0] == '/' && memchr(path.data, '\0', path.len) == NULL);
    ORACLE(memmem(path.data, path.len, "//", 2) == NULL);
    ORACLE(memmem(path.data, path.len, "/../", 4) == NULL && memmem(path.data, path.len, "/./", 3) == NULL);
    ORACLE(!psv_bytes_ends_with_case(path, PSV_BYTES("/..")) &&
           !psv_bytes_ends_with_case(path, PSV_BYTES("/.")));
    ORACLE(request->raw_path.data == request->target.data);
    if (request->query.data != NULL) {
        ORACLE(request->query.data == request->raw_path.data + request->raw_path.len + 1);
        ORACLE(request->target.len == request->raw_path.len + 1 + request->query.len);
        ORACLE(request->query.data[-1] == '?');
    } else {
        ORACLE(request->target.len == request->raw_path.len);
    }
    ORACLE(request->authority.len == 0 || is_inside(request->authority, raw));
}

static void check_again(struct psv_arena *arena, const struct psv_request *request)
{
    struct psv_request again = {0};
    char *text = malloc(request->path.len * 3 + 1);

    ORACLE(psv_target_parse(arena, PSV_METHOD_GET, encode(request->path, text), &again) == 0);
    ORACLE(psv_bytes_equal(again.path, request->path));
    ORACLE(psv_target_parse(arena, PSV_METHOD_GET, request->target, &again) == 0);
    ORACLE(psv_bytes_equal(again.path, request->path) && psv_bytes_equal(again.query, request->query));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psv_bytes raw = {(const char *)data, size};
    enum psv_method method = (enum psv_method)(take_byte(&raw) % PSV_METHOD_COUNT);
    struct psv_request request = {0};
    struct psv_arena arena;

    psv_arena_init(&arena, 1 << 24);
    int result = psv_target_parse(&arena, method, raw, &request);
    if (result == 0 && !psv_target_is_asterisk(&request)) {
        char *expected = malloc(request.raw_path.len + 2);
        size_t expected_len;
        struct psv_bytes rest = psv_bytes_from(request.raw_path, 1);
        ORACLE(normalise(rest, expected, &expected_len));
        ORACLE(psv_bytes_equal(request.path, (struct psv_bytes){expected, expected_len}));
        free(expected);
        check_shape(raw, &request);
        check_again(&arena, &request);
    } else if (result != 0) {
        ORACLE(request.target.len == 0 && request.path.len == 0 && request.authority.len == 0);
        ORACLE((result == PSV_EUNSUPPORTED) == (method == PSV_METHOD_CONNECT));
    }
    psv_arena_fini(&arena);
    return 0;
}
