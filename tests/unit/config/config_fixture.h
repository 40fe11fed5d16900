/* Loads a configuration from literal sources.  Shared by the tests of this folder.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/macros.h"
#include "config/config.h"

#define FIXTURE_WORDS 12

/** What a load reads; NULL ends the lists.  toml: text of the file, or NULL for none. */
struct sources {
    const char *toml;
    const char *environment[FIXTURE_WORDS];
    const char *arguments[FIXTURE_WORDS];
};

/* A folder per test program, so that the file's name in messages is always "phpsrv.toml". */
static inline void fixture_enter_folder(void)
{
    static char folder[] = "/tmp/psv_config_test_XXXXXX";
    static bool is_there;
    if (!is_there) {
        assert_non_null(mkdtemp(folder));
        assert_int_equal(chdir(folder), 0);
        is_there = true;
    }
}

static inline void fixture_write_file(const char *text, size_t len)
{
    fixture_enter_folder();
    FILE *file = fopen("phpsrv.toml", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* main's arguments may be written to: copies, which die after the load, so that nothing can go on borrowing
 * them. */
static inline char *fixture_copy(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    return copy;
}

static inline int fixture_load(const struct sources *sources, struct psv_config_loaded *ret,
                               struct psv_error *reterr)
{
    char *argv[FIXTURE_WORDS + 3] = {fixture_copy("phpsrv")};
    char *environment[FIXTURE_WORDS + 1] = {NULL};
    int argc = 1;
    if (sources->toml != NULL) {
        fixture_write_file(sources->toml, strlen(sources->toml));
        argv[argc++] = fixture_copy("--config=phpsrv.toml");
    }
    for (size_t i = 0; i < FIXTURE_WORDS && sources->arguments[i] != NULL; i++) {
        argv[argc++] = fixture_copy(sources->arguments[i]);
    }
    for (size_t i = 0; i < FIXTURE_WORDS && sources->environment[i] != NULL; i++) {
        environment[i] = fixture_copy(sources->environment[i]);
    }
    int result = psv_config_load(argc, argv, environment, ret, reterr);
    for (int i = 0; i < argc; i++) {
        free(argv[i]);
    }
    for (size_t i = 0; i < FIXTURE_WORDS; i++) {
        free(environment[i]);
    }
    return result;
}

static inline void fixture_load_or_fail(const struct sources *sources, struct psv_config_loaded *ret)
{
    struct psv_error error = {.message = ""};
    if (fixture_load(sources, ret, &error) != 0) {
        fail_msg("%s", error.message);
    }
}

static inline void fixture_leave(void)
{
    (void)unlink("phpsrv.toml");
    char folder[256];
    if (getcwd(folder, sizeof(folder)) != NULL && strstr(folder, "psv_config_test_") != NULL) {
        (void)rmdir(folder);
    }
}
