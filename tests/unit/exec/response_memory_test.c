/* exec/response_memory.c: the account, and where bodies go beyond its limit.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/response_memory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "observe/metrics.h"
#include "os/fd.h"
#include "temp_folder.h"

#define LIMIT 1000000

static bool lies_in(int fd, const char *folder)
{
    struct stat file;
    struct stat place;

    assert_int_equal(fstat(fd, &file), 0);
    assert_int_equal(stat(folder, &place), 0);
    return file.st_dev == place.st_dev && file.st_nlink == 0;
}

static bool is_memory_file(int fd)
{
    return fcntl(fd, F_GET_SEALS) >= 0;
}

static void below_the_limit_bodies_lie_in_memory(void **state)
{
    const char *folder = *state;

    assert_int_equal(psv_response_memory_init(LIMIT, folder), PSV_OK);
    psv_response_memory_hold(LIMIT);
    CLEANUP(psv_fd_closep) int fd = psv_response_memory_open();
    assert_true(fd >= 0);
    assert_true(is_memory_file(fd));
    assert_int_equal(psv_response_memory_threshold(1 << 20), 1 << 20);
    psv_response_memory_release(LIMIT);
}

static void beyond_it_they_go_to_files_until_some_have_left(void **state)
{
    const char *folder = *state;

    assert_int_equal(psv_response_memory_init(LIMIT, folder), PSV_OK);
    psv_response_memory_hold(LIMIT + 1);
    CLEANUP(psv_fd_closep) int spilled = psv_response_memory_open();
    assert_true(spilled >= 0);
    assert_false(is_memory_file(spilled));
    assert_true(lies_in(spilled, folder));
    assert_int_equal(psv_fd_pwrite_all(spilled, "abc", 3, 0), PSV_OK);
    assert_true(psv_response_memory_threshold(1 << 20) < 1 << 20);
    assert_int_equal(psv_response_memory_threshold(100), 100);

    psv_response_memory_release(1);
    CLEANUP(psv_fd_closep) int again = psv_response_memory_open();
    assert_true(is_memory_file(again));
    assert_int_equal(psv_response_memory_threshold(1 << 20), 1 << 20);
    psv_response_memory_release(LIMIT);
}

static void without_a_folder_memory_is_used_on(void **state)
{
    (void)state;
    assert_int_equal(psv_response_memory_init(LIMIT, ""), PSV_OK);
    psv_response_memory_hold(LIMIT + 1);
    CLEANUP(psv_fd_closep) int fd = psv_response_memory_open();
    assert_true(is_memory_file(fd));
    assert_int_equal(psv_response_memory_threshold(1 << 20), 1 << 20);
    psv_response_memory_release(LIMIT + 1);
}

static void a_folder_that_takes_no_files_is_told_and_not_used(void **state)
{
    (void)state;
    assert_int_equal(psv_response_memory_init(0, "/proc/self/nowhere"), PSV_EIO);
    psv_response_memory_hold(1);
    CLEANUP(psv_fd_closep) int fd = psv_response_memory_open();
    assert_true(is_memory_file(fd));
    psv_response_memory_release(1);
}

int main(void)
{
    struct temp_folder folder;
    temp_folder_make(&folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(below_the_limit_bodies_lie_in_memory, folder.path),
        cmocka_unit_test_prestate(beyond_it_they_go_to_files_until_some_have_left, folder.path),
        cmocka_unit_test(without_a_folder_memory_is_used_on),
        cmocka_unit_test(a_folder_that_takes_no_files_is_told_and_not_used),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temp_folder_remove(&folder);
    return failed;
}
