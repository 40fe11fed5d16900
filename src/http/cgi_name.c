/* Names of CGI variables for request fields (RFC 3875 4.1.18).  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "cgi_name.h"

#include "headers.h"

#define PREFIX PSV_BYTES("HTTP_")

/* What a character of a field's name becomes; 0: its field does not become a variable. */
static const char variable_chars[256] = {
    ['-'] = '_', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6',
    ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'A', ['B'] = 'B', ['C'] = 'C', ['D'] = 'D', ['E'] = 'E',
    ['F'] = 'F', ['G'] = 'G', ['H'] = 'H', ['I'] = 'I', ['J'] = 'J', ['K'] = 'K', ['L'] = 'L', ['M'] = 'M',
    ['N'] = 'N', ['O'] = 'O', ['P'] = 'P', ['Q'] = 'Q', ['R'] = 'R', ['S'] = 'S', ['T'] = 'T', ['U'] = 'U',
    ['V'] = 'V', ['W'] = 'W', ['X'] = 'X', ['Y'] = 'Y', ['Z'] = 'Z', ['a'] = 'A', ['b'] = 'B', ['c'] = 'C',
    ['d'] = 'D', ['e'] = 'E', ['f'] = 'F', ['g'] = 'G', ['h'] = 'H', ['i'] = 'I', ['j'] = 'J', ['k'] = 'K',
    ['l'] = 'L', ['m'] = 'M', ['n'] = 'N', ['o'] = 'O', ['p'] = 'P', ['q'] = 'Q', ['r'] = 'R', ['s'] = 'S',
    ['t'] = 'T', ['u'] = 'U', ['v'] = 'V', ['w'] = 'W', ['x'] = 'X', ['y'] = 'Y', ['z'] = 'Z',
};

size_t psv_cgi_name(const struct psv_field *field, char *out, size_t out_size)
{
    struct psv_bytes name = field->name;
    size_t len = PREFIX.len;

    if (field->id == PSV_FIELD_PROXY || field->id == PSV_FIELD_CONTENT_TYPE ||
        field->id == PSV_FIELD_CONTENT_LENGTH || name.len == 0) {
        return 0;
    }
    /* written so that no sum can wrap */
    if (out_size <= len || name.len >= out_size - len) {
        return 0;
    }
    memcpy(out, PREFIX.data, PREFIX.len);
    for (size_t i = 0; i < name.len; i++) {
        char c = variable_chars[(unsigned char)name.data[i]];
        if (c == '\0') {
            return 0;
        }
        out[len++] = c;
    }
    out[len] = '\0';
    return len;
}
