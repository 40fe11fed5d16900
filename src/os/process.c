/* Signals through a descriptor, so that no code ever runs inside a handler, and the process's own numbers
 * from /proc.
 *
 * SPDX-License-Identifier: MIT */
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/text_parse.h"
#include "clock.h"
#include "fd.h"

/* /proc/stat has a line per processor and a long one for the interrupts */
#define PROC_FILE_MAX_BYTES (4U << 20)

static const struct {
    int number;
    const char *name;
} handled_signals[] = {
    {SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGHUP, "SIGHUP"}, {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"},
};

static void fill_handled(sigset_t *set, bool with_children)
{
    sigemptyset(set);
    if (with_children)
        sigaddset(set, SIGCHLD);
    for (size_t i = 0; i < ARRAY_SIZE(handled_signals); i++)
        sigaddset(set, handled_signals[i].number);
}

void psv_process_block_signals(bool with_children)
{
    sigset_t set;
    fill_handled(&set, with_children);
    INVARIANT(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
}

void psv_process_ignore_sigpipe(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    INVARIANT(sigaction(SIGPIPE, &ignore, NULL) == 0);
}

int psv_process_open_signals(bool with_children, struct psv_error *reterr)
{
    sigset_t set;
    fill_handled(&set, with_children);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd >= 0)
        return fd;
    int errno_value = errno;
    return psv_error_set_errno(reterr, psv_error_of_errno(errno_value), errno_value,
                               "cannot receive signals");
}

int psv_process_take_signal_of(int signal_fd, bool *ret_is_terminal)
{
    struct signalfd_siginfo info;
    ssize_t count;
    do {
        count = read(signal_fd, &info, sizeof(info));
    } while (count < 0 && errno == EINTR);
    if (count != (ssize_t)sizeof(info))
        return count < 0 && errno == EAGAIN ? PSV_EAGAIN : PSV_EIO;
    *ret_is_terminal =
        info.ssi_code == SI_KERNEL ||
        (info.ssi_code == SI_QUEUE && info.ssi_pid == (uint32_t)getpid() && info.ssi_int == SI_KERNEL);
    return (int)info.ssi_signo;
}

void psv_process_pass_signal(pthread_t reader, const siginfo_t *info)
{
    /* the kernel takes an si_code of its own from nobody (rt_tgsigqueueinfo(2)): it travels as the value */
    union sigval code = {.sival_int = info->si_code};
    (void)pthread_sigqueue(reader, info->si_signo, code);
}

int psv_process_take_signal(int signal_fd)
{
    bool is_terminal;
    return psv_process_take_signal_of(signal_fd, &is_terminal);
}

bool psv_process_is_asked_to_end(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

const char *psv_process_signal_name(int number)
{
    for (size_t i = 0; i < ARRAY_SIZE(handled_signals); i++) {
        if (handled_signals[i].number == number)
            return handled_signals[i].name;
    }
    return "signal";
}

int psv_process_parse_stat(struct psv_bytes text, struct psv_process_stat *ret_stat)
{
    /* proc(5): "pid (name) state ppid ..."; the fields are counted from 1, name is the second */
    enum { STATE = 3, USER = 14, SYSTEM = 15, THREADS = 20, START = 22, VIRTUAL = 23, RESIDENT = 24 };
    struct psv_process_stat stat = {0};
    const struct {
        unsigned field;
        uint64_t *value;
    } wanted[] = {
        {USER, &stat.user_ticks},   {SYSTEM, &stat.system_ticks},   {THREADS, &stat.threads},
        {START, &stat.start_ticks}, {VIRTUAL, &stat.virtual_bytes}, {RESIDENT, &stat.resident_pages},
    };
    struct psv_bytes rest = psv_bytes_trim(psv_bytes_from(text, psv_bytes_find_last(text, ')') + 1));
    struct psv_bytes item;
    size_t found = 0;
    for (unsigned field = STATE; found < ARRAY_SIZE(wanted) && psv_bytes_split(&rest, ' ', &item); field++) {
        if (field != wanted[found].field)
            continue;
        item = psv_bytes_first(item, psv_bytes_find(item, '\n'));
        if (psv_parse_u64(item, wanted[found].value) != 0)
            return PSV_ESYNTAX;
        found++;
    }
    if (found < ARRAY_SIZE(wanted))
        return PSV_ESYNTAX;
    *ret_stat = stat;
    return 0;
}

int psv_process_parse_boot_time(struct psv_bytes text, uint64_t *ret_unix_s)
{
    struct psv_bytes line;
    while (psv_bytes_split(&text, '\n', &line)) {
        if (psv_bytes_starts_with(line, PSV_BYTES("btime ")))
            return psv_parse_u64(psv_bytes_from(line, strlen("btime ")), ret_unix_s) == 0 ? 0 : PSV_ESYNTAX;
    }
    return PSV_ESYNTAX;
}

static int count_open_fds(uint64_t *ret_count)
{
    /* Linux 6.2 and newer say the number as the folder's size; older ones say 0, and we count. */
    struct stat facts;
    if (stat("/proc/self/fd", &facts) != 0)
        return PSV_EIO;
    if (facts.st_size > 0) {
        *ret_count = (uint64_t)facts.st_size;
        return 0;
    }
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return PSV_EIO;
    uint64_t count = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        count += entry->d_name[0] != '.';
    (void)closedir(folder);
    *ret_count = count - 1; /* the folder's own descriptor */
    return 0;
}

static int read_stat(struct psv_process_stat *ret_stat)
{
    CLEANUP(psv_buffer_fini) struct psv_buffer text = {.max_bytes = PROC_FILE_MAX_BYTES};
    int error = psv_fd_read_file("/proc/self/stat", &text);
    return error != 0 ? error : psv_process_parse_stat(psv_buffer_bytes(&text), ret_stat);
}

static int read_boot_time(uint64_t *ret_unix_s)
{
    CLEANUP(psv_buffer_fini) struct psv_buffer text = {.max_bytes = PROC_FILE_MAX_BYTES};
    int error = psv_fd_read_file("/proc/stat", &text);
    return error != 0 ? error : psv_process_parse_boot_time(psv_buffer_bytes(&text), ret_unix_s);
}

int psv_process_read_facts(struct psv_process_facts *ret_facts)
{
    struct psv_process_stat stat;
    uint64_t boot_unix_s;
    uint64_t open_fds;
    int error = read_stat(&stat);
    if (error == 0)
        error = read_boot_time(&boot_unix_s);
    if (error == 0)
        error = count_open_fds(&open_fds);
    if (error != 0)
        return error;

    uint64_t tick_us = PSV_US_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
    struct rlimit limit;
    bool has_limit = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    *ret_facts = (struct psv_process_facts){
        .resident_bytes = stat.resident_pages * (uint64_t)sysconf(_SC_PAGESIZE),
        .virtual_bytes = stat.virtual_bytes,
        .cpu_us = (stat.user_ticks + stat.system_ticks) * tick_us,
        .start_unix_us = boot_unix_s * PSV_US_PER_S + stat.start_ticks * tick_us,
        .threads = stat.threads,
        .open_fds = open_fds,
        .max_fds = has_limit ? (uint64_t)limit.rlim_cur : UINT64_MAX,
    };
    return 0;
}

/* The number of a line "RssAnon:     1234 kB", in bytes. */
static int parse_status_kib(struct psv_bytes text, struct psv_bytes name, uint64_t *ret_bytes)
{
    struct psv_bytes line;

    while (psv_bytes_split(&text, '\n', &line)) {
        if (!psv_bytes_starts_with(line, name))
            continue;
        struct psv_bytes rest = psv_bytes_trim(psv_bytes_from(line, name.len));
        uint64_t kib;
        int error = psv_parse_u64(psv_bytes_first(rest, psv_bytes_find(rest, ' ')), &kib);
        if (error == 0)
            *ret_bytes = kib * 1024;
        return error != 0 ? PSV_ESYNTAX : 0;
    }
    return PSV_ESYNTAX;
}

int psv_process_read_memory(struct psv_process_memory *ret_memory)
{
    CLEANUP(psv_buffer_fini) struct psv_buffer text = {.max_bytes = PROC_FILE_MAX_BYTES};
    struct psv_process_memory memory;
    int error = psv_fd_read_file("/proc/self/status", &text);

    if (error == 0)
        error = parse_status_kib(psv_buffer_bytes(&text), PSV_BYTES("RssAnon:"), &memory.anonymous_bytes);
    if (error == 0)
        error = parse_status_kib(psv_buffer_bytes(&text), PSV_BYTES("RssFile:"), &memory.file_bytes);
    if (error == 0)
        error = parse_status_kib(psv_buffer_bytes(&text), PSV_BYTES("RssShmem:"), &memory.shared_bytes);
    if (error == 0)
        *ret_memory = memory;
    return error;
}

uint64_t psv_process_own_memory(int pid)
{
    CLEANUP(psv_buffer_fini) struct psv_buffer text = {.max_bytes = PROC_FILE_MAX_BYTES};
    char path[48];
    (void)snprintf(path, sizeof(path), "/proc/%d/statm", pid);
    if (psv_fd_read_file(path, &text) != 0)
        return 0;
    /* size, resident, shared ... in pages */
    uint64_t pages[3] = {0};
    struct psv_bytes rest = psv_buffer_bytes(&text);
    struct psv_bytes item;
    for (size_t i = 0; i < ARRAY_SIZE(pages) && psv_bytes_split(&rest, ' ', &item); i++) {
        if (psv_parse_u64(item, &pages[i]) != 0)
            return 0;
    }
    return pages[1] > pages[2] ? (pages[1] - pages[2]) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}
