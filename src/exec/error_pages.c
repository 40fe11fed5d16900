/* See error_pages.h.
 *
 * SPDX-License-Identifier: MIT */
#include "error_pages.h"

#include <stdio.h>
#include <string.h>

#include "http/status.h"

#define STATUS_DIGITS 3

const struct psv_error_page *psv_error_pages_find(const struct psv_error_pages *pages, unsigned status,
                                                  enum psv_accept_form form)
{
    const struct psv_error_page *found = NULL;

    for (unsigned i = 0; pages != NULL && i < pages->len; i++) {
        const struct psv_error_page *page = &pages->items[i];
        if (page->form != form) {
            continue;
        }
        if (page->status == status) {
            return page;
        }
        found = page->status == status / 100 ? page : found;
    }
    return found;
}

bool psv_error_page_read_name(struct psv_bytes name, struct psv_error_page *ret)
{
    static const struct {
        struct psv_bytes suffix;
        enum psv_accept_form form;
    } forms[] = {
        {PSV_BYTES_INIT(".html"), PSV_ACCEPT_HTML},
        {PSV_BYTES_INIT(".json"), PSV_ACCEPT_JSON},
        {PSV_BYTES_INIT(".txt"), PSV_ACCEPT_PLAIN},
    };
    struct psv_bytes suffix = psv_bytes_from(name, MIN(name.len, (size_t)STATUS_DIGITS));

    if (name.len < STATUS_DIGITS || (name.data[0] != '4' && name.data[0] != '5')) {
        return false;
    }
    unsigned status = (unsigned)(name.data[0] - '0');
    if (psv_ascii_is_digit(name.data[1]) && psv_ascii_is_digit(name.data[2])) {
        status = status * 100 + (unsigned)(name.data[1] - '0') * 10 + (unsigned)(name.data[2] - '0');
    } else if (name.data[1] != 'x' || name.data[2] != 'x') {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        if (psv_bytes_equal(suffix, forms[i].suffix)) {
            *ret = (struct psv_error_page){.status = status, .form = forms[i].form};
            return true;
        }
    }
    return false;
}

struct filling {
    struct psv_bytes mark;
    struct psv_bytes value;
};

/* The mark that text begins with; NULL: none. */
static const struct filling *find_mark(const struct filling *fillings, size_t len, struct psv_bytes text)
{
    for (size_t i = 0; i < len; i++) {
        if (psv_bytes_starts_with(text, fillings[i].mark)) {
            return &fillings[i];
        }
    }
    return NULL;
}

struct psv_bytes psv_error_page_fill(const struct psv_error_page *page, struct psv_arena *arena,
                                     unsigned status, struct psv_bytes request_id)
{
    char number[12];
    (void)snprintf(number, sizeof(number), "%u", status);
    const struct filling fillings[] = {
        {PSV_BYTES("{{status}}"), psv_bytes_of(number)},
        {PSV_BYTES("{{title}}"), psv_bytes_of(psv_status_text(status))},
        {PSV_BYTES("{{request_id}}"), request_id},
    };
    char *out = NULL;

    /* once to count, once to write */
    for (int pass = 0;; pass++) {
        size_t len = 0;
        for (struct psv_bytes rest = page->text; rest.len > 0;) {
            const struct filling *filling =
                rest.data[0] == '{' ? find_mark(fillings, ARRAY_SIZE(fillings), rest) : NULL;
            struct psv_bytes piece = filling != NULL ? filling->value : psv_bytes_first(rest, 1);
            if (out != NULL) {
                memcpy(out + len, piece.data, piece.len);
            }
            len += piece.len;
            rest = psv_bytes_from(rest, filling != NULL ? filling->mark.len : 1);
        }
        if (pass == 1) {
            return (struct psv_bytes){out, len};
        }
        out = psv_arena_alloc_text(arena, len);
        if (out == NULL) {
            return PSV_BYTES_EMPTY;
        }
    }
}
