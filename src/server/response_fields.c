/* See response_fields.h.
 *
 * SPDX-License-Identifier: MIT */
#include "response_fields.h"

#include <stdio.h>

#include "http/field.h"

#define HSTS_TEXT_BYTES 40

/* What does no harm to any page of today: types are not guessed, foreign sites cannot frame a page, paths do
 * not leave the site. */
static const struct {
    struct psv_bytes name;
    struct psv_bytes value;
} security_fields[] = {
    {PSV_BYTES_INIT("X-Content-Type-Options"), PSV_BYTES_INIT("nosniff")},
    {PSV_BYTES_INIT("X-Frame-Options"), PSV_BYTES_INIT("SAMEORIGIN")},
    {PSV_BYTES_INIT("Referrer-Policy"), PSV_BYTES_INIT("strict-origin-when-cross-origin")},
    {PSV_BYTES_INIT("Cross-Origin-Opener-Policy"), PSV_BYTES_INIT("same-origin-allow-popups")},
};

/* Fields that say how a response is framed, or that are the server's or application's for each response anew.
 */
static bool is_reserved(enum psv_field_id id)
{
    switch (id) {
    case PSV_FIELD_CONNECTION:
    case PSV_FIELD_CONTENT_LENGTH:
    case PSV_FIELD_CONTENT_ENCODING:
    case PSV_FIELD_CONTENT_RANGE:
    case PSV_FIELD_DATE:
    case PSV_FIELD_ETAG:
    case PSV_FIELD_KEEP_ALIVE:
    case PSV_FIELD_SERVER:
    case PSV_FIELD_SET_COOKIE:
    case PSV_FIELD_TRAILER:
    case PSV_FIELD_TRANSFER_ENCODING:
    case PSV_FIELD_UPGRADE:
    case PSV_FIELD_VARY:
        return true;
    default:
        return false;
    }
}

static int add_configured(struct psv_extra_fields *ret, const char *text, struct psv_error *reterr)
{
    struct psv_bytes line = psv_bytes_of(text);
    size_t colon = psv_bytes_find(line, ':');
    struct psv_bytes name = psv_bytes_first(line, colon);
    struct psv_bytes value = psv_bytes_trim(psv_bytes_from(line, MIN(colon + 1, line.len)));

    if (colon == line.len || !psv_field_name_is_valid(name) || value.len == 0 ||
        !psv_field_value_is_valid(value)) {
        return psv_error_set(reterr, PSV_EINVAL, "response.fields \"%s\" is not like \"Name: value\"", text);
    }
    if (is_reserved(psv_field_find(name))) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "response.fields \"%s\": this field is made for each response anew", text);
    }
    return psv_extra_fields_add(ret, name, value)
               ? PSV_OK
               : psv_error_set(reterr, PSV_EINVAL,
                               "response.fields \"%s\": given twice, or more than %d in all", text,
                               PSV_EXTRA_FIELDS_MAX - 6);
}

int psv_response_fields_init(struct psv_extra_fields *ret, const struct psv_config *config, bool is_secure,
                             char *hsts_text, struct psv_error *reterr)
{
    const struct psv_config_list *own = &config->response.fields;
    uint64_t max_age_s = config->tls.hsts_ms / 1000;

    *ret = (struct psv_extra_fields){.len = 0};
    for (size_t i = 0; i < own->len; i++) {
        int code = add_configured(ret, own->items[i], reterr);
        if (code != PSV_OK) {
            return code;
        }
    }
    for (size_t i = 0; config->response.security_fields && i < ARRAY_SIZE(security_fields); i++) {
        (void)psv_extra_fields_add(ret, security_fields[i].name, security_fields[i].value);
    }
    if (config->dev.enabled) { /* what was just saved is what is seen */
        (void)psv_extra_fields_add(ret, psv_field_name(PSV_FIELD_CACHE_CONTROL), PSV_BYTES("no-cache"));
    }
    if (is_secure && max_age_s > 0) {
        (void)snprintf(hsts_text, HSTS_TEXT_BYTES, "max-age=%llu", (unsigned long long)max_age_s);
        (void)psv_extra_fields_add(ret, psv_field_name(PSV_FIELD_STRICT_TRANSPORT_SECURITY),
                                   psv_bytes_of(hsts_text));
    }
    return PSV_OK;
}
