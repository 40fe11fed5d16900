/* Fuzz target of http/html_scan.c.  Input: a page; its first byte says how long the portions are.  Oracles:
 * the same place is found whole and in portions; it is a "</body" and nothing else; what is pending begins
 * with "<".
 *
 * SPDX-License-Identifier: MIT */
#include "http_oracle.h"

#include "http/html_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct psv_bytes page = {(const char *)data + 1, size - 1};
    size_t portion = (size_t)data[0] % 16 + 1;
    struct psv_html_scan whole = {0};
    struct psv_html_scan parts = {0};
    int64_t expected = psv_html_scan(&whole, page);
    int64_t found = PSV_HTML_SCAN_NONE;

    for (size_t at = 0; at < page.len && found == PSV_HTML_SCAN_NONE; at += portion) {
        struct psv_bytes part = psv_bytes_first(psv_bytes_from(page, at), portion);
        found = psv_html_scan(&parts, part);
        if (found != PSV_HTML_SCAN_NONE)
            found += (int64_t)at;
        else if (parts.pending > 0)
            ORACLE(page.data[at + part.len - parts.pending] == '<');
    }
    ORACLE(found == expected);
    if (expected != PSV_HTML_SCAN_NONE)
        ORACLE(psv_bytes_starts_with_case(psv_bytes_from(page, (size_t)expected), PSV_BYTES("</body")));
    return 0;
}
