/* See json_text.h.
 *
 * SPDX-License-Identifier: MIT */
#include "json_text.h"

#include "base/buffer.h"
#include "base/utf8.h"

int psv_json_text_put(struct psv_buffer *out, struct psv_bytes text)
{
    int code = psv_buffer_append_byte(out, '"');

    while (text.len > 0 && code == 0) {
        uint32_t point = 0;
        size_t len = psv_utf8_decode(text, &point);
        if (len == 0) {
            code = psv_buffer_printf(out, "\xef\xbf\xbd");
        } else if (point == '"' || point == '\\') {
            code = psv_buffer_printf(out, "\\%c", (char)point);
        } else if (point < 0x20 || point == 0x7f) {
            code = psv_buffer_printf(out, "\\u%04x", (unsigned)point);
        } else {
            code = psv_buffer_append(out, text.data, len);
        }
        text = psv_bytes_from(text, MAX(len, (size_t)1));
    }
    return code == 0 ? psv_buffer_append_byte(out, '"') : code;
}
