/* Rules between options.
 *
 * SPDX-License-Identifier: MIT */
#include "config_fixture.h"

static void refusals(void **state)
{
    (void)state;
    static const struct {
        struct sources sources;
        const char *message; /* NULL = accepted */
    } cases[] = {
        {{.toml = NULL}, NULL},
        {{.arguments = {"--docroot=/nonexistent"}},
         "site.docroot (\"/nonexistent\", --docroot) cannot be used: No such file or directory"},
        {{.toml = "[site]\ndocroot = \"/dev/null\"\n"},
         "site.docroot (\"/dev/null\", phpsrv.toml:2) is not a directory"},
        {{.arguments = {"--php-ini=/"}}, "php.ini_file (\"/\", --php-ini) is a directory"},
        {{.environment = {"PHPSRV_PHP_INI=/nonexistent"}},
         "php.ini_file (\"/nonexistent\", PHPSRV_PHP_INI) cannot be used: No such file or directory"},
        {{.arguments = {"--php-ini=/dev/null"}}, NULL},
        {{.arguments = {"-d", "memory_limit"}},
         "php.ini_values: \"memory_limit\" is not a setting (such as memory_limit=256M)"},
        {{.arguments = {"-d", " =1"}},
         "php.ini_values: \" =1\" is not a setting (such as memory_limit=256M)"},
        {{.arguments = {"-d", "a="}}, NULL},

        {{.arguments = {"--http-body-memory-bytes=128K", "--http-body-bytes-max=64K"}},
         "http.body_memory_bytes (\"128K\", --http-body-memory-bytes) is larger than http.body_bytes_max "
         "(\"64K\", "
         "--http-body-bytes-max)"},
        {{.arguments = {"--http-body-bytes-max=0"}}, NULL},
        {{.arguments = {"--http-body-memory-bytes=64K", "--http-body-bytes-max=64K"}}, NULL},

        {{.arguments = {"--internal=:8080"}},
         "listen.address (\"0.0.0.0:8080\", default) and internal.listen (\":8080\", --internal) take the "
         "same port"},
        {{.arguments = {"-l127.0.0.1:80", "--internal=0.0.0.0:80"}},
         "listen.address (\"127.0.0.1:80\", --listen) and internal.listen (\"0.0.0.0:80\", --internal) take "
         "the same port"},
        {{.arguments = {"-l127.0.0.1:80", "--internal=localhost:80"}},
         "listen.address (\"127.0.0.1:80\", --listen) and internal.listen (\"localhost:80\", --internal) "
         "take the same port"},
        {{.arguments = {"-l[::]:80", "--internal=127.0.0.1:80"}},
         "listen.address (\"[::]:80\", --listen) and internal.listen (\"127.0.0.1:80\", --internal) take the "
         "same port"},
        {{.arguments = {"-l127.0.0.1:80", "--internal=127.0.0.2:80"}}, NULL},
        {{.arguments = {"-l127.0.0.1:80", "--internal=127.0.0.1:81"}}, NULL},
        {{.arguments = {"-l:0", "--internal=:0"}}, NULL},
        {{.arguments = {"--listen="}},
         "listen.address is empty, and without tls.certificates nothing else is served"},
        {{.arguments = {"--listen=", "--tls-cert=/dev/null", "--tls-key=/dev/null"}}, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct psv_config_loaded loaded;
        struct psv_error error = {.message = ""};
        fixture_load_or_fail(&cases[i].sources, &loaded);
        int result = psv_config_check(&loaded, &error);
        print_message("case %zu: %s\n", i, error.message);
        assert_string_equal(error.message, cases[i].message != NULL ? cases[i].message : "");
        assert_int_equal(result == 0, cases[i].message == NULL);
        psv_config_loaded_fini(&loaded);
    }
}

static int leave(void **state)
{
    (void)state;
    fixture_leave();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, leave);
}
