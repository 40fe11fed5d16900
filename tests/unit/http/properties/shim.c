/* Flat functions over src/http/ for the property tests: no structs cross the border to Python.
 * Built together with floors 0 and 3 into a shared library of its own; not part of the server.
 *
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "http/authority.h"
#include "http/date.h"
#include "http/etag.h"
#include "http/range.h"
#include "http/script_path.h"
#include "http/target.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT int shim_target(const char *raw, size_t len, char *path, size_t *path_len, char *query,
                       size_t *query_len);
EXPORT int shim_authority(const char *text, size_t len, char *host, size_t *host_len, unsigned *port);
EXPORT void shim_date(long long unix_s, char *imf, char *iso, char *clf);
EXPORT int shim_date_parse(const char *text, size_t len, long long reference, long long *unix_s);
EXPORT int shim_ranges(const char *text, size_t len, uint64_t size, unsigned max, uint64_t *pairs,
                       unsigned *pairs_len);
EXPORT int shim_scripts(const char *path, size_t len, size_t *ends, int ends_max);
EXPORT size_t shim_etag(uint64_t size, long long mtime_ns, char *out);

static void hand_out(struct psv_bytes text, char *out, size_t *ret_len)
{
    if (text.len > 0) {
        memcpy(out, text.data, text.len);
    }
    *ret_len = text.data != NULL ? text.len : SIZE_MAX;
}

int shim_target(const char *raw, size_t len, char *path, size_t *path_len, char *query, size_t *query_len)
{
    struct psv_arena arena;
    struct psv_request request = {0};
    int result;

    psv_arena_init(&arena, 1 << 24);
    result = psv_target_parse(&arena, PSV_METHOD_GET, (struct psv_bytes){raw, len}, &request);
    hand_out(request.path, path, path_len);
    hand_out(request.query, query, query_len);
    psv_arena_fini(&arena);
    return result;
}

int shim_authority(const char *text, size_t len, char *host, size_t *host_len, unsigned *port)
{
    struct psv_bytes found = PSV_BYTES_EMPTY;
    uint16_t found_port = 0;
    int result = psv_authority_parse((struct psv_bytes){text, len}, &found, &found_port);

    hand_out(found, host, host_len);
    *port = found_port;
    return result;
}

void shim_date(long long unix_s, char *imf, char *iso, char *clf)
{
    psv_date_format_imf(imf, unix_s);
    psv_date_format_iso(iso, unix_s * 1000);
    psv_date_format_clf(clf, unix_s);
}

int shim_date_parse(const char *text, size_t len, long long reference, long long *unix_s)
{
    int64_t found = 0;
    int result = psv_date_parse((struct psv_bytes){text, len}, reference, &found);

    *unix_s = found;
    return result;
}

int shim_ranges(const char *text, size_t len, uint64_t size, unsigned max, uint64_t *pairs,
                unsigned *pairs_len)
{
    struct psv_range ranges[PSV_RANGE_DEFAULT_MAX];
    enum psv_range_verdict verdict;

    *pairs_len = 0;
    verdict = psv_range_parse((struct psv_bytes){text, len}, size, ranges, max, pairs_len);
    for (unsigned i = 0; i < *pairs_len; i++) {
        pairs[2 * i] = ranges[i].offset;
        pairs[2 * i + 1] = ranges[i].len;
    }
    return (int)verdict;
}

int shim_scripts(const char *path, size_t len, size_t *ends, int ends_max)
{
    struct psv_bytes script;
    struct psv_bytes path_info;
    size_t position = 0;
    int count = 0;

    while (count < ends_max &&
           psv_script_path_next((struct psv_bytes){path, len}, &position, &script, &path_info)) {
        ends[count++] = script.len;
    }
    return count;
}

size_t shim_etag(uint64_t size, long long mtime_ns, char *out)
{
    return psv_etag_format(out, size, mtime_ns);
}
