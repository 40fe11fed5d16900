/* Descriptors: flags, whole reads and writes, files that do not know their size, memory files.  System calls
 * that are hard to provoke (short, interrupted, failing) are simulated between fd.c and the kernel.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "table.h"

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "fail_alloc.h"
#include "temp_folder.h"

/* What the next simulated calls do: first interrupted, then cut to chunk_max bytes, then failing with
 * fail_errno once fail_at calls were made.  0 switches each off. */
static struct {
    unsigned interruptions;
    size_t chunk_max;
    unsigned fail_at;
    int fail_errno;
    unsigned calls;
} fake;

static int fake_enter(size_t *len)
{
    fake.calls++;
    if (fake.interruptions > 0) {
        fake.interruptions--;
        errno = EINTR;
        return -1;
    }
    if (fake.fail_at != 0 && fake.calls >= fake.fail_at) {
        errno = fake.fail_errno;
        return -1;
    }
    if (fake.chunk_max != 0 && *len > fake.chunk_max)
        *len = fake.chunk_max;
    return 0;
}

static ssize_t fake_read(int fd, void *out, size_t len)
{
    return fake_enter(&len) != 0 ? -1 : read(fd, out, len);
}
static ssize_t fake_write(int fd, const void *data, size_t len)
{
    return fake_enter(&len) != 0 ? -1 : write(fd, data, len);
}
static ssize_t fake_pread(int fd, void *out, size_t len, off_t offset)
{
    return fake_enter(&len) != 0 ? -1 : pread(fd, out, len, offset);
}
static ssize_t fake_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    return fake_enter(&len) != 0 ? -1 : pwrite(fd, data, len, offset);
}
static int fake_memfd_create(const char *name, unsigned flags)
{
    size_t len = 0;
    return fake_enter(&len) != 0 ? -1 : memfd_create(name, flags);
}

#define read fake_read
#define write fake_write
#define pread fake_pread
#define pwrite fake_pwrite
#define memfd_create fake_memfd_create
#include "os/fd.c"
#undef read
#undef write
#undef pread
#undef pwrite
#undef memfd_create

static void fake_reset(void)
{
    memset(&fake, 0, sizeof(fake));
}

static void test_close(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    errno = 77;
    assert_int_equal(psv_fd_close(fd), -1);
    assert_int_equal(errno, 77);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(psv_fd_close(-1), -1);

    int outer;
    {
        CLEANUP(psv_fd_closep) int scoped = open("/dev/null", O_RDONLY | O_CLOEXEC);
        outer = scoped;
        assert_true(fcntl(outer, F_GETFD) >= 0);
    }
    assert_int_equal(fcntl(outer, F_GETFD), -1);

    int moved = 5;
    assert_int_equal(psv_fd_take(&moved), 5);
    assert_int_equal(moved, -1);
}

static jmp_buf back;
static void jump_back(const char *file, int line, const char *what)
{
    (void)file;
    (void)line;
    (void)what;
    longjmp(back, 1);
}

static void test_closing_twice_panics(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    psv_fd_close(fd);
    volatile bool has_returned = false;
    psv_panic_set_hook(jump_back);
    if (setjmp(back) == 0) {
        psv_fd_close(fd);
        has_returned = true;
    }
    psv_panic_set_hook(NULL);
    assert_false(has_returned);
}

static void test_flags(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(psv_fd_set_nonblock(fds[0], true), 0);
        assert_true((fcntl(fds[0], F_GETFL) & O_NONBLOCK) != 0);
        assert_int_equal(psv_fd_set_cloexec(fds[0], true), 0);
        assert_true((fcntl(fds[0], F_GETFD) & FD_CLOEXEC) != 0);
        assert_int_equal(psv_fd_set_nonblock(fds[0], false), 0);
        assert_int_equal(psv_fd_set_nonblock(fds[0], false), 0);
        assert_true((fcntl(fds[0], F_GETFL) & O_NONBLOCK) == 0);
        assert_int_equal(psv_fd_set_cloexec(fds[0], false), 0);
        assert_true((fcntl(fds[0], F_GETFD) & FD_CLOEXEC) == 0);
    }
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(psv_fd_set_nonblock(fds[0], true), PSV_EIO);
    assert_int_equal(psv_fd_set_cloexec(fds[0], true), PSV_EIO);
}

static void test_whole_reads_and_writes(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        unsigned interruptions;
        size_t chunk_max;
    } cases[] = {
        {ROW("plain"), 0, 0}, {ROW("interrupted"), 3, 0}, {ROW("short"), 0, 3}, {ROW("one byte"), 2, 1}};
    TABLE_FOR_EACH(row, cases)
    {
        int fd = psv_fd_open_memory("test");
        assert_true(fd >= 0);
        char out[64] = "";
        size_t len = 99;
        fake.interruptions = row->interruptions;
        fake.chunk_max = row->chunk_max;
        assert_int_equal(psv_fd_write_all(fd, "0123456789", 10), 0);
        fake.interruptions = row->interruptions;
        assert_int_equal(psv_fd_pwrite_all(fd, "ABC", 3, 8), 0);
        fake.interruptions = row->interruptions;
        assert_int_equal(psv_fd_pread_all(fd, out, sizeof(out), 0, &len), 0);
        assert_int_equal(len, 11);
        assert_memory_equal(out, "01234567ABC", 11);
        assert_int_equal(psv_fd_pread_all(fd, out, 4, 7, &len), 0);
        assert_int_equal(len, 4);
        assert_memory_equal(out, "7ABC", 4);
        assert_int_equal(psv_fd_pread_all(fd, out, 4, 100, &len), 0);
        assert_int_equal(len, 0);
        assert_int_equal(psv_fd_write_all(fd, NULL, 0), 0);
        assert_int_equal(lseek(fd, 0, SEEK_CUR), 10); /* only write_all moved it */
        fake_reset();
        close(fd);
    }
}

static void test_failing_calls(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        int errno_value;
        int write_code;
    } cases[] = {
        {ROW("disk full"), ENOSPC, PSV_ELIMIT}, {ROW("quota"), EDQUOT, PSV_ELIMIT},
        {ROW("full pipe"), EAGAIN, PSV_EAGAIN}, {ROW("reader gone"), EPIPE, PSV_EGONE},
        {ROW("broken disk"), EIO, PSV_EIO},
    };
    TABLE_FOR_EACH(row, cases)
    {
        int fd = psv_fd_open_memory("test");
        char out[8];
        size_t len = 99;
        for (unsigned at = 1; at < 4; at++) {
            fake_reset();
            fake.chunk_max = 1;
            fake.fail_at = at;
            fake.fail_errno = row->errno_value;
            assert_int_equal(psv_fd_write_all(fd, "12345", 5), row->write_code);
            assert_int_equal(fake.calls, at);
            fake.calls = 0;
            assert_int_equal(psv_fd_pwrite_all(fd, "12345", 5, 0), row->write_code);
            fake.calls = 0;
            assert_int_equal(psv_fd_pread_all(fd, out, 5, 0, &len), at <= 3 ? PSV_EIO : 0);
            assert_int_equal(len, 99);
        }
        fake_reset();
        close(fd);
    }
}

static void test_real_full_and_broken_pipes(void **state)
{
    (void)state;
    static char data[1 << 20];
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(psv_fd_write_all(fds[1], data, sizeof(data)), PSV_EAGAIN);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    sigaction(SIGPIPE, &ignore, &before);
    close(fds[0]);
    assert_int_equal(psv_fd_write_all(fds[1], data, 1), PSV_EGONE);
    sigaction(SIGPIPE, &before, NULL);
    close(fds[1]);
}

static void test_read_file(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        size_t file_len;
        size_t before_len;
        size_t max_bytes;
        size_t chunk_max;
        int result;
    } cases[] = {
        {ROW("empty file"), 0, 0, 100, 0, 0},
        {ROW("empty file into a full buffer"), 0, 10, 10, 0, 0},
        {ROW("appended"), 50, 10, 100, 0, 0},
        {ROW("exactly fits"), 90, 10, 100, 0, 0},
        {ROW("one too long"), 91, 10, 100, 0, PSV_ELIMIT},
        {ROW("no room at all"), 1, 10, 10, 0, PSV_ELIMIT},
        {ROW("long"), 100000, 10, 1000000, 0, 0},
        {ROW("in small pieces"), 9000, 10, 1000000, 7, 0},
        {ROW("small pieces, exactly fits"), 90, 10, 100, 7, 0},
        {ROW("small pieces, too long"), 91, 10, 100, 7, PSV_ELIMIT},
    };
    struct temp_folder folder;
    temp_folder_make(&folder);
    static char content[100001];
    char path[512];
    temp_folder_path(&folder, "file", path);
    TABLE_FOR_EACH(row, cases)
    {
        memset(content, 'c', row->file_len);
        content[row->file_len] = '\0';
        temp_folder_write(&folder, "file", content);
        struct psv_buffer out;
        psv_buffer_init(&out, row->max_bytes);
        for (size_t i = 0; i < row->before_len; i++)
            assert_int_equal(psv_buffer_append_byte(&out, 'b'), 0);
        fake_reset();
        fake.chunk_max = row->chunk_max;
        fake.interruptions = 1;
        assert_int_equal(psv_fd_read_file(path, &out), row->result);
        fake_reset();
        assert_int_equal(out.len, row->before_len + (row->result == 0 ? row->file_len : 0));
        for (size_t i = 0; i < out.len; i++)
            assert_int_equal(out.data[i], i < row->before_len ? 'b' : 'c');
        psv_buffer_fini(&out);
    }
    temp_folder_remove(&folder);
}

static void test_read_file_failures(void **state)
{
    (void)state;
    struct temp_folder folder;
    temp_folder_make(&folder);
    temp_folder_write(&folder, "file", "content");
    char path[512];
    struct psv_buffer out;
    psv_buffer_init(&out, 100);
    assert_int_equal(psv_fd_read_file(temp_folder_path(&folder, "absent", path), &out), PSV_ENOENT);
    assert_int_equal(psv_fd_read_file(temp_folder_path(&folder, "file/below", path), &out), PSV_ENOENT);
    assert_int_equal(psv_fd_read_file(folder.path, &out), PSV_EIO); /* a folder */
    temp_folder_path(&folder, "file", path);
    for (unsigned at = 1; at < 3; at++) {
        fake_reset();
        fake.fail_at = at;
        fake.fail_errno = EIO;
        assert_int_equal(psv_fd_read_file(path, &out), PSV_EIO);
    }
    psv_buffer_fini(&out);
    psv_buffer_init(&out, 7); /* full to the byte, then the look behind the end fails */
    fake_reset();
    fake.fail_at = 2;
    fake.fail_errno = EIO;
    assert_int_equal(psv_fd_read_file(path, &out), PSV_EIO);
    assert_int_equal(out.len, 0);
    fake_reset();
    psv_buffer_fini(&out);
    temp_folder_remove(&folder);
}

static void test_read_file_without_size(void **state)
{
    (void)state;
    struct psv_buffer out;
    psv_buffer_init(&out, 1 << 20);
    assert_int_equal(psv_fd_read_file("/proc/self/status", &out), 0);
    assert_true(psv_bytes_starts_with(psv_buffer_bytes(&out), PSV_BYTES("Name:")));
    psv_buffer_fini(&out);
    psv_buffer_init(&out, 10);
    assert_int_equal(psv_fd_read_file("/proc/self/status", &out), PSV_ELIMIT);
    assert_int_equal(out.len, 0);
    psv_buffer_fini(&out);
}

static int read_proc_stat(void *context)
{
    (void)context;
    struct psv_buffer out;
    psv_buffer_init(&out, 1 << 20);
    int error = psv_fd_read_file("/proc/self/smaps", &out);
    assert_true(error != 0 || out.len > 4096);
    assert_true(error == 0 || out.len == 0);
    psv_buffer_fini(&out);
    return error;
}

static void test_read_file_out_of_memory(void **state)
{
    (void)state;
    assert_in_range(fail_each_allocation(read_proc_stat, NULL), 2, 20);
}

static void test_memory_file(void **state)
{
    (void)state;
    int fd = psv_fd_open_memory("phpsrv-test");
    assert_true(fd >= 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    char link[64];
    char target[128] = "";
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    assert_true(readlink(link, target, sizeof(target) - 1) > 0);
    assert_non_null(strstr(target, "memfd:phpsrv-test"));
    close(fd);

    /* as on a kernel without the second flag: the first attempt fails */
    fake_reset();
    fake.fail_at = 1;
    fake.fail_errno = EINVAL;
    assert_int_equal(psv_fd_open_memory("x"), PSV_EINVAL);
    assert_int_equal(fake.calls, 2);
    fake_reset();
    fake.fail_at = 1;
    fake.fail_errno = EMFILE;
    assert_int_equal(psv_fd_open_memory("x"), PSV_ELIMIT);
    assert_int_equal(fake.calls, 1);
    fake_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_closing_twice_panics),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_whole_reads_and_writes),
        cmocka_unit_test(test_failing_calls),
        cmocka_unit_test(test_real_full_and_broken_pipes),
        cmocka_unit_test(test_read_file),
        cmocka_unit_test(test_read_file_failures),
        cmocka_unit_test(test_read_file_without_size),
        cmocka_unit_test(test_read_file_out_of_memory),
        cmocka_unit_test(test_memory_file),
    };
    return cmocka_run_group_tests_name("os/fd", tests, NULL, NULL);
}
