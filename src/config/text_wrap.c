/* Line breaking for help texts and comments.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "text_wrap.h"

#include <stdbool.h>

int psv_text_append_wrapped(struct psv_buffer *out, struct psv_bytes text, const char *prefix, size_t at,
                            size_t columns)
{
    size_t prefix_len = psv_bytes_of(prefix).len;
    struct psv_bytes word;
    bool is_first = true;
    while (psv_bytes_split(&text, ' ', &word)) {
        int result = 0;
        if (!is_first && at + 1 + word.len > columns) {
            result = psv_buffer_printf(out, "\n%s", prefix);
            at = prefix_len;
        } else if (!is_first) {
            result = psv_buffer_append_byte(out, ' ');
            at++;
        }
        if (result == 0) {
            result = psv_buffer_append_bytes(out, word);
        }
        if (result != 0) {
            return result;
        }
        at += word.len;
        is_first = false;
    }
    return psv_buffer_append_byte(out, '\n');
}
