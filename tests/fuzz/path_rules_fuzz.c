/* Fuzz target of http/path_rules.c behind target.c.  Input: a target, then a prefix.  Oracles: a slow and
 * simple reading of the same path finds the same, also of what is behind a name; a path without encoded
 * slashes has one view only.
 *
 * SPDX-License-Identifier: MIT */
#include "http_oracle.h"

#include <string.h>

#include "http/path_rules.h"
#include "http/target.h"

#define SEGMENTS_MAX 4096

struct segments {
    struct psv_bytes items[SEGMENTS_MAX];
    size_t len;
};

/* Cut at slashes; with view, as psv_path_view says. */
static void cut(struct psv_bytes path, enum psv_path_view view, char *out, struct segments *ret)
{
    struct psv_bytes rest = {out, 0};
    struct psv_bytes item;

    for (size_t i = 0; i < path.len; i++) {
        bool is_encoded = view != PSV_PATH_PLAIN && i + 2 < path.len && path.data[i] == '%' &&
                          path.data[i + 1] == '2' && (path.data[i + 2] | 0x20) == 'f';
        out[rest.len++] = is_encoded ? '/' : path.data[i];
        i += is_encoded ? 2 : 0;
    }
    ret->len = 0;
    while (psv_bytes_split(&rest, '/', &item) && ret->len < SEGMENTS_MAX) {
        if (item.len == 0 || (view == PSV_PATH_RESOLVED && psv_bytes_equal(item, PSV_BYTES(".")))) {
            continue;
        }
        if (view == PSV_PATH_RESOLVED && psv_bytes_equal(item, PSV_BYTES(".."))) {
            ret->len -= ret->len > 0;
        } else {
            ret->items[ret->len++] = item;
        }
    }
}

static bool begins_with(const struct segments *path, const struct segments *prefix)
{
    for (size_t i = 0; i < prefix->len; i++) {
        if (i >= path->len || !psv_bytes_equal_case(path->items[i], prefix->items[i])) {
            return false;
        }
    }
    return true;
}

static bool has_segment(const struct segments *path, struct psv_bytes name)
{
    for (size_t i = 0; i < path->len; i++) {
        if (psv_bytes_equal_case(path->items[i], name)) {
            return true;
        }
    }
    return false;
}

static void check(struct psv_bytes path, struct psv_bytes text)
{
    static struct segments path_segments, prefix_segments;
    static char path_text[1 << 16], prefix_text[1 << 16];
    struct psv_bytes prefix;
    bool found[PSV_PATH_RESOLVED + 1];

    if (psv_path_prefix_parse(text, &prefix) != NULL || path.len > sizeof(path_text) ||
        text.len > sizeof(prefix_text)) {
        return;
    }
    cut(prefix, PSV_PATH_PLAIN, prefix_text, &prefix_segments);
    for (unsigned view = PSV_PATH_PLAIN; view <= PSV_PATH_RESOLVED; view++) {
        found[view] = psv_path_is_below(path, prefix, view);
        cut(path, view, path_text, &path_segments);
        ORACLE(path_segments.len == SEGMENTS_MAX ||
               found[view] == begins_with(&path_segments, &prefix_segments));
    }
    if (prefix_segments.len > 0) {
        struct psv_bytes name = prefix_segments.items[prefix_segments.len - 1];
        struct psv_bytes rest = path;
        cut(path, PSV_PATH_DECODED, path_text, &path_segments);
        bool is_there = psv_path_find_behind(path, name, &rest);
        ORACLE(path_segments.len == SEGMENTS_MAX || is_there == has_segment(&path_segments, name));
        ORACLE(!is_there || rest.data + rest.len == path.data + path.len);
    }
    if (!psv_path_has_encoded_slash(path)) {
        ORACLE(found[PSV_PATH_PLAIN] == found[PSV_PATH_DECODED]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psv_bytes input = {(const char *)data, size};
    struct psv_bytes target = psv_bytes_first(input, psv_bytes_find(input, '\n'));
    struct psv_bytes prefix = psv_bytes_from(input, target.len + 1);
    struct psv_request request = {0};
    struct psv_arena arena;

    psv_arena_init(&arena, 1 << 22);
    check(target, prefix);
    if (psv_target_parse(&arena, PSV_METHOD_GET, target, &request) == 0) {
        check(request.path, prefix);
        check(request.path, PSV_BYTES("/admin"));
        /* normalised: what the router takes for a path has no dot segments */
        struct psv_bytes all;
        ORACLE(psv_path_prefix_parse(PSV_BYTES("/"), &all) == NULL &&
               psv_path_is_below(request.path, all, PSV_PATH_PLAIN));
    }
    psv_arena_fini(&arena);
    return 0;
}
