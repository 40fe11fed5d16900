/* Tests of handler/file_cache.c on folders of their own, with clocks that only the test moves.
 *
 * SPDX-License-Identifier: MIT */
#include <dirent.h>

#include "limit.h"
#include "table.h"
#include "temp_folder.h"

#include "base/error.h"
#include "base/memory.h"
#include "handler/file_cache.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/safe_open.h"

#define VALID_MS 1000

static uint64_t now_ns;
static uint64_t now_unix_us;

static uint64_t fake_monotonic_ns(void)
{
    return now_ns;
}
static uint64_t fake_unix_us(void)
{
    return now_unix_us;
}

struct fixture {
    struct temp_folder folder;
    int root_fd;
    struct psv_file_cache cache;
};

static struct psv_file_cache_options options_of(const struct fixture *fixture)
{
    return (struct psv_file_cache_options){
        .root_fd = fixture->root_fd,
        .max_entries = 64,
        .valid_ms = VALID_MS,
        .content_max_bytes = 1024,
        .memory_max_bytes = 4096,
        .monotonic_ns = fake_monotonic_ns,
        .unix_us = fake_unix_us,
    };
}

static int set_up(void **state)
{
    static struct fixture fixture;
    temp_folder_make(&fixture.folder);
    assert_int_equal(psv_safe_open_root(fixture.folder.path, &fixture.root_fd, NULL), 0);
    now_ns = 5 * PSV_NS_PER_S;
    now_unix_us = psv_clock_unix_us();
    struct psv_file_cache_options options = options_of(&fixture);
    psv_file_cache_init(&fixture.cache, &options);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    psv_file_cache_fini(&fixture->cache);
    psv_fd_close(fixture->root_fd);
    temp_folder_remove(&fixture->folder);
    return table_report_row(state);
}

static void restart(struct fixture *fixture, struct psv_file_cache_options options)
{
    psv_file_cache_fini(&fixture->cache);
    psv_file_cache_init(&fixture->cache, &options);
}

static struct psv_cached_file *find(struct fixture *fixture, const char *path)
{
    struct psv_cached_file *file = NULL;
    assert_int_equal(psv_file_cache_find_ref(&fixture->cache, psv_bytes_of(path), &file), 0);
    assert_non_null(file);
    return file;
}

static enum psv_cached_kind kind_at(struct fixture *fixture, const char *path)
{
    struct psv_cached_file *file = find(fixture, path);
    enum psv_cached_kind kind = file->kind;
    psv_cached_file_unref(file);
    return kind;
}

/* As if the file had been written long ago. */
static void make_old(const struct fixture *fixture, const char *name, int64_t modified_s)
{
    char path[512];
    struct timespec times[2] = {{.tv_sec = modified_s}, {.tv_sec = modified_s}};
    assert_int_equal(utimensat(AT_FDCWD, temp_folder_path(&fixture->folder, name, path), times, 0), 0);
}

static void read_all(const struct psv_cached_file *file, char *out, size_t out_size)
{
    assert_true(file->size_bytes < out_size);
    if (file->content != NULL)
        memcpy(out, file->content, file->size_bytes);
    else
        assert_int_equal(pread(file->fd, out, file->size_bytes, 0), (ssize_t)file->size_bytes);
    out[file->size_bytes] = '\0';
}

static unsigned count_open_fds(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void make_link(const struct fixture *fixture, const char *target, const char *name)
{
    char path[512];
    assert_int_equal(symlink(target, temp_folder_path(&fixture->folder, name, path)), 0);
}

static void test_kinds(void **state)
{
    struct fixture *fixture = *state;
    char path[512];
    char outside[600];
    temp_folder_write(&fixture->folder, "root/plain.txt", "text");
    temp_folder_write(&fixture->folder, "root/empty.txt", "");
    temp_folder_write(&fixture->folder, "root/index.php", "<?php");
    temp_folder_write(&fixture->folder, "root/INDEX.PHP", "<?php");
    temp_folder_write(&fixture->folder, "root/config.php.bak", "<?php");
    temp_folder_write(&fixture->folder, "root/folder.php/a.txt", "a");
    temp_folder_write(&fixture->folder, "secret.txt", "secret");
    assert_int_equal(mkfifo(temp_folder_path(&fixture->folder, "root/fifo", path), 0644), 0);
    make_link(fixture, "plain.txt", "root/inside.txt");
    make_link(fixture, "../secret.txt", "root/up.txt");
    snprintf(outside, sizeof(outside), "%s", temp_folder_path(&fixture->folder, "secret.txt", path));
    make_link(fixture, outside, "root/absolute.txt");
    make_link(fixture, "..", "root/up");
    make_link(fixture, "loop", "root/loop");
    make_link(fixture, "/proc/self/root/etc/passwd", "root/magic");
    char root[512];
    struct psv_file_cache_options options = options_of(fixture);
    assert_int_equal(
        psv_safe_open_root(temp_folder_path(&fixture->folder, "root", root), &options.root_fd, NULL), 0);

    static const struct {
        TABLE_ROW;
        const char *path;
        enum psv_cached_kind beneath;
        enum psv_cached_kind leaving; /* with links_may_leave */
    } cases[] = {
        {ROW("file"), "/plain.txt", PSV_CACHED_FILE, PSV_CACHED_FILE},
        {ROW("empty file"), "/empty.txt", PSV_CACHED_FILE, PSV_CACHED_FILE},
        {ROW("script"), "/index.php", PSV_CACHED_SCRIPT, PSV_CACHED_SCRIPT},
        {ROW("script in capitals"), "/INDEX.PHP", PSV_CACHED_SCRIPT, PSV_CACHED_SCRIPT},
        {ROW("copy of a script"), "/config.php.bak", PSV_CACHED_SCRIPT, PSV_CACHED_SCRIPT},
        {ROW("folder named like a script"), "/folder.php", PSV_CACHED_DIRECTORY, PSV_CACHED_DIRECTORY},
        {ROW("root"), "/", PSV_CACHED_DIRECTORY, PSV_CACHED_DIRECTORY},
        {ROW("missing"), "/missing.txt", PSV_CACHED_ABSENT, PSV_CACHED_ABSENT},
        {ROW("below a missing folder"), "/missing/a.txt", PSV_CACHED_ABSENT, PSV_CACHED_ABSENT},
        {ROW("below a file"), "/plain.txt/a.txt", PSV_CACHED_ABSENT, PSV_CACHED_ABSENT},
        {ROW("FIFO"), "/fifo", PSV_CACHED_ABSENT, PSV_CACHED_ABSENT},
        {ROW("link inside"), "/inside.txt", PSV_CACHED_FILE, PSV_CACHED_FILE},
        {ROW("link to outside"), "/up.txt", PSV_CACHED_ABSENT, PSV_CACHED_FILE},
        {ROW("absolute link to outside"), "/absolute.txt", PSV_CACHED_ABSENT, PSV_CACHED_FILE},
        {ROW("through a link to outside"), "/up/secret.txt", PSV_CACHED_ABSENT, PSV_CACHED_FILE},
        {ROW("link to itself"), "/loop", PSV_CACHED_ABSENT, PSV_CACHED_ABSENT},
        {ROW("magic link"), "/magic", PSV_CACHED_ABSENT, PSV_CACHED_ABSENT},
    };
    restart(fixture, options);
    TABLE_FOR_EACH(row, cases)
    assert_int_equal(kind_at(fixture, row->path), row->beneath);
    options.links_may_leave = true;
    restart(fixture, options);
    TABLE_FOR_EACH(row, cases)
    assert_int_equal(kind_at(fixture, row->path), row->leaving);
    restart(fixture, options_of(fixture));
    psv_fd_close(options.root_fd);
}

static void test_fields(void **state)
{
    struct fixture *fixture = *state;
    temp_folder_write(&fixture->folder, "page.html", "<p>hello</p>");
    make_old(fixture, "page.html", 784111777);
    struct psv_cached_file *file = find(fixture, "/page.html");
    assert_int_equal(file->size_bytes, 12);
    assert_bytes_equal(file->last_modified, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_true(psv_bytes_starts_with(file->content_type, PSV_BYTES("text/html")));
    assert_true(file->etag.len > 4 && file->etag.data[0] == '"' &&
                file->etag.data[file->etag.len - 1] == '"');
    assert_bytes_equal(file->path, "/page.html");
    assert_int_equal(file->path.data[file->path.len], '\0');
    psv_cached_file_unref(file);
}

static void test_entry_is_trusted_while_valid(void **state)
{
    struct fixture *fixture = *state;
    char path[512];
    temp_folder_write(&fixture->folder, "a.txt", "a");
    assert_int_equal(kind_at(fixture, "/a.txt"), PSV_CACHED_FILE);
    assert_int_equal(unlink(temp_folder_path(&fixture->folder, "a.txt", path)), 0);
    now_ns += VALID_MS * PSV_NS_PER_MS - 1;
    assert_int_equal(kind_at(fixture, "/a.txt"), PSV_CACHED_FILE);
    now_ns += 1;
    assert_int_equal(kind_at(fixture, "/a.txt"), PSV_CACHED_ABSENT);
}

static void test_absence_expires(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(kind_at(fixture, "/new.txt"), PSV_CACHED_ABSENT);
    assert_int_equal(fixture->cache.absent_len, 1);
    temp_folder_write(&fixture->folder, "new.txt", "new");
    now_ns += VALID_MS * PSV_NS_PER_MS - 1;
    assert_int_equal(kind_at(fixture, "/new.txt"), PSV_CACHED_ABSENT);
    now_ns += 1;
    assert_int_equal(kind_at(fixture, "/new.txt"), PSV_CACHED_FILE);
    assert_int_equal(fixture->cache.absent_len, 0);
    assert_int_equal(fixture->cache.present_len, 1);
}

static void test_unchanged_entry_is_kept(void **state)
{
    struct fixture *fixture = *state;
    temp_folder_write(&fixture->folder, "a.txt", "a");
    temp_folder_write(&fixture->folder, "b.php", "b");
    temp_folder_make_folder(&fixture->folder, "c");
    static const char *const paths[] = {"/a.txt", "/b.php", "/c", "/missing"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        struct psv_cached_file *before = find(fixture, paths[i]);
        now_ns += VALID_MS * PSV_NS_PER_MS;
        struct psv_cached_file *after = find(fixture, paths[i]);
        assert_ptr_equal(before, after);
        assert_int_equal(after->checked_ns, now_ns);
        psv_cached_file_unref(before);
        psv_cached_file_unref(after);
    }
}

static void test_replaced_file_while_old_one_is_read(void **state)
{
    struct fixture *fixture = *state;
    char from[512];
    char to[512];
    char text[64];
    temp_folder_write(&fixture->folder, "a.txt", "first");
    struct psv_cached_file *old = find(fixture, "/a.txt");
    temp_folder_write(&fixture->folder, "b.txt", "other");
    make_old(fixture, "b.txt", old->modified_s); /* same size and second: the inode tells */
    assert_int_equal(rename(temp_folder_path(&fixture->folder, "b.txt", from),
                            temp_folder_path(&fixture->folder, "a.txt", to)),
                     0);
    now_ns += VALID_MS * PSV_NS_PER_MS;
    struct psv_cached_file *new = find(fixture, "/a.txt");
    assert_ptr_not_equal(old, new);
    read_all(old, text, sizeof(text));
    assert_string_equal(text, "first");
    read_all(new, text, sizeof(text));
    assert_string_equal(text, "other");
    psv_cached_file_unref(old);
    psv_cached_file_unref(new);
}

static void test_file_changed_in_place(void **state)
{
    struct fixture *fixture = *state;
    char text[64];
    temp_folder_write(&fixture->folder, "a.txt", "one");
    make_old(fixture, "a.txt", 1000000000);
    struct psv_cached_file *old = find(fixture, "/a.txt");
    assert_non_null(old->content);
    temp_folder_write(&fixture->folder, "a.txt", "three");
    make_old(fixture, "a.txt", 1000000001);
    struct psv_cached_file *trusted = find(fixture, "/a.txt");
    assert_ptr_equal(trusted, old);
    now_ns += VALID_MS * PSV_NS_PER_MS;
    struct psv_cached_file *new = find(fixture, "/a.txt");
    read_all(old, text, sizeof(text));
    assert_string_equal(text, "one"); /* the tag still fits the bytes */
    read_all(new, text, sizeof(text));
    assert_string_equal(text, "three");
    assert_false(psv_bytes_equal(old->etag, new->etag));
    psv_cached_file_unref(old);
    psv_cached_file_unref(trusted);
    psv_cached_file_unref(new);
}

static void test_kind_changes(void **state)
{
    struct fixture *fixture = *state;
    char path[512];
    temp_folder_write(&fixture->folder, "x.php", "<?php");
    assert_int_equal(kind_at(fixture, "/x.php"), PSV_CACHED_SCRIPT);
    assert_int_equal(unlink(temp_folder_path(&fixture->folder, "x.php", path)), 0);
    temp_folder_make_folder(&fixture->folder, "x.php");
    now_ns += VALID_MS * PSV_NS_PER_MS;
    assert_int_equal(kind_at(fixture, "/x.php"), PSV_CACHED_DIRECTORY);
    assert_int_equal(rmdir(path), 0);
    temp_folder_write(&fixture->folder, "x.php", "<?php");
    now_ns += VALID_MS * PSV_NS_PER_MS;
    assert_int_equal(kind_at(fixture, "/x.php"), PSV_CACHED_SCRIPT);
}

static void test_small_old_files_live_in_memory(void **state)
{
    struct fixture *fixture = *state;
    char big[1100];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    temp_folder_write(&fixture->folder, "small.txt", "small");
    temp_folder_write(&fixture->folder, "big.txt", big);
    temp_folder_write(&fixture->folder, "young.txt", "young");
    make_old(fixture, "small.txt", 1000000000);
    make_old(fixture, "big.txt", 1000000000);

    struct psv_cached_file *file = find(fixture, "/small.txt");
    assert_memory_equal(file->content, "small", 5);
    assert_int_equal(file->fd, -1);
    assert_int_equal(fixture->cache.content_bytes, 5);
    psv_cached_file_unref(file);
    file = find(fixture, "/big.txt");
    assert_null(file->content);
    assert_true(file->fd >= 0);
    psv_cached_file_unref(file);

    /* written just now: it may be written again without looking different */
    file = find(fixture, "/young.txt");
    assert_null(file->content);
    assert_true(file->fd >= 0);
    psv_cached_file_unref(file);
    now_unix_us += 10 * PSV_US_PER_S;
    now_ns += VALID_MS * PSV_NS_PER_MS;
    file = find(fixture, "/young.txt");
    assert_memory_equal(file->content, "young", 5);
    psv_cached_file_unref(file);
    assert_int_equal(fixture->cache.content_bytes, 10);
    psv_file_cache_clear(&fixture->cache);
    assert_int_equal(fixture->cache.content_bytes, 0);
}

static void test_memory_bound(void **state)
{
    struct fixture *fixture = *state;
    struct psv_file_cache_options options = options_of(fixture);
    options.memory_max_bytes = 10;
    restart(fixture, options);
    temp_folder_write(&fixture->folder, "a.txt", "123456");
    temp_folder_write(&fixture->folder, "b.txt", "123456");
    make_old(fixture, "a.txt", 1000000000);
    make_old(fixture, "b.txt", 1000000000);
    struct psv_cached_file *a = find(fixture, "/a.txt");
    struct psv_cached_file *b = find(fixture, "/b.txt");
    assert_non_null(a->content);
    assert_null(b->content);
    now_ns += VALID_MS * PSV_NS_PER_MS;
    struct psv_cached_file *again = find(fixture, "/b.txt");
    assert_ptr_equal(again, b); /* no room: not opened anew every second */
    psv_cached_file_unref(again);
    psv_cached_file_unref(a);
    psv_cached_file_unref(b);
}

static void test_bound_and_eviction_order(void **state)
{
    struct fixture *fixture = *state;
    struct psv_file_cache_options options = options_of(fixture);
    char name[16];
    options.max_entries = 8; /* 6 present, 2 absent */
    restart(fixture, options);
    unsigned before = count_open_fds();
    temp_folder_write(&fixture->folder, "0.txt", "x");
    struct psv_cached_file *used = find(fixture, "/0.txt");
    for (int i = 1; i < 10; i++) {
        snprintf(name, sizeof(name), "/%d.txt", i);
        temp_folder_write(&fixture->folder, name + 1, "x");
        assert_int_equal(kind_at(fixture, name), PSV_CACHED_FILE);
        struct psv_cached_file *again = find(fixture, "/0.txt");
        assert_ptr_equal(again, used); /* was not evicted meanwhile */
        psv_cached_file_unref(again);
    }
    psv_cached_file_unref(used);
    assert_int_equal(fixture->cache.present_len, 6);
    assert_int_equal(fixture->cache.map.len, 6);
    assert_int_equal(count_open_fds(), before + 6);
    assert_non_null(psv_map_find(&fixture->cache.map, PSV_BYTES("/0.txt")));
    assert_non_null(psv_map_find(&fixture->cache.map, PSV_BYTES("/9.txt")));
    assert_null(psv_map_find(&fixture->cache.map, PSV_BYTES("/4.txt")));
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "/none%d", i);
        assert_int_equal(kind_at(fixture, name), PSV_CACHED_ABSENT);
    }
    assert_int_equal(fixture->cache.absent_len, 2);
    assert_int_equal(fixture->cache.present_len, 6);
    assert_int_equal(fixture->cache.map.len, 8);
}

static void test_evicted_entry_in_use(void **state)
{
    struct fixture *fixture = *state;
    char text[16];
    struct psv_file_cache_options options = options_of(fixture);
    options.max_entries = 1;
    restart(fixture, options);
    temp_folder_write(&fixture->folder, "a.txt", "aaa");
    temp_folder_write(&fixture->folder, "b.txt", "bbb");
    struct psv_cached_file *a = find(fixture, "/a.txt");
    struct psv_cached_file *b = find(fixture, "/b.txt");
    assert_int_equal(fixture->cache.present_len, 1);
    read_all(a, text, sizeof(text));
    assert_string_equal(text, "aaa");
    psv_cached_file_unref(a);
    psv_file_cache_clear(&fixture->cache);
    read_all(b, text, sizeof(text));
    assert_string_equal(text, "bbb");
    psv_cached_file_unref(b);
}

static void test_nothing_remembered(void **state)
{
    struct fixture *fixture = *state;
    struct psv_file_cache_options options = options_of(fixture);
    options.max_entries = 0;
    restart(fixture, options);
    temp_folder_write(&fixture->folder, "a.txt", "a");
    unsigned before = count_open_fds();
    assert_int_equal(kind_at(fixture, "/a.txt"), PSV_CACHED_FILE);
    assert_int_equal(kind_at(fixture, "/none"), PSV_CACHED_ABSENT);
    assert_int_equal(fixture->cache.map.len, 0);
    assert_int_equal(count_open_fds(), before);
}

static void test_long_paths(void **state)
{
    struct fixture *fixture = *state;
    static char path[9000];
    static const size_t lengths[] = {256, 1025, 4095, 4096, sizeof(path) - 1};
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        memset(path, 'a', sizeof(path));
        path[0] = '/';
        path[lengths[i]] = '\0';
        assert_int_equal(kind_at(fixture, path), PSV_CACHED_ABSENT);
    }
    assert_int_equal(fixture->cache.map.len, 1); /* only the one that is short enough */
}

static void test_shortage_of_descriptors(void **state)
{
    struct fixture *fixture = *state;
    char name[16];
    temp_folder_write(&fixture->folder, "0.txt", "x");
    temp_folder_write(&fixture->folder, "last.txt", "x");
    struct psv_cached_file *in_use = find(fixture, "/0.txt"); /* the least recently used one */
    for (int i = 1; i < 20; i++) {
        snprintf(name, sizeof(name), "/%d.txt", i);
        temp_folder_write(&fixture->folder, name + 1, "x");
        assert_int_equal(kind_at(fixture, name), PSV_CACHED_FILE);
    }
    int next_fd = dup(fixture->root_fd);
    assert_true(next_fd >= 0);
    close(next_fd);
    struct rlimit before = limit_to(RLIMIT_NOFILE, (rlim_t)next_fd);
    struct psv_cached_file *file = NULL;
    int error = psv_file_cache_find_ref(&fixture->cache, PSV_BYTES("/last.txt"), &file);
    limit_back(RLIMIT_NOFILE, &before);
    assert_int_equal(error, 0);
    assert_int_equal(file->kind, PSV_CACHED_FILE);
    assert_true(fixture->cache.present_len < 20);
    assert_ptr_equal(psv_map_find(&fixture->cache.map, PSV_BYTES("/0.txt")), in_use);
    psv_cached_file_unref(file);
    psv_cached_file_unref(in_use);
}

static void test_stale_is_better_than_nothing(void **state)
{
    struct fixture *fixture = *state;
    temp_folder_write(&fixture->folder, "a.txt", "a");
    assert_int_equal(kind_at(fixture, "/a.txt"), PSV_CACHED_FILE);
    now_ns += VALID_MS * PSV_NS_PER_MS;
    struct rlimit before = limit_to(RLIMIT_NOFILE, 0);
    struct psv_cached_file *file = NULL;
    int error = psv_file_cache_find_ref(&fixture->cache, PSV_BYTES("/a.txt"), &file);
    limit_back(RLIMIT_NOFILE, &before);
    assert_int_equal(error, 0);
    assert_int_equal(file->kind, PSV_CACHED_FILE);
    assert_true(file->checked_ns < now_ns); /* asked again next time */
    psv_cached_file_unref(file);
}

static void test_allocation_failures(void **state)
{
    struct fixture *fixture = *state;
    temp_folder_write(&fixture->folder, "a.txt", "a");
    make_old(fixture, "a.txt", 1000000000);
    unsigned failures = 0;
    for (unsigned number = 1;; number++) {
        restart(fixture, options_of(fixture));
        struct psv_cached_file *file = NULL;
        uint64_t before = psv_memory_allocation_count();
        psv_memory_fail_after(number);
        int error = psv_file_cache_find_ref(&fixture->cache, PSV_BYTES("/a.txt"), &file);
        psv_memory_fail_after(0);
        bool was_undisturbed = psv_memory_allocation_count() - before < number;
        if (error == 0) {
            /* without memory for the map or the content the file is served all the same */
            assert_int_equal(file->kind, PSV_CACHED_FILE);
            assert_true(file->fd >= 0 || file->content != NULL);
            psv_cached_file_unref(file);
        } else {
            assert_int_equal(error, PSV_ENOMEM);
        }
        if (was_undisturbed) {
            assert_int_equal(error, 0);
            break;
        }
        failures++;
    }
    assert_true(failures >= 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_kinds),
        TEST(test_fields),
        TEST(test_entry_is_trusted_while_valid),
        TEST(test_absence_expires),
        TEST(test_unchanged_entry_is_kept),
        TEST(test_replaced_file_while_old_one_is_read),
        TEST(test_file_changed_in_place),
        TEST(test_kind_changes),
        TEST(test_small_old_files_live_in_memory),
        TEST(test_memory_bound),
        TEST(test_bound_and_eviction_order),
        TEST(test_evicted_entry_in_use),
        TEST(test_nothing_remembered),
        TEST(test_long_paths),
        TEST(test_shortage_of_descriptors),
        TEST(test_stale_is_better_than_nothing),
        TEST(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
