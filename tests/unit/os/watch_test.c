/* Tests of os/watch.c: real files, real events.
 *
 * SPDX-License-Identifier: MIT */
#include <poll.h>

#include "os/watch.h"
#include "temp_folder.h"

static struct temp_folder folder;
static struct psv_watch *watch;
static char seen[4096]; /* "name name ..." */
static bool has_lost;

static void on_change(const struct psv_watch_event *event, void *context)
{
    (void)context;
    if (event->name == NULL) {
        has_lost = true;
        return;
    }
    strncat(seen, event->name, sizeof(seen) - strlen(seen) - 2);
    strncat(seen, " ", sizeof(seen) - strlen(seen) - 1);
}

static bool is_hidden(const char *name)
{
    return name[0] == '.';
}

static void start(unsigned folders_max)
{
    const struct psv_watch_options options = {
        .folders_max = folders_max, .skip = is_hidden, .on_change = on_change};
    temp_folder_make(&folder);
    assert_int_equal(psv_watch_new(&options, &watch, NULL), PSV_OK);
    seen[0] = '\0';
    has_lost = false;
}

static int stop(void **state)
{
    (void)state;
    watch = psv_watch_free(watch);
    temp_folder_remove(&folder);
    return 0;
}

static const char *at(const char *name)
{
    static char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", folder.path, name);
    return path;
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(at(name), 0777), 0);
}

static void write_file(const char *name)
{
    FILE *file = fopen(at(name), "we");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

/* Until name was seen. */
static void expect(const char *name)
{
    char wanted[64];
    (void)snprintf(wanted, sizeof(wanted), "%s ", name);
    while (strstr(seen, wanted) == NULL) {
        struct pollfd fd = {.fd = psv_watch_fd(watch), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 20000), 1);
        psv_watch_read(watch);
    }
    seen[0] = '\0';
}

static void sees_what_happens_to_files(void **state)
{
    (void)state;
    start(10);
    write_file("old");
    assert_int_equal(psv_watch_add_tree(watch, folder.path), PSV_OK);
    write_file("new");
    expect("new");
    write_file("old");
    expect("old");
    char from[512];
    (void)snprintf(from, sizeof(from), "%s", at("new"));
    assert_int_equal(rename(from, at("moved")), 0);
    expect("moved");
    assert_int_equal(unlink(at("moved")), 0);
    expect("moved");
}

static void follows_new_folders(void **state)
{
    (void)state;
    start(10);
    make_folder("a");
    make_folder("a/b");
    assert_int_equal(psv_watch_add_tree(watch, folder.path), PSV_OK);
    assert_int_equal(psv_watch_folders(watch), 3);
    write_file("a/b/deep");
    expect("deep");
    make_folder("c");
    make_folder("c/d"); /* perhaps before anybody could look at c */
    write_file("c/d/in-new");
    expect("in-new");
    assert_int_equal(psv_watch_folders(watch), 5);
    assert_int_equal(unlink(at("a/b/deep")), 0);
    assert_int_equal(rmdir(at("a/b")), 0);
    write_file("last");
    expect("last");
    assert_int_equal(psv_watch_folders(watch), 4); /* what is gone is forgotten */
    assert_false(psv_watch_is_full(watch));
}

static void leaves_out_what_is_skipped_and_links(void **state)
{
    (void)state;
    start(10);
    make_folder(".git");
    make_folder("real");
    assert_int_equal(symlink(folder.path, at("loop")), 0);
    assert_int_equal(psv_watch_add_tree(watch, folder.path), PSV_OK);
    assert_int_equal(psv_watch_folders(watch), 2);
    make_folder(".later");
    write_file(".git/index");
    write_file(".later/x");
    write_file("end");
    expect("end");
    assert_int_equal(psv_watch_folders(watch), 2);
}

static void stops_at_its_maximum(void **state)
{
    char name[8];
    (void)state;
    start(3);
    for (unsigned i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof(name), "f%u", i);
        make_folder(name);
    }
    assert_int_equal(psv_watch_add_tree(watch, folder.path), PSV_ELIMIT);
    assert_int_equal(psv_watch_folders(watch), 3);
    assert_true(psv_watch_is_full(watch));
    write_file("still");
    expect("still");
}

static void a_folder_alone_is_no_tree(void **state)
{
    (void)state;
    start(3);
    assert_int_equal(psv_watch_add_folder(watch, folder.path), PSV_OK);
    assert_int_equal(psv_watch_add_folder(watch, folder.path), PSV_OK);
    assert_int_equal(psv_watch_folders(watch), 1);
    make_folder("below");
    write_file("beside");
    expect("beside");
    assert_int_equal(psv_watch_folders(watch), 1);
    assert_int_equal(psv_watch_add_folder(watch, at("absent")), PSV_ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(sees_what_happens_to_files, stop),
        cmocka_unit_test_teardown(follows_new_folders, stop),
        cmocka_unit_test_teardown(leaves_out_what_is_skipped_and_links, stop),
        cmocka_unit_test_teardown(stops_at_its_maximum, stop),
        cmocka_unit_test_teardown(a_folder_alone_is_no_tree, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
