/* The option table itself: names, ranges and defaults of every row, and the look-ups.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/text_parse.h"
#include "config/config.h"
#include "config/option_value.h"
#include "config/options.h"

static bool has_only(const char *text, const char *allowed)
{
    return text[0] != '\0' && strspn(text, allowed) == strlen(text);
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static void names_follow_the_pattern(void **state)
{
    (void)state;
    assert_true(psv_options_len > 0 && psv_options_len <= PSV_CONFIG_OPTIONS_MAX);
    for (size_t i = 0; i < psv_options_len; i++) {
        const struct psv_option *option = &psv_options[i];
        print_message("%s\n", option->path);
        const char *dot = strchr(option->path, '.');
        assert_non_null(dot);
        assert_null(strchr(dot + 1, '.'));
        assert_true(has_only(option->path, LOWER DIGITS "_."));
        assert_true(has_only(option->command_line, LOWER DIGITS "-"));
        assert_true(has_only(option->environment, UPPER DIGITS "_"));

        /* The environment's name is the command line's. */
        char expected[128] = "PHPSRV_";
        size_t len = strlen(expected);
        for (const char *c = option->command_line; *c != '\0'; c++) {
            expected[len++] = *c == '-' ? '_' : psv_ascii_upper(*c);
        }
        expected[len] = '\0';
        assert_string_equal(option->environment, expected);

        /* Units are in the names. */
        struct psv_bytes path = psv_bytes_of(option->path);
        bool has_ms = psv_bytes_ends_with_case(path, PSV_BYTES("_ms"));
        assert_int_equal(has_ms, option->type == PSV_OPTION_DURATION);
        assert_int_equal(strstr(option->path, "bytes") != NULL, option->type == PSV_OPTION_SIZE);
    }
}

static void names_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < psv_options_len; i++) {
        for (size_t j = i + 1; j < psv_options_len; j++) {
            assert_string_not_equal(psv_options[i].path, psv_options[j].path);
            assert_string_not_equal(psv_options[i].command_line, psv_options[j].command_line);
            assert_string_not_equal(psv_options[i].environment, psv_options[j].environment);
            assert_int_not_equal(psv_options[i].offset, psv_options[j].offset);
            assert_true(psv_options[i].short_name == 0 ||
                        psv_options[i].short_name != psv_options[j].short_name);
        }
    }
}

static size_t size_of(enum psv_option_type type)
{
    switch (type) {
    case PSV_OPTION_BOOL:
        return sizeof(bool);
    case PSV_OPTION_INTEGER:
    case PSV_OPTION_SIZE:
    case PSV_OPTION_DURATION:
        return sizeof(uint64_t);
    case PSV_OPTION_TEXT:
    case PSV_OPTION_PATH:
    case PSV_OPTION_ADDRESS:
        return sizeof(const char *);
    case PSV_OPTION_ENUM:
        return sizeof(unsigned);
    case PSV_OPTION_LIST:
        return sizeof(struct psv_config_list);
    }
    return 0;
}

static void rows_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < psv_options_len; i++) {
        const struct psv_option *option = &psv_options[i];
        print_message("%s\n", option->path);
        assert_true(strlen(option->help) > 10);
        assert_true(option->help[strlen(option->help) - 1] != '.');
        assert_true(option->group < PSV_OPTION_GROUP_COUNT);
        assert_non_null(psv_option_group_text(option->group));
        assert_int_equal(option->value_name == NULL, option->type == PSV_OPTION_BOOL);
        assert_true(option->offset + size_of(option->type) <= sizeof(struct psv_config));
        bool has_choices = option->type == PSV_OPTION_ENUM || option->choices != NULL;
        assert_int_equal(has_choices, option->choices != NULL);
        if (option->type != PSV_OPTION_BOOL && option->type != PSV_OPTION_ENUM) {
            assert_true(option->min < option->max);
        }
    }
}

static void defaults_are_within_their_ranges(void **state)
{
    (void)state;
    struct psv_config config = {.log = {.level = 0}};
    struct psv_arena arena;
    psv_arena_init(&arena, 65536);
    for (size_t i = 0; i < psv_options_len; i++) {
        struct psv_error error = {.message = ""};
        struct psv_option_target target = {
            .config = &config, .arena = &arena, .where = psv_options[i].path, .reterr = &error};
        if (psv_options[i].type == PSV_OPTION_LIST) {
            assert_string_equal(psv_options[i].default_text, "");
            continue;
        }
        int result = psv_option_set_text(&psv_options[i], &target, psv_bytes_of(psv_options[i].default_text));
        if (result != 0) {
            fail_msg("%s", error.message);
        }
    }
    psv_arena_fini(&arena);
}

static void every_name_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < psv_options_len; i++) {
        const struct psv_option *option = &psv_options[i];
        assert_ptr_equal(psv_option_find_path(psv_bytes_of(option->path)), option);
        assert_ptr_equal(psv_option_find_command_line(psv_bytes_of(option->command_line)), option);
        assert_ptr_equal(psv_option_find_environment(psv_bytes_of(option->environment)), option);
        assert_int_equal(psv_option_index(option), i);
        assert_true(psv_option_has_section(psv_option_section(option)));
        if (option->short_name != 0) {
            assert_ptr_equal(psv_option_find_short(option->short_name), option);
        }
    }
    assert_null(psv_option_find_path(PSV_BYTES("workers")));
    assert_null(psv_option_find_path(PSV_BYTES("")));
    assert_null(psv_option_find_short('\0'));
    assert_null(psv_option_find_short('?'));
    assert_false(psv_option_has_section(PSV_BYTES("work")));
}

static void nearest_names(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *nearest; /* NULL = none */
    } cases[] = {
        {"worker.count", "workers.count"},
        {"workers.cuont", "workers.count"},
        {"http.header_timeout", "http.header_timeout_ms"},
        {"http.docroot", "site.docroot"},
        {"docroot", "site.docroot"},
        {"internal", "internal.listen"},
        {"nothing.like_it", NULL},
        {"x", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        print_message("%s\n", cases[i].given);
        const char *found = psv_option_nearest_path(psv_bytes_of(cases[i].given));
        assert_int_equal(found == NULL, cases[i].nearest == NULL);
        if (found != NULL) {
            assert_string_equal(found, cases[i].nearest);
        }
    }
    assert_string_equal(psv_option_nearest_command_line(PSV_BYTES("dockroot")), "docroot");
    assert_string_equal(psv_option_nearest_environment(PSV_BYTES("PHPSRV_WORKRS")), "PHPSRV_WORKERS");
    assert_true(psv_bytes_equal(psv_option_nearest_section(PSV_BYTES("htpp")), PSV_BYTES("http")));
    assert_int_equal(psv_option_nearest_section(PSV_BYTES("zzzzzz")).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_the_pattern), cmocka_unit_test(names_are_unique),
        cmocka_unit_test(rows_are_complete),        cmocka_unit_test(defaults_are_within_their_ranges),
        cmocka_unit_test(every_name_is_found),      cmocka_unit_test(nearest_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
