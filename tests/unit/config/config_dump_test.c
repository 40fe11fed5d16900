/* Everything that is derived from the table: dump, JSON, help, example, reference.
 *
 * SPDX-License-Identifier: MIT */
#include "config_fixture.h"

#include "config/option_value.h"
#include "config/options.h"
#include "json_check.h"
#include "os/fd.h"

static void append_all_values(const struct psv_config *config, struct psv_buffer *out)
{
    for (size_t i = 0; i < psv_options_len; i++) {
        assert_int_equal(psv_option_format_toml(&psv_options[i], config, out), 0);
        assert_int_equal(psv_buffer_append_byte(out, '\n'), 0);
    }
}

static void assert_same_values(const struct psv_config *a, const struct psv_config *b)
{
    struct psv_buffer texts[2];
    psv_buffer_init(&texts[0], 1 << 20);
    psv_buffer_init(&texts[1], 1 << 20);
    append_all_values(a, &texts[0]);
    append_all_values(b, &texts[1]);
    assert_int_equal(texts[0].len, texts[1].len);
    assert_memory_equal(texts[0].data, texts[1].data, texts[0].len);
    psv_buffer_fini(&texts[0]);
    psv_buffer_fini(&texts[1]);
}

static void load_text(struct psv_bytes text, struct psv_config_loaded *ret)
{
    fixture_write_file(text.data, text.len);
    fixture_load_or_fail(&(struct sources){.arguments = {"-c", "phpsrv.toml"}}, ret);
}

static void a_dump_is_read_back(void **state)
{
    (void)state;
    struct psv_config_loaded before;
    struct psv_config_loaded after;
    fixture_load_or_fail(
        &(struct sources){.toml = "[site]\ndocroot = \"/srv/\xc3\xbc \\\"quoted\\\" \\\\ back\"\n",
                          .environment = {"PHPSRV_WORKERS=3", "PHPSRV_REQUEST_TIMEOUT_MS=0"},
                          .arguments = {"-da=\"b\"", "-dc=d", "--http-header-timeout-ms=1234",
                                        "--log-access=json", "--http-header-bytes-max=5000",
                                        "--no-server-tokens"}},
        &before);
    struct psv_buffer dump;
    psv_buffer_init(&dump, 1 << 20);
    assert_int_equal(psv_config_dump(&before, &dump), 0);
    load_text(psv_buffer_bytes(&dump), &after);
    assert_same_values(&before.config, &after.config);
    assert_int_equal(after.config.http.header_timeout_ms, 1234);
    for (size_t i = 0; i < psv_options_len; i++) {
        assert_int_equal(after.origins[i].kind, PSV_CONFIG_ORIGIN_FILE);
    }
    psv_buffer_fini(&dump);
    psv_config_loaded_fini(&before);
    psv_config_loaded_fini(&after);
}

static void a_dump_names_origins(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "\ncount = 3  # PHPSRV_WORKERS\n",
        "\nheader_timeout_ms = \"250ms\"  # --http-header-timeout-ms\n",
        "\ndocroot = \"/srv\"  # phpsrv.toml:3\n",
        "\nlisten = \"\"  # default\n",
        "\nlevel = \"info\"  # default\n",
    };
    struct psv_config_loaded loaded;
    fixture_load_or_fail(&(struct sources){.toml = "\n[site]\ndocroot = \"/srv\"\n",
                                           .environment = {"PHPSRV_WORKERS=3"},
                                           .arguments = {"--http-header-timeout-ms=250"}},
                         &loaded);
    struct psv_buffer dump;
    psv_buffer_init(&dump, 1 << 20);
    assert_int_equal(psv_config_dump(&loaded, &dump), 0);
    assert_int_equal(psv_buffer_append_byte(&dump, '\0'), 0);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        print_message("%s", lines[i]);
        assert_non_null(strstr(dump.data, lines[i]));
    }
    psv_buffer_fini(&dump);
    psv_config_loaded_fini(&loaded);
}

static void json_is_valid_and_in_base_units(void **state)
{
    (void)state;
    struct psv_config_loaded loaded;
    fixture_load_or_fail(&(struct sources){.arguments = {"-da=\"\\", "--http-header-timeout-ms=2s"}},
                         &loaded);
    struct psv_buffer json;
    psv_buffer_init(&json, 1 << 20);
    assert_int_equal(psv_config_format_json(&loaded, &json), 0);
    assert_true(json_is_valid(json.data, json.len));
    assert_int_equal(psv_buffer_append_byte(&json, '\0'), 0);
    assert_non_null(strstr(
        json.data, "\"http.header_timeout_ms\":{\"value\":2000,\"origin\":\"--http-header-timeout-ms\","
                   "\"reloadable\":true}"));
    assert_non_null(strstr(json.data, "\"http.body_bytes_max\":{\"value\":67108864,"));
    assert_non_null(strstr(json.data, "\"php.ini_values\":{\"value\":[\"a=\\\"\\\\\"],"));
    for (size_t i = 0; i < psv_options_len; i++) {
        assert_non_null(strstr(json.data, psv_options[i].path));
    }
    psv_buffer_fini(&json);
    psv_config_loaded_fini(&loaded);
}

static void a_limit_of_the_buffer_is_reported(void **state)
{
    (void)state;
    struct psv_config_loaded loaded;
    fixture_load_or_fail(&(struct sources){.toml = NULL}, &loaded);
    for (size_t max = 1; max < 1200; max += 97) {
        struct psv_buffer out;
        psv_buffer_init(&out, max);
        assert_int_equal(psv_config_dump(&loaded, &out), PSV_ELIMIT);
        psv_buffer_clear(&out);
        assert_int_equal(psv_config_format_json(&loaded, &out), PSV_ELIMIT);
        psv_buffer_clear(&out);
        assert_int_equal(psv_config_help(&out, 80), PSV_ELIMIT);
        psv_buffer_clear(&out);
        assert_int_equal(psv_config_format_example(&out), PSV_ELIMIT);
        psv_buffer_clear(&out);
        assert_int_equal(psv_config_format_reference(&out), PSV_ELIMIT);
        psv_buffer_fini(&out);
    }
    psv_config_loaded_fini(&loaded);
}

static void help_fits_the_terminal(void **state)
{
    (void)state;
    static const unsigned widths[] = {0, 20, 60, 80, 132};
    for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
        struct psv_buffer help;
        psv_buffer_init(&help, 1 << 20);
        assert_int_equal(psv_config_help(&help, widths[i]), 0);
        size_t limit = MAX(widths[i] == 0 ? 80 : widths[i], 50);
        struct psv_bytes rest = psv_buffer_bytes(&help);
        struct psv_bytes line;
        while (psv_bytes_split(&rest, '\n', &line)) {
            /* Long names stand alone on their line; a single word may be longer; the examples at the end are
             * not broken. */
            bool is_name =
                line.len > 30 && psv_bytes_starts_with(line, PSV_BYTES("  ")) && line.data[29] != ' ';
            bool is_long_word = psv_bytes_find(psv_bytes_trim(line), ' ') == psv_bytes_trim(line).len;
            bool is_fixed = is_name || psv_bytes_starts_with(line, PSV_BYTES("  phpsrv ")) ||
                            psv_bytes_starts_with(line, PSV_BYTES("Sizes:"));
            if (line.len > limit && !is_long_word && !is_fixed) {
                fail_msg("width %zu: %.*s", limit, PSV_BYTES_ARG(line));
            }
        }
        assert_int_equal(psv_buffer_append_byte(&help, '\0'), 0);
        for (size_t j = 0; j < psv_options_len; j++) {
            assert_non_null(strstr(help.data, psv_options[j].command_line));
            assert_non_null(strstr(help.data, psv_options[j].environment));
        }
        assert_null(strstr(help.data, "print-example-config"));
        psv_buffer_fini(&help);
    }
}

/* Takes the "#" from the lines that are settings. */
static void enable_settings(struct psv_bytes example, struct psv_buffer *out)
{
    struct psv_bytes line;
    while (psv_bytes_split(&example, '\n', &line)) {
        bool is_setting = line.len > 1 && line.data[0] == '#' && line.data[1] != ' ';
        assert_int_equal(psv_buffer_append_bytes(out, psv_bytes_from(line, is_setting ? 1 : 0)), 0);
        assert_int_equal(psv_buffer_append_byte(out, '\n'), 0);
    }
}

static void the_example_holds_the_defaults(void **state)
{
    (void)state;
    struct psv_buffer example;
    struct psv_buffer enabled;
    struct psv_config_loaded defaults;
    struct psv_config_loaded loaded;
    psv_buffer_init(&example, 1 << 20);
    psv_buffer_init(&enabled, 1 << 20);
    assert_int_equal(psv_config_format_example(&example), 0);
    fixture_load_or_fail(&(struct sources){.toml = NULL}, &defaults);

    load_text(psv_buffer_bytes(&example), &loaded);
    assert_same_values(&defaults.config, &loaded.config);
    psv_config_loaded_fini(&loaded);

    enable_settings(psv_buffer_bytes(&example), &enabled);
    load_text(psv_buffer_bytes(&enabled), &loaded);
    assert_same_values(&defaults.config, &loaded.config);
    for (size_t i = 0; i < psv_options_len; i++) {
        assert_int_equal(loaded.origins[i].kind, PSV_CONFIG_ORIGIN_FILE); /* none is missing */
    }
    psv_config_loaded_fini(&loaded);
    psv_config_loaded_fini(&defaults);
    psv_buffer_fini(&example);
    psv_buffer_fini(&enabled);
}

/* The tests run in the root of the source tree. */
static void assert_file_is(const char *path, const struct psv_buffer *expected, const char *how)
{
    struct psv_buffer text;
    psv_buffer_init(&text, 1 << 20);
    int result = psv_fd_read_file(path, &text);
    if (result != 0 || !psv_bytes_equal(psv_buffer_bytes(&text), psv_buffer_bytes(expected))) {
        fail_msg("%s is not what the option table says; make it again with phpsrv %s > %s", path, how, path);
    }
    psv_buffer_fini(&text);
}

static void committed_files_are_up_to_date(void **state)
{
    (void)state;
    struct psv_buffer text;
    psv_buffer_init(&text, 1 << 20);
    assert_int_equal(psv_config_format_example(&text), 0);
    assert_file_is("config.example.toml", &text, "--print-example-config");
    psv_buffer_clear(&text);
    assert_int_equal(psv_config_format_reference(&text), 0);
    assert_file_is("docs/options.md", &text, "--print-options-reference");
    psv_buffer_fini(&text);
}

static int leave(void **state)
{
    (void)state;
    fixture_leave();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(committed_files_are_up_to_date), /* before the others change the directory */
        cmocka_unit_test(a_dump_is_read_back),
        cmocka_unit_test(a_dump_names_origins),
        cmocka_unit_test(json_is_valid_and_in_base_units),
        cmocka_unit_test(a_limit_of_the_buffer_is_reported),
        cmocka_unit_test(help_fits_the_terminal),
        cmocka_unit_test(the_example_holds_the_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, leave);
}
