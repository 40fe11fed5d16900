/* Opening below a root, through the kernel's walk and through the one by hand.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "table.h"

#include "base/error.h"
#include "temp_folder.h"

/* What the next openat2 calls answer: `fake_errno`, fake_times times; then the kernel is asked. */
static struct {
    int fake_errno;
    unsigned times;
    unsigned calls;
} fake;

static long fake_openat2(long number, int root_fd, const char *path, const void *how, size_t how_size)
{
    fake.calls++;
    if (fake.times > 0) {
        fake.times--;
        errno = fake.fake_errno;
        return -1;
    }
    return syscall(number, root_fd, path, how, how_size);
}

#define syscall fake_openat2
#include "os/safe_open.c"
#undef syscall

enum walk { BY_KERNEL = 1, BY_HAND = 2 };

static struct {
    struct temp_folder folder; /* root/ below it, and outside/ */
    int root_fd;
} here;

static void link_to(const char *target, const char *name)
{
    char path[512];
    assert_int_equal(symlink(target, temp_folder_path(&here.folder, name, path)), 0);
}

static int make_tree(void **state)
{
    (void)state;
    char path[512];
    temp_folder_make(&here.folder);
    temp_folder_write(&here.folder, "root/index.php", "<?php");
    temp_folder_write(&here.folder, "root/sub/deep/file.txt", "0123456789");
    temp_folder_write(&here.folder, "outside/secret.txt", "secret");
    link_to("index.php", "root/inside-link");
    link_to("sub/deep", "root/folder-link");
    link_to("../outside/secret.txt", "root/outside-link");
    link_to("../outside", "root/outside-folder");
    link_to("/etc/passwd", "root/absolute-link");
    link_to("loop", "root/loop");
    link_to("nowhere", "root/dangling");
    link_to("/proc/self/fd/0", "root/magic");
    assert_int_equal(mkfifo(temp_folder_path(&here.folder, "root/fifo", path), 0644), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/root/socket", here.folder.path);
    assert_in_range(len, 1, sizeof(address.sun_path) - 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    assert_int_equal(psv_safe_open_root(temp_folder_path(&here.folder, "root", path), &here.root_fd, NULL),
                     0);
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    here.root_fd = psv_fd_close(here.root_fd);
    temp_folder_remove(&here.folder);
    return 0;
}

struct open_case {
    TABLE_ROW;
    const char *path;
    unsigned walks;
    int result;
    enum psv_file_kind kind;
    uint64_t size_bytes;
};

#define BOTH (BY_KERNEL | BY_HAND)

static const struct open_case cases[] = {
    {ROW("file"), "index.php", BOTH, 0, PSV_FILE_REGULAR, 5},
    {ROW("leading slashes"), "//index.php", BOTH, 0, PSV_FILE_REGULAR, 5},
    {ROW("deep"), "/sub/deep/file.txt", BOTH, 0, PSV_FILE_REGULAR, 10},
    {ROW("empty components"), "/sub//deep///file.txt", BOTH, 0, PSV_FILE_REGULAR, 10},
    {ROW("dot components"), "./sub/./deep/file.txt", BOTH, 0, PSV_FILE_REGULAR, 10},
    {ROW("folder"), "/sub", BOTH, 0, PSV_FILE_DIRECTORY, UINT64_MAX},
    {ROW("folder with slash"), "/sub/deep/", BOTH, 0, PSV_FILE_DIRECTORY, UINT64_MAX},
    {ROW("root"), "", BOTH, 0, PSV_FILE_DIRECTORY, UINT64_MAX},
    {ROW("root by slash"), "/", BOTH, 0, PSV_FILE_DIRECTORY, UINT64_MAX},
    {ROW("fifo"), "fifo", BOTH, 0, PSV_FILE_OTHER, 0},
    {ROW("absent"), "nothing", BOTH, PSV_ENOENT, 0, 0},
    {ROW("absent below absent"), "nothing/at/all", BOTH, PSV_ENOENT, 0, 0},
    {ROW("below a file"), "index.php/info", BOTH, PSV_ENOENT, 0, 0},
    {ROW("file with slash"), "index.php/", BOTH, PSV_ENOENT, 0, 0},
    {ROW("parent"), "..", BOTH, PSV_EACCESS, 0, 0},
    {ROW("parent's other child"), "../outside/secret.txt", BOTH, PSV_EACCESS, 0, 0},
    {ROW("parent inside"), "sub/../index.php", BOTH, PSV_EACCESS, 0, 0},
    {ROW("parent at the end"), "sub/..", BOTH, PSV_EACCESS, 0, 0},
    {ROW("dots in a name"), "..index", BOTH, PSV_ENOENT, 0, 0},
    {ROW("link inside"), "inside-link", BY_KERNEL, 0, PSV_FILE_REGULAR, 5},
    {ROW("link inside, by hand"), "inside-link", BY_HAND, PSV_EACCESS, 0, 0},
    {ROW("link to a folder"), "folder-link/file.txt", BY_KERNEL, 0, PSV_FILE_REGULAR, 10},
    {ROW("link to a folder, by hand"), "folder-link/file.txt", BY_HAND, PSV_ENOENT, 0, 0},
    {ROW("link that leaves"), "outside-link", BOTH, PSV_EACCESS, 0, 0},
    {ROW("folder link that leaves"), "outside-folder/secret.txt", BY_KERNEL, PSV_EACCESS, 0, 0},
    {ROW("folder link that leaves, by hand"), "outside-folder/secret.txt", BY_HAND, PSV_ENOENT, 0, 0},
    {ROW("absolute link"), "absolute-link", BOTH, PSV_EACCESS, 0, 0},
    {ROW("link to itself"), "loop", BOTH, PSV_EACCESS, 0, 0},
    {ROW("dangling link"), "dangling", BY_KERNEL, PSV_ENOENT, 0, 0},
    {ROW("magic link"), "magic", BOTH, PSV_EACCESS, 0, 0},
};

static void check_case(const struct open_case *row, bool is_by_hand)
{
    atomic_store(&is_openat2_missing, is_by_hand);
    struct psv_safe_file file = {.fd = -77};
    struct psv_safe_file looked_at = {.fd = -77};
    struct stat facts;
    assert_int_equal(psv_safe_open(here.root_fd, row->path, 0, &file), row->result);
    assert_int_equal(psv_safe_stat(here.root_fd, row->path, 0, &looked_at), row->result);
    atomic_store(&is_openat2_missing, false);
    if (row->result != 0) {
        assert_int_equal(file.fd, -77); /* written only on success */
        assert_int_equal(looked_at.fd, -77);
        return;
    }
    assert_int_equal(file.kind, row->kind);
    assert_int_equal(looked_at.kind, row->kind);
    assert_int_equal(looked_at.fd, -1);
    assert_int_equal(file.inode, looked_at.inode);
    if (row->size_bytes != UINT64_MAX)
        assert_int_equal(file.size_bytes, row->size_bytes);
    if (row->kind == PSV_FILE_OTHER) {
        assert_int_equal(file.fd, -1);
        return;
    }
    assert_int_equal(fstat(file.fd, &facts), 0);
    assert_int_equal(file.inode, facts.st_ino);
    assert_int_equal(file.device, facts.st_dev);
    assert_int_equal(file.modified_s, facts.st_mtim.tv_sec);
    assert_int_equal(file.modified_ns, facts.st_mtim.tv_nsec);
    assert_int_equal(file.mode, facts.st_mode);
    assert_true((fcntl(file.fd, F_GETFD) & FD_CLOEXEC) != 0);
    close(file.fd);
}

static void test_open(void **state)
{
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        if ((row->walks & BY_KERNEL) != 0)
            check_case(row, false);
        if ((row->walks & BY_HAND) != 0)
            check_case(row, true);
    }
}

static void test_socket_is_refused(void **state)
{
    (void)state;
    struct psv_safe_file file;
    for (int by_hand = 0; by_hand < 2; by_hand++) {
        atomic_store(&is_openat2_missing, by_hand != 0);
        assert_int_equal(psv_safe_open(here.root_fd, "socket", 0, &file), PSV_EACCESS);
        assert_int_equal(psv_safe_stat(here.root_fd, "socket", 0, &file), 0);
        assert_int_equal(file.kind, PSV_FILE_OTHER);
    }
    atomic_store(&is_openat2_missing, false);
}

static void test_links_may_leave(void **state)
{
    (void)state;
    static const struct open_case leaving[] = {
        {ROW("link that leaves"), "outside-link", BOTH, 0, PSV_FILE_REGULAR, 6},
        {ROW("folder link that leaves"), "outside-folder/secret.txt", BOTH, 0, PSV_FILE_REGULAR, 6},
        {ROW("absolute link"), "absolute-link", BOTH, 0, PSV_FILE_REGULAR, UINT64_MAX},
        {ROW("plain file"), "/index.php", BOTH, 0, PSV_FILE_REGULAR, 5},
        {ROW("parent is still refused"), "../outside/secret.txt", BOTH, PSV_EACCESS, 0, 0},
        {ROW("magic link is still refused"), "magic", BY_KERNEL, PSV_EACCESS, 0, 0},
        {ROW("dangling link"), "dangling", BOTH, PSV_ENOENT, 0, 0},
    };
    TABLE_FOR_EACH(row, leaving)
    {
        for (int by_hand = 0; by_hand < 2; by_hand++) {
            if ((row->walks & (by_hand ? BY_HAND : BY_KERNEL)) == 0)
                continue;
            atomic_store(&is_openat2_missing, by_hand != 0);
            struct psv_safe_file file;
            int result = psv_safe_open(here.root_fd, row->path, PSV_SAFE_OPEN_LINKS_MAY_LEAVE, &file);
            atomic_store(&is_openat2_missing, false);
            assert_int_equal(result, row->result);
            if (result != 0)
                continue;
            assert_int_equal(file.kind, row->kind);
            if (row->size_bytes != UINT64_MAX)
                assert_int_equal(file.size_bytes, row->size_bytes);
            close(file.fd);
        }
    }
}

static void test_long_names(void **state)
{
    (void)state;
    static char path[6000];
    struct psv_safe_file file;
    for (int by_hand = 0; by_hand < 2; by_hand++) {
        atomic_store(&is_openat2_missing, by_hand != 0);
        memset(path, 'n', 300);
        path[300] = '\0';
        assert_int_equal(psv_safe_open(here.root_fd, path, 0, &file), PSV_ENOENT);
        memset(path, 'n', sizeof(path) - 1);
        assert_int_equal(psv_safe_open(here.root_fd, path, 0, &file), PSV_ENOENT);
    }
    atomic_store(&is_openat2_missing, false);
}

static void test_kernel_answers(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        int fake_errno;
        unsigned times;
        int result;
        unsigned calls;
        bool is_remembered;
    } answers[] = {
        {ROW("old kernel"), ENOSYS, 1, 0, 1, true},
        {ROW("seccomp filter"), EPERM, 1, 0, 1, false},
        {ROW("a rename came in between"), EAGAIN, 3, 0, 4, false},
        {ROW("renames without end"), EAGAIN, 1000, PSV_EAGAIN, 32, false},
        {ROW("interrupted"), EINTR, 2, 0, 3, false},
        {ROW("out of descriptors"), EMFILE, 1, PSV_ELIMIT, 1, false},
        {ROW("out of memory"), ENOMEM, 1, PSV_ENOMEM, 1, false},
        {ROW("device without driver"), ENODEV, 1, PSV_EACCESS, 1, false},
        {ROW("broken disk"), EIO, 1, PSV_EIO, 1, false},
    };
    TABLE_FOR_EACH(row, answers)
    {
        struct psv_safe_file file = {.fd = -1};
        fake.fake_errno = row->fake_errno;
        fake.times = row->times;
        fake.calls = 0;
        assert_int_equal(psv_safe_open(here.root_fd, "index.php", 0, &file), row->result);
        fake.times = 0;
        assert_int_equal(fake.calls, row->calls);
        assert_int_equal(atomic_load(&is_openat2_missing), row->is_remembered);
        atomic_store(&is_openat2_missing, false);
        psv_fd_close(file.fd);
    }
}

static void test_no_descriptor_is_lost(void **state)
{
    (void)state;
    int before = dup(0);
    assert_true(before >= 0);
    close(before);
    TABLE_FOR_EACH(row, cases)
    {
        for (int by_hand = 0; by_hand < 2; by_hand++) {
            struct psv_safe_file file = {.fd = -1};
            atomic_store(&is_openat2_missing, by_hand != 0);
            (void)!psv_safe_open(here.root_fd, row->path, 0, &file);
            psv_fd_close(file.fd);
            (void)!psv_safe_stat(here.root_fd, row->path, 0, &file);
        }
    }
    atomic_store(&is_openat2_missing, false);
    int after = dup(0);
    close(after);
    assert_int_equal(after, before);
}

static void test_open_root_failures(void **state)
{
    (void)state;
    char path[512];
    char expected[600];
    int fd = -5;
    struct psv_error error = {0};
    temp_folder_path(&here.folder, "nothing", path);
    assert_int_equal(psv_safe_open_root(path, &fd, &error), PSV_ENOENT);
    snprintf(expected, sizeof(expected), "cannot open directory %s: No such file or directory", path);
    assert_string_equal(error.message, expected);
    assert_int_equal(psv_safe_open_root(temp_folder_path(&here.folder, "root/index.php", path), &fd, &error),
                     PSV_ENOENT);
    assert_int_equal(fd, -5);
    struct psv_safe_file file;
    assert_int_equal(psv_safe_open(-1, "index.php", 0, &file), PSV_EIO); /* no root */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_socket_is_refused),
        cmocka_unit_test(test_links_may_leave),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_kernel_answers),
        cmocka_unit_test(test_no_descriptor_is_lost),
        cmocka_unit_test(test_open_root_failures),
    };
    return cmocka_run_group_tests_name("os/safe_open", tests, make_tree, remove_tree);
}
