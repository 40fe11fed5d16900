/* Tests of sapi/php_dev_source.c: escaping, and the scanner that colours source.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include <string.h>

#include "base/buffer.h"
#include "sapi/php_dev_source.h"

static void escapes_everything(void **state)
{
    static const struct escape_row {
        TABLE_ROW;
        const char *text;
        const char *html;
    } rows[] = {
        {ROW("plain"), "a b", "a b"},
        {ROW("markup"), "<a href=\"x\" b='y'>&", "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;"},
        {ROW("letters"), "\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac"},
        {ROW("stray byte"), "a\xff", "a\xef\xbf\xbd"},
        {ROW("cut sequence before markup"), "\xe2<b>", "\xef\xbf\xbd&lt;b&gt;"},
        {ROW("control byte"), "a\x1b[0m", "a\xe2\x90\x9b[0m"},
        {ROW("turned text"), "a\xe2\x80\xae", "a\xef\xbf\xbd"},
        {ROW("lines and tabs stay"), "a\n\tb", "a\n\tb"},
    };
    (void)state;
    TABLE_FOR_EACH(row, rows)
    {
        struct psv_buffer out;
        psv_buffer_init(&out, 1000);
        assert_true(psv_dev_put_escaped(&out, psv_bytes_of(row->text)));
        assert_int_equal(psv_buffer_append_byte(&out, '\0'), 0);
        assert_string_equal(out.data, row->html);
        psv_buffer_fini(&out);
    }
}

#define LINE(number, html) "<span class=\"l\" data-n=\"" #number "\">" html "\n</span>"

static void colours_tokens(void **state)
{
    static const struct source_row {
        TABLE_ROW;
        const char *source;
        const char *html;
    } rows[] = {
        {ROW("html around code"), "<b><?php echo 1 ?></b>",
         LINE(1, "<span class=\"h\">&lt;b&gt;</span><span class=\"t\">&lt;?php</span> <span "
                 "class=\"k\">echo</span> <span class=\"n\">1</span> <span class=\"t\">?&gt;</span><span "
                 "class=\"h\">&lt;/b&gt;</span>")},
        {ROW("string over lines"), "<?= 'a\nb' . $x",
         LINE(1, "<span class=\"t\">&lt;?=</span> <span class=\"s\">&#39;a</span>")
             LINE(2, "<span class=\"s\">b&#39;</span> . <span class=\"v\">$x</span>")},
        {ROW("escaped quote"), "<?= \"\\\"//\" // c",
         LINE(1, "<span class=\"t\">&lt;?=</span> <span class=\"s\">&quot;\\&quot;//&quot;</span> <span "
                 "class=\"c\">// c</span>")},
        {ROW("heredoc with a quote"), "<?= <<<X\n'\n X . 1",
         LINE(1, "<span class=\"t\">&lt;?=</span> <span class=\"s\">&lt;&lt;&lt;X</span>")
             LINE(2, "<span class=\"s\">&#39;</span>") LINE(3, "<span class=\"s\"> X</span> . <span "
                                                               "class=\"n\">1</span>")},
        {ROW("attribute is no comment"), "<?php #[A] f", LINE(1, "<span class=\"t\">&lt;?php</span> #[A] f")},
        {ROW("comment ends with the tag"), "<?php # a ?>b",
         LINE(1, "<span class=\"t\">&lt;?php</span> <span class=\"c\"># a </span><span "
                 "class=\"t\">?&gt;</span><span class=\"h\">b</span>")},
        {ROW("open comment"), "<?php /* a",
         LINE(1, "<span class=\"t\">&lt;?php</span> <span class=\"c\">/* a</span>")},
        {ROW("open string"), "<?php 'a\\",
         LINE(1, "<span class=\"t\">&lt;?php</span> <span class=\"s\">&#39;a\\</span>")},
        {ROW("open heredoc"), "<?php <<<A\nb",
         LINE(1, "<span class=\"t\">&lt;?php</span> <span class=\"s\">&lt;&lt;&lt;A</span>")
             LINE(2, "<span class=\"s\">b</span>")},
        {ROW("shift is no heredoc"), "<?php 1 <<< 2;",
         LINE(1,
              "<span class=\"t\">&lt;?php</span> <span class=\"n\">1</span> <span class=\"s\">&lt;&lt;&lt; "
              "2;</span>")},
        {ROW("a slash at the very end"), "<?php /", LINE(1, "<span class=\"t\">&lt;?php</span> /")},
    };
    (void)state;
    TABLE_FOR_EACH(row, rows)
    {
        struct psv_buffer out;
        psv_buffer_init(&out, 4000);
        assert_true(psv_dev_highlight(&out, psv_bytes_of(row->source), 1, 99, 0));
        assert_int_equal(psv_buffer_append_byte(&out, '\0'), 0);
        assert_string_equal(out.data, row->html);
        psv_buffer_fini(&out);
    }
}

static void shows_the_lines_that_are_asked_for(void **state)
{
    struct psv_buffer out;
    const struct psv_bytes source = PSV_BYTES("<?php\n/* a\nb */\nc();\nd();\n");
    (void)state;
    psv_buffer_init(&out, 1000);
    assert_true(psv_dev_highlight(&out, source, 3, 4, 4));
    assert_int_equal(psv_buffer_append_byte(&out, '\0'), 0);
    assert_string_equal(
        out.data, LINE(3, "<span class=\"c\">b */</span>") "<span class=\"l m\" data-n=\"4\">c();\n</span>");
    psv_buffer_clear(&out);
    assert_true(psv_dev_put_lines(&out, source, 3, 4, 4));
    assert_int_equal(psv_buffer_append_byte(&out, '\0'), 0);
    assert_string_equal(out.data, "       3 | b */\n >     4 | c();\n");
    psv_buffer_fini(&out);
    psv_buffer_init(&out, 20); /* no room */
    assert_false(psv_dev_highlight(&out, source, 3, 4, 4));
    psv_buffer_fini(&out);
}

static void cuts_long_lines(void **state)
{
    static char source[100000];
    struct psv_buffer out;
    (void)state;
    memset(source, 'x', sizeof(source));
    psv_buffer_init(&out, 2000);
    assert_true(psv_dev_highlight(&out, (struct psv_bytes){source, sizeof(source)}, 1, 1, 1));
    assert_in_range(out.len, 400, 500);
    psv_buffer_fini(&out);
}

static void reads_regular_files_only(void **state)
{
    struct psv_buffer source;
    (void)state;
    assert_false(psv_dev_read_source(PSV_BYTES("/dev/zero"), &source));
    assert_false(psv_dev_read_source(PSV_BYTES("/tmp"), &source));
    assert_false(psv_dev_read_source(PSV_BYTES("relative.php"), &source));
    assert_false(psv_dev_read_source(PSV_BYTES("/no/such/file.php"), &source));
    psv_buffer_fini(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_everything),
        cmocka_unit_test(colours_tokens),
        cmocka_unit_test(shows_the_lines_that_are_asked_for),
        cmocka_unit_test(cuts_long_lines),
        cmocka_unit_test(reads_regular_files_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
