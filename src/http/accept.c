/* Proactive negotiation (RFC 9110 12).  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "accept.h"

#include <stdbool.h>

#include "base/macros.h"
#include "field_list.h"

/* How well a range fits a type: what is higher decides. */
enum fit { FIT_NONE, FIT_ANY, FIT_MAIN_TYPE, FIT_EXACT };

struct preference {
    enum fit fit;
    unsigned weight;
};

/* range has no parameters. */
static enum fit fit_of(struct psv_bytes range, struct psv_bytes type)
{
    size_t slash = psv_bytes_find(type, '/');

    if (psv_bytes_equal(range, PSV_BYTES("*/*"))) {
        return FIT_ANY;
    }
    if (psv_bytes_equal_case(range, type)) {
        return FIT_EXACT;
    }
    /* "text" + "/" + "*" */
    if (range.len == slash + 2 && range.data[slash + 1] == '*' &&
        psv_bytes_equal_case(psv_bytes_first(range, slash + 1), psv_bytes_first(type, slash + 1))) {
        return FIT_MAIN_TYPE;
    }
    return FIT_NONE;
}

/* True when a part is neither the weight nor empty: "text/html;level=1" is a kind of page that is not made
 * here. */
static bool has_media_parameters(struct psv_bytes parameters)
{
    struct psv_bytes part;

    while (psv_field_parameter_next(&parameters, &part)) {
        if (part.len >= 2 && psv_ascii_lower(part.data[0]) == 'q' && part.data[1] == '=') {
            return false;
        }
        if (part.len > 0 && !psv_bytes_starts_with_case(part, PSV_BYTES("charset="))) {
            return true;
        }
    }
    return false;
}

/* What the Accept fields say of each of these types, read once for all of them. */
static void find_preferences(const struct psv_headers *headers, const struct psv_bytes *types, size_t len,
                             struct preference *ret)
{
    for (size_t i = 0; i < len; i++) {
        ret[i] = (struct preference){FIT_NONE, 0};
    }
    for (unsigned i = 0; i < headers->len; i++) {
        struct psv_bytes rest = headers->items[i].value;
        struct psv_bytes parameters;

        while (headers->items[i].id == PSV_FIELD_ACCEPT && psv_field_list_next(&rest, &parameters)) {
            struct psv_bytes range;

            (void)psv_field_parameter_next(&parameters, &range);
            if (has_media_parameters(parameters)) {
                continue;
            }
            unsigned weight = psv_field_weight(parameters);
            for (size_t j = 0; j < len; j++) {
                enum fit fit = fit_of(range, types[j]);
                /* named twice as exactly: the friendlier one */
                if (fit > ret[j].fit || (fit == ret[j].fit && fit != FIT_NONE && weight > ret[j].weight)) {
                    ret[j] = (struct preference){fit, weight};
                }
            }
        }
    }
}

unsigned psv_accept_quality(const struct psv_headers *headers, struct psv_bytes type)
{
    if (psv_headers_find(headers, PSV_FIELD_ACCEPT) == NULL) {
        return 1000;
    }
    struct preference found;
    find_preferences(headers, &type, 1, &found);
    return found.weight;
}

static bool has_version(struct psv_bytes parameters, struct psv_bytes version)
{
    struct psv_bytes name = PSV_BYTES("version=");
    struct psv_bytes part;

    while (psv_field_parameter_next(&parameters, &part)) {
        struct psv_bytes value = psv_bytes_from(part, name.len);
        if (psv_bytes_starts_with_case(part, name)) {
            bool is_quoted = value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"';
            return psv_bytes_equal(is_quoted ? (struct psv_bytes){value.data + 1, value.len - 2} : value,
                                   version);
        }
    }
    return false;
}

unsigned psv_accept_version_quality(const struct psv_headers *headers, struct psv_bytes type,
                                    struct psv_bytes version)
{
    unsigned best = 0;

    for (unsigned i = 0; i < headers->len; i++) {
        struct psv_bytes rest = headers->items[i].value;
        struct psv_bytes parameters;

        while (headers->items[i].id == PSV_FIELD_ACCEPT && psv_field_list_next(&rest, &parameters)) {
            struct psv_bytes range;

            (void)psv_field_parameter_next(&parameters, &range);
            if (psv_bytes_equal_case(range, type) && has_version(parameters, version)) {
                best = MAX(best, psv_field_weight(parameters));
            }
        }
    }
    return best;
}

enum psv_accept_form psv_accept_choose(const struct psv_headers *headers)
{
    /* in the order in which they win a tie */
    static const struct psv_bytes types[] = {
        PSV_BYTES_INIT("text/html"),        PSV_BYTES_INIT("application/xhtml+xml"),
        PSV_BYTES_INIT("application/json"), PSV_BYTES_INIT("application/problem+json"),
        PSV_BYTES_INIT("text/plain"),
    };
    static const enum psv_accept_form forms[] = {PSV_ACCEPT_HTML, PSV_ACCEPT_HTML, PSV_ACCEPT_JSON,
                                                 PSV_ACCEPT_JSON, PSV_ACCEPT_PLAIN};
    enum psv_accept_form form = PSV_ACCEPT_PLAIN;
    struct preference best = {FIT_NONE, 0};
    struct preference found[ARRAY_SIZE(types)];

    _Static_assert(ARRAY_SIZE(types) == ARRAY_SIZE(forms), "a form for each type");
    find_preferences(headers, types, ARRAY_SIZE(types), found);
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        /* who takes anything has named nothing */
        if (found[i].fit <= FIT_ANY || found[i].weight == 0) {
            continue;
        }
        if (found[i].weight > best.weight || (found[i].weight == best.weight && found[i].fit > best.fit)) {
            best = found[i];
            form = forms[i];
        }
    }
    return form;
}

/* RFC 9110 8.4.1.3: "x-gzip" is the same as "gzip". */
static bool is_old_name(struct psv_bytes name, struct psv_bytes coding)
{
    return psv_bytes_equal(coding, PSV_BYTES("gzip")) && psv_bytes_equal_case(name, PSV_BYTES("x-gzip"));
}

unsigned psv_accept_encoding_quality(const struct psv_headers *headers, struct psv_bytes coding)
{
    struct preference best = {FIT_NONE, 0};

    for (unsigned i = 0; i < headers->len; i++) {
        struct psv_bytes rest = headers->items[i].value;
        struct psv_bytes parameters;

        while (headers->items[i].id == PSV_FIELD_ACCEPT_ENCODING && psv_field_list_next(&rest, &parameters)) {
            struct psv_bytes name;
            enum fit fit = FIT_NONE;

            (void)psv_field_parameter_next(&parameters, &name);
            if (psv_bytes_equal_case(name, coding) || is_old_name(name, coding)) {
                fit = FIT_EXACT;
            } else if (psv_bytes_equal(name, PSV_BYTES("*"))) {
                fit = FIT_ANY;
            }
            if (fit > best.fit) {
                best = (struct preference){fit, psv_field_weight(parameters)};
            }
        }
    }
    if (best.fit == FIT_NONE) {
        return psv_bytes_equal_case(coding, PSV_BYTES("identity")) ? 1000 : 0;
    }
    return best.weight;
}
