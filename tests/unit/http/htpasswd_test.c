/* Tests of http/htpasswd.c: which lines are users, and why the others are none.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include <string.h>

#include "base/error.h"

#include "http/htpasswd.h"

#define B53 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ."
#define S43 "0123456789012345678901234567890123456789./a"
#define S86 S43 S43

static const struct {
    TABLE_ROW;
    const char *line;
    int code;
    const char *user;
    const char *hash;
} rows[] = {
    {ROW("bcrypt 2y"), "ann:$2y$05$" B53, PSV_OK, "ann", "$2y$05$" B53},
    {ROW("bcrypt 2a"), "ann:$2a$10$" B53, PSV_OK, "ann", "$2a$10$" B53},
    {ROW("bcrypt 2b"), "ann:$2b$15$" B53, PSV_OK, "ann", "$2b$15$" B53},
    {ROW("SHA-256"), "ann:$5$salt$" S43, PSV_OK, "ann", "$5$salt$" S43},
    {ROW("SHA-512"), "ann:$6$0123456789abcdef$" S86, PSV_OK, "ann", "$6$0123456789abcdef$" S86},
    {ROW("rounds"), "ann:$6$rounds=5000$s$" S86, PSV_OK, "ann", "$6$rounds=5000$s$" S86},
    {ROW("line end of DOS"), "ann:$5$salt$" S43 "\r", PSV_OK, "ann", "$5$salt$" S43},
    {ROW("comment behind"), "ann:$5$salt$" S43 ":room 5", PSV_OK, "ann", "$5$salt$" S43},
    {ROW("blank in the name"), "ann b:$5$salt$" S43, PSV_OK, "ann b", "$5$salt$" S43},
    {ROW("blank line"), " \t\r", PSV_EEMPTY, "", ""},
    {ROW("comment"), "# ann:x", PSV_EEMPTY, "", ""},
    {ROW("bcrypt cut"), "ann:$2y$05$abc", PSV_ESYNTAX, "", ""},
    {ROW("bcrypt of another alphabet"), "ann:$2y$05$!" B53, PSV_ESYNTAX, "", ""},
    {ROW("bcrypt too cheap"), "ann:$2y$03$" B53, PSV_ESYNTAX, "", ""},
    {ROW("bcrypt too dear"), "ann:$2y$16$" B53, PSV_ESYNTAX, "", ""},
    {ROW("bcrypt without cost"), "ann:$2y$xx$" B53, PSV_ESYNTAX, "", ""},
    {ROW("SHA too short"), "ann:$6$salt$" S43, PSV_ESYNTAX, "", ""},
    {ROW("SHA without hash"), "ann:$5$salt", PSV_ESYNTAX, "", ""},
    {ROW("SHA salt too long"), "ann:$5$0123456789abcdefg$" S43, PSV_ESYNTAX, "", ""},
    {ROW("SHA too many rounds"), "ann:$5$rounds=5000001$s$" S43, PSV_ESYNTAX, "", ""},
    {ROW("SHA rounds with zeros in front"), "ann:$6$rounds=0000005000$s$" S86, PSV_ESYNTAX, "", ""},
    {ROW("SHA too few rounds"), "ann:$5$rounds=999$s$" S43, PSV_ESYNTAX, "", ""},
    {ROW("no colon"), "ann", PSV_ESYNTAX, "", ""},
    {ROW("no user"), ":$5$salt$" S43, PSV_ESYNTAX, "", ""},
    {ROW("no hash"), "ann:", PSV_ESYNTAX, "", ""},
    {ROW("MD5 of Apache"), "ann:$apr1$x$y", PSV_EUNSUPPORTED, "", ""},
    {ROW("MD5"), "ann:$1$x$y", PSV_EUNSUPPORTED, "", ""},
    {ROW("SHA-1"), "ann:{SHA}x", PSV_EUNSUPPORTED, "", ""},
    {ROW("DES"), "ann:rqXexS6ZhobKA", PSV_EUNSUPPORTED, "", ""},
    {ROW("plain"), "ann:secret", PSV_EUNSUPPORTED, "", ""},
    {ROW("yescrypt"), "ann:$y$j9T$x$y", PSV_EUNSUPPORTED, "", ""},
    {ROW("faulty bcrypt"), "ann:$2x$05$" B53, PSV_EUNSUPPORTED, "", ""},
};

static void test_lines(void **state)
{
    (void)state;
    TABLE_FOR_EACH(row, rows)
    {
        struct psv_htpasswd_line line;
        const char *why = NULL;
        assert_int_equal(psv_htpasswd_parse_line(psv_bytes_of(row->line), &line, &why), row->code);
        if (row->code == PSV_OK) {
            assert_true(psv_bytes_equal(line.user, psv_bytes_of(row->user)));
            assert_true(psv_bytes_equal(line.hash, psv_bytes_of(row->hash)));
        } else {
            assert_int_equal(why != NULL, row->code != PSV_EEMPTY);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
