/* Content codings of responses; see content_coding.h.
 *
 * SPDX-License-Identifier: MIT */
#include "content_coding.h"

#include <string.h>

#include "base/error.h"
#include "http/field_list.h"
#include "http/status.h"

#define STATUS_PARTIAL 206

static bool has_member(struct psv_bytes list, struct psv_bytes wanted)
{
    struct psv_bytes member;

    while (psv_field_list_next(&list, &member)) {
        if (psv_bytes_equal_case(member, wanted)) {
            return true;
        }
    }
    return false;
}

/* Checksums of the body as it is. */
static bool is_checksum(struct psv_bytes name)
{
    return psv_bytes_equal_case(name, PSV_BYTES("Content-MD5")) ||
           psv_bytes_equal_case(name, PSV_BYTES("Digest")) ||
           psv_bytes_equal_case(name, PSV_BYTES("Content-Digest"));
}

enum psv_coding_verdict psv_coding_judge(unsigned status, const struct psv_field *fields, unsigned fields_len)
{
    enum psv_coding_verdict verdict = PSV_CODING_ALLOWED;

    if (psv_status_is_bodiless(status) || status == STATUS_PARTIAL) {
        return PSV_CODING_FORBIDDEN;
    }
    for (unsigned i = 0; i < fields_len; i++) {
        const struct psv_field *field = &fields[i];
        switch (field->id) {
        case PSV_FIELD_CONTENT_ENCODING:
            if (!psv_bytes_equal_case(psv_bytes_trim(field->value), PSV_BYTES("identity"))) {
                return PSV_CODING_DONE;
            }
            verdict = PSV_CODING_UNWANTED;
            break;
        case PSV_FIELD_CONTENT_RANGE:
            return PSV_CODING_FORBIDDEN;
        case PSV_FIELD_CACHE_CONTROL:
            if (has_member(field->value, PSV_BYTES("no-transform"))) {
                return PSV_CODING_FORBIDDEN;
            }
            break;
        case PSV_FIELD_UNKNOWN:
            if (is_checksum(field->name)) {
                return PSV_CODING_FORBIDDEN;
            }
            break;
        default:
            break;
        }
    }
    return verdict;
}

static int join(struct psv_arena *arena, struct psv_bytes a, struct psv_bytes b, struct psv_bytes *ret)
{
    char *text = psv_arena_alloc_text(arena, a.len + b.len);

    if (text == NULL) {
        return PSV_ENOMEM;
    }
    memcpy(text, a.data, a.len);
    memcpy(text + a.len, b.data, b.len);
    *ret = (struct psv_bytes){text, a.len + b.len};
    return PSV_OK;
}

/* Appends to the first Vary that does not say it already; "*" says everything. */
static int extend_vary(struct psv_arena *arena, struct psv_field *vary)
{
    if (has_member(vary->value, PSV_BYTES("Accept-Encoding")) || has_member(vary->value, PSV_BYTES("*"))) {
        return PSV_OK;
    }
    return join(arena, vary->value, PSV_BYTES(", Accept-Encoding"), &vary->value);
}

static bool is_strong_etag(const struct psv_field *field)
{
    return field->id == PSV_FIELD_ETAG && field->value.len > 0 && field->value.data[0] == '"';
}

static struct psv_field known(enum psv_field_id id, struct psv_bytes value)
{
    return (struct psv_field){.name = psv_field_name(id), .value = value, .id = id};
}

int psv_coding_rewrite(struct psv_arena *arena, const struct psv_field *fields, unsigned fields_len,
                       struct psv_bytes coding, const struct psv_field **ret_fields, unsigned *ret_len)
{
    struct psv_field *out = psv_arena_alloc(arena, (fields_len + 2) * sizeof(*out));
    struct psv_field *vary = NULL;
    bool is_encoded = coding.len > 0;
    unsigned len = 0;
    int code = PSV_OK;

    if (out == NULL) {
        return PSV_ENOMEM;
    }
    for (unsigned i = 0; i < fields_len && code == PSV_OK; i++) {
        if (fields[i].id == PSV_FIELD_CONTENT_ENCODING ||
            (is_encoded && fields[i].id == PSV_FIELD_ACCEPT_RANGES)) {
            continue;
        }
        out[len] = fields[i];
        if (is_encoded && is_strong_etag(&fields[i])) {
            code = join(arena, PSV_BYTES("W/"), fields[i].value, &out[len].value);
        }
        if (fields[i].id == PSV_FIELD_VARY && vary == NULL) {
            vary = &out[len];
        }
        len++;
    }
    if (vary == NULL) {
        out[len++] = known(PSV_FIELD_VARY, PSV_BYTES("Accept-Encoding"));
    } else if (code == PSV_OK) {
        code = extend_vary(arena, vary);
    }
    if (is_encoded) {
        out[len++] = known(PSV_FIELD_CONTENT_ENCODING, coding);
    }
    if (code == PSV_OK) {
        *ret_fields = out;
        *ret_len = len;
    }
    return code;
}

int psv_coding_weaken(struct psv_arena *arena, const struct psv_field *fields, unsigned fields_len,
                      const struct psv_field **ret_fields, unsigned *ret_len)
{
    struct psv_field *out = psv_arena_alloc(arena, (fields_len + 1) * sizeof(*out));
    unsigned len = 0;
    int code = out != NULL ? PSV_OK : PSV_ENOMEM;

    for (unsigned i = 0; i < fields_len && code == PSV_OK; i++) {
        if (fields[i].id == PSV_FIELD_ACCEPT_RANGES) {
            continue;
        }
        out[len] = fields[i];
        if (is_strong_etag(&fields[i])) {
            code = join(arena, PSV_BYTES("W/"), fields[i].value, &out[len].value);
        }
        len++;
    }
    if (code == PSV_OK) {
        *ret_fields = out;
        *ret_len = len;
    }
    return code;
}

int psv_coding_drop_identity(struct psv_arena *arena, const struct psv_field *fields, unsigned fields_len,
                             const struct psv_field **ret_fields, unsigned *ret_len)
{
    struct psv_field *out = psv_arena_alloc(arena, (fields_len + 1) * sizeof(*out));
    unsigned len = 0;

    if (out == NULL) {
        return PSV_ENOMEM;
    }
    for (unsigned i = 0; i < fields_len; i++) {
        if (fields[i].id != PSV_FIELD_CONTENT_ENCODING) {
            out[len++] = fields[i];
        }
    }
    *ret_fields = out;
    *ret_len = len;
    return PSV_OK;
}
