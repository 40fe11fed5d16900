/* Fuzz target of http/range.c.  Input: mode, size (1 or 8 bytes), then a Range value (mode 0) or numbers to
 * write one with (mode 1).  Oracles: ranges are within the size, apart from each other, and cover exactly
 * the bytes that were asked for.
 *
 * SPDX-License-Identifier: MIT */
#include "http_oracle.h"

#include "http/range.h"

#define MAX_RANGES 16

static void check_result(enum psv_range_verdict verdict, const struct psv_range *ranges, unsigned len,
                         uint64_t size)
{
    ORACLE((verdict == PSV_RANGE_PARTIAL) == (len > 0));
    ORACLE(len <= MAX_RANGES);
    for (unsigned i = 0; i < len; i++) {
        ORACLE(ranges[i].len > 0 && ranges[i].offset < size && ranges[i].len <= size - ranges[i].offset);
        for (unsigned j = 0; j < i; j++) {
            ORACLE(ranges[i].offset + ranges[i].len < ranges[j].offset ||
                   ranges[j].offset + ranges[j].len < ranges[i].offset);
        }
    }
}

static void fuzz_text(struct psv_bytes input)
{
    struct psv_range ranges[MAX_RANGES];
    uint64_t size = 0;
    unsigned len = 0;

    for (int i = 0; i < 8; i++)
        size = size << 8 | take_byte(&input);
    enum psv_range_verdict verdict = psv_range_parse(input, size, ranges, MAX_RANGES, &len);
    check_result(verdict, ranges, len, size);
    for (unsigned i = 0; i < len; i++) {
        /* what is answered can be asked for */
        char text[64];
        struct psv_range again[1];
        unsigned again_len = 0;
        int text_len = snprintf(text, sizeof(text), "bytes=%llu-%llu", (unsigned long long)ranges[i].offset,
                                (unsigned long long)(ranges[i].offset + ranges[i].len - 1));
        ORACLE(psv_range_parse((struct psv_bytes){text, (size_t)text_len}, size, again, 1, &again_len) ==
               PSV_RANGE_PARTIAL);
        ORACLE(again[0].offset == ranges[i].offset && again[0].len == ranges[i].len);
    }
}

static void fuzz_numbers(struct psv_bytes input)
{
    struct psv_range ranges[MAX_RANGES];
    bool is_wanted[256] = {0};
    bool is_covered[256] = {0};
    unsigned wanted = 0;
    char text[MAX_RANGES * 16] = "bytes=";
    size_t text_len = 6;
    unsigned len = 0;
    uint64_t size = 1 + (uint64_t)take_byte(&input) % 255;

    for (unsigned n = 0; n < MAX_RANGES && (input.len > 0 || n == 0); n++) {
        unsigned kind = take_byte(&input) % 3;
        unsigned first = take_byte(&input);
        unsigned last = take_byte(&input);
        const char *comma = n > 0 ? "," : "";
        if (kind == 0 && last < first)
            last = first;
        if (kind == 0) {
            text_len += (size_t)snprintf(text + text_len, 16, "%s%u-%u", comma, first, last);
        } else if (kind == 1) {
            text_len += (size_t)snprintf(text + text_len, 16, "%s%u-", comma, first);
            last = 255;
        } else {
            text_len += (size_t)snprintf(text + text_len, 16, "%s-%u", comma, last);
            first = (unsigned)size > last ? (unsigned)size - last : 0;
            last = 255;
        }
        for (unsigned i = first; i <= last && i < size; i++) {
            wanted += !is_wanted[i];
            is_wanted[i] = true;
        }
    }
    enum psv_range_verdict verdict =
        psv_range_parse((struct psv_bytes){text, text_len}, size, ranges, MAX_RANGES, &len);
    check_result(verdict, ranges, len, size);
    ORACLE(verdict == (wanted > 0 ? PSV_RANGE_PARTIAL : PSV_RANGE_UNSATISFIABLE));
    for (unsigned i = 0; i < len; i++)
        memset(is_covered + ranges[i].offset, true, ranges[i].len);
    ORACLE(memcmp(is_wanted, is_covered, sizeof(is_wanted)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psv_bytes input = {(const char *)data, size};

    if (take_byte(&input) % 2 == 0)
        fuzz_text(input);
    else
        fuzz_numbers(input);
    return 0;
}
