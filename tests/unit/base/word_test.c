/* Tests of base/word.h: every byte at every place, against the plain question.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/word.h"

/* Nothing is written behind the text. */
static void check_copy(struct psv_bytes text, bool is_plain)
{
    char out[32];
    memset(out, '#', sizeof(out));
    assert_int_equal(psv_copy_plain(out, text), is_plain);
    for (size_t i = text.len; i < sizeof(out); i++) {
        assert_int_equal(out[i], '#');
    }
    if (is_plain) {
        assert_memory_equal(out, text.data, text.len);
    }
}

static void plain_runs(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        bool is_plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
        for (size_t len = 1; len <= 20; len++) {
            for (size_t at = 0; at < len; at++) {
                char text[20];
                memset(text, 'x', sizeof(text));
                text[at] = (char)byte;
                assert_int_equal(psv_plain_len((struct psv_bytes){text, len}), is_plain ? len : at);
                check_copy((struct psv_bytes){text, len}, is_plain);
            }
        }
    }
    assert_int_equal(psv_plain_len(PSV_BYTES_EMPTY), 0);
    check_copy(PSV_BYTES_EMPTY, true);
}

static void a_yes_is_never_missed(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < 8; at++) {
            char text[8] = {1, 'a', (char)0x80, (char)0xff, '~', 0x20, 0, 'z'};
            text[at] = (char)byte;
            uint64_t word = psv_word_load(text);
            assert_true(psv_word_equal(word, (uint8_t)byte) != 0);
            assert_true(byte >= 0x20 || psv_word_below(word, 0x20) != 0);
            assert_true(psv_word_special(word) != 0);
            char lower[8];
            word = psv_word_lower(word);
            memcpy(lower, &word, sizeof(lower));
            for (size_t i = 0; i < sizeof(lower); i++) {
                assert_int_equal(lower[i], psv_ascii_lower(text[i]));
            }
        }
    }
    assert_true(psv_word_below(psv_word_load("abcdefgh"), 0x20) == 0);
    assert_true(psv_word_equal(psv_word_load("abcdefgh"), 'z') == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_runs),
        cmocka_unit_test(a_yes_is_never_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
