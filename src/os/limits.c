/* Reading limits at start-up.  A file that is missing or unreadable means "no limit known here": a container
 * without a cgroup file system must still start.
 *
 * SPDX-License-Identifier: MIT */
#include "limits.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text_parse.h"
#include "fd.h"

#define FILE_MAX_BYTES 65536
/* cgroup v1 says "no limit" with the largest number of whole pages. */
#define V1_UNLIMITED_BYTES (UINT64_C(1) << 62)

const struct psv_limits_roots psv_limits_system_roots = {.proc = "/proc", .cgroup = "/sys/fs/cgroup"};

static struct psv_bytes trim_line(struct psv_bytes text)
{
    return psv_bytes_trim(psv_bytes_first(text, psv_bytes_find(text, '\n')));
}

static int millicores_of(uint64_t quota_us, uint64_t period_us, uint64_t *ret_millicores)
{
    uint64_t product;
    if (period_us == 0 || __builtin_mul_overflow(quota_us, UINT64_C(1000), &product))
        return PSV_ESYNTAX;
    *ret_millicores = product / period_us;
    return 0;
}

int psv_limits_parse_cpu_max(struct psv_bytes text, uint64_t *ret_millicores)
{
    struct psv_bytes rest = trim_line(text);
    struct psv_bytes quota_text;
    uint64_t quota_us;
    uint64_t period_us = 100000; /* the kernel's default */
    if (!psv_bytes_split(&rest, ' ', &quota_text))
        return PSV_ESYNTAX;
    if (rest.len > 0 && psv_parse_u64(psv_bytes_trim(rest), &period_us) != 0)
        return PSV_ESYNTAX;
    if (psv_bytes_equal(quota_text, PSV_BYTES("max"))) {
        *ret_millicores = PSV_LIMITS_NONE;
        return 0;
    }
    if (psv_parse_u64(quota_text, &quota_us) != 0)
        return PSV_ESYNTAX;
    return millicores_of(quota_us, period_us, ret_millicores);
}

int psv_limits_parse_cfs(struct psv_bytes quota, struct psv_bytes period, uint64_t *ret_millicores)
{
    uint64_t quota_us;
    uint64_t period_us;
    if (psv_bytes_equal(trim_line(quota), PSV_BYTES("-1"))) {
        *ret_millicores = PSV_LIMITS_NONE;
        return 0;
    }
    if (psv_parse_u64(trim_line(quota), &quota_us) != 0 || psv_parse_u64(trim_line(period), &period_us) != 0)
        return PSV_ESYNTAX;
    return millicores_of(quota_us, period_us, ret_millicores);
}

int psv_limits_parse_memory(struct psv_bytes text, uint64_t *ret_bytes)
{
    uint64_t bytes = PSV_LIMITS_NONE;
    struct psv_bytes line = trim_line(text);
    if (!psv_bytes_equal(line, PSV_BYTES("max")) && psv_parse_u64(line, &bytes) != 0)
        return PSV_ESYNTAX;
    *ret_bytes = bytes >= V1_UNLIMITED_BYTES ? PSV_LIMITS_NONE : bytes;
    return 0;
}

static bool has_controller(struct psv_bytes list, struct psv_bytes controller)
{
    struct psv_bytes name;
    if (controller.len == 0)
        return list.len == 0;
    while (psv_bytes_split(&list, ',', &name)) {
        if (psv_bytes_equal(name, controller))
            return true;
    }
    return false;
}

int psv_limits_parse_cgroup_path(struct psv_bytes text, struct psv_bytes controller,
                                 struct psv_bytes *ret_path)
{
    struct psv_bytes line;
    while (psv_bytes_split(&text, '\n', &line)) {
        struct psv_bytes rest = line; /* "4:cpu,cpuacct:/path"; the path may hold colons */
        struct psv_bytes id;
        struct psv_bytes controllers;
        if (psv_bytes_split(&rest, ':', &id) && psv_bytes_split(&rest, ':', &controllers) && rest.len > 0 &&
            rest.data[0] == '/' && has_controller(controllers, controller)) {
            *ret_path = rest;
            return 0;
        }
    }
    return PSV_ENOENT;
}

/* Appends; the buffer's text may be printed with %.*s afterwards. */
static int read_at(struct psv_buffer *out, const char *folder, struct psv_bytes group, const char *file)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s%.*s/%s", folder, PSV_BYTES_ARG(group), file);
    if (len < 0 || (size_t)len >= sizeof(path))
        return PSV_EINVAL;
    psv_buffer_clear(out);
    return psv_fd_read_file(path, out);
}

typedef int read_limit_fn(const char *folder, struct psv_bytes group, uint64_t *ret_limit);

static int read_cpu_v2(const char *folder, struct psv_bytes group, uint64_t *ret_limit)
{
    CLEANUP(psv_buffer_fini) struct psv_buffer text = {.max_bytes = FILE_MAX_BYTES};
    int error = read_at(&text, folder, group, "cpu.max");
    return error != 0 ? error : psv_limits_parse_cpu_max(psv_buffer_bytes(&text), ret_limit);
}

static int read_cpu_v1(const char *folder, struct psv_bytes group, uint64_t *ret_limit)
{
    CLEANUP(psv_buffer_fini) struct psv_buffer quota = {.max_bytes = FILE_MAX_BYTES};
    CLEANUP(psv_buffer_fini) struct psv_buffer period = {.max_bytes = FILE_MAX_BYTES};
    int error = read_at(&quota, folder, group, "cpu.cfs_quota_us");
    if (error == 0)
        error = read_at(&period, folder, group, "cpu.cfs_period_us");
    if (error != 0)
        return error;
    return psv_limits_parse_cfs(psv_buffer_bytes(&quota), psv_buffer_bytes(&period), ret_limit);
}

static int read_memory_file(const char *folder, struct psv_bytes group, const char *file, uint64_t *ret_limit)
{
    CLEANUP(psv_buffer_fini) struct psv_buffer text = {.max_bytes = FILE_MAX_BYTES};
    int error = read_at(&text, folder, group, file);
    return error != 0 ? error : psv_limits_parse_memory(psv_buffer_bytes(&text), ret_limit);
}

static int read_memory_v2(const char *folder, struct psv_bytes group, uint64_t *ret_limit)
{
    return read_memory_file(folder, group, "memory.max", ret_limit);
}

static int read_memory_v1(const char *folder, struct psv_bytes group, uint64_t *ret_limit)
{
    return read_memory_file(folder, group, "memory.limit_in_bytes", ret_limit);
}

/* The smallest limit on the way from our cgroup up to the mounted root.  A container without a cgroup name
 * space sees the host's path in /proc but only its own part mounted: groups that are not there are passed
 * over, the root counts. */
static uint64_t smallest_limit(const char *folder, struct psv_bytes group, read_limit_fn *read_limit)
{
    uint64_t smallest = PSV_LIMITS_NONE;
    while (group.len > 0 && group.data[group.len - 1] == '/')
        group.len--;
    for (;;) {
        uint64_t limit;
        if (read_limit(folder, group, &limit) == 0)
            smallest = MIN(smallest, limit);
        if (group.len == 0)
            return smallest;
        group.len = psv_bytes_find_last(group, '/');
    }
}

static uint64_t limit_of_controller(const struct psv_limits_roots *roots, const char *controller,
                                    read_limit_fn *read_v2, read_limit_fn *read_v1)
{
    CLEANUP(psv_buffer_fini) struct psv_buffer text = {.max_bytes = FILE_MAX_BYTES};
    if (read_at(&text, roots->proc, PSV_BYTES_EMPTY, "self/cgroup") != 0)
        return PSV_LIMITS_NONE;
    /* Hybrid machines have both hierarchies, with the controller in one of them: the other one knows no
     * limit. */
    struct psv_bytes group;
    uint64_t limit = PSV_LIMITS_NONE;
    if (psv_limits_parse_cgroup_path(psv_buffer_bytes(&text), PSV_BYTES_EMPTY, &group) == 0)
        limit = smallest_limit(roots->cgroup, group, read_v2);
    if (psv_limits_parse_cgroup_path(psv_buffer_bytes(&text), psv_bytes_of(controller), &group) == 0) {
        char folder[PATH_MAX];
        int len = snprintf(folder, sizeof(folder), "%s/%s", roots->cgroup, controller);
        if (len > 0 && (size_t)len < sizeof(folder))
            limit = MIN(limit, smallest_limit(folder, group, read_v1));
    }
    return limit;
}

uint64_t psv_limits_cgroup_millicores(const struct psv_limits_roots *roots)
{
    return limit_of_controller(roots, "cpu", read_cpu_v2, read_cpu_v1);
}

uint64_t psv_limits_cgroup_memory_bytes(const struct psv_limits_roots *roots)
{
    return limit_of_controller(roots, "memory", read_memory_v2, read_memory_v1);
}

unsigned psv_limits_affinity_cores(void)
{
    /* a machine with more processors than the set has room for is refused with EINVAL: try a larger set */
    for (unsigned cores_max = 1024; cores_max <= 65536; cores_max *= 4) {
        cpu_set_t *set = CPU_ALLOC(cores_max);
        if (set == NULL)
            break;
        size_t size = CPU_ALLOC_SIZE(cores_max);
        int result = sched_getaffinity(0, size, set);
        int count = result == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return (unsigned)count;
    }
    return 1;
}

unsigned psv_limits_cores(const struct psv_limits_roots *roots)
{
    unsigned cores = psv_limits_affinity_cores();
    uint64_t millicores = psv_limits_cgroup_millicores(roots);
    if (millicores != PSV_LIMITS_NONE) {
        uint64_t rounded_up = millicores / 1000 + (millicores % 1000 != 0);
        cores = (unsigned)MIN((uint64_t)cores, rounded_up);
    }
    return MAX(cores, 1U);
}

uint64_t psv_limits_memory_bytes(const struct psv_limits_roots *roots)
{
    uint64_t limit = psv_limits_cgroup_memory_bytes(roots);
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page_bytes > 0)
        limit = MIN(limit, (uint64_t)pages * (uint64_t)page_bytes);
    return limit;
}

uint64_t psv_limits_raise_open_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0)
        limit = raised;
    return limit.rlim_cur == RLIM_INFINITY ? PSV_LIMITS_NONE : (uint64_t)limit.rlim_cur;
}
