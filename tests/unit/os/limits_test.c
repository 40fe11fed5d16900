/* Limits: the parsers, and whole trees of files in a temporary folder.
 *
 * SPDX-License-Identifier: MIT */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "table.h"

#include "base/error.h"
#include "os/limits.h"
#include "temp_folder.h"

#define UNTOUCHED UINT64_C(42424242)

static void test_cpu_max(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes text;
        int result;
        uint64_t millicores;
    } cases[] = {
        {ROW("none"), PSV_BYTES_INIT("max 100000\n"), 0, PSV_LIMITS_NONE},
        {ROW("one and a half"), PSV_BYTES_INIT("150000 100000\n"), 0, 1500},
        {ROW("other period"), PSV_BYTES_INIT("25000 50000\n"), 0, 500},
        {ROW("many"), PSV_BYTES_INIT("6400000 100000\n"), 0, 64000},
        {ROW("period left out"), PSV_BYTES_INIT("200000"), 0, 2000},
        {ROW("only max"), PSV_BYTES_INIT("max"), 0, PSV_LIMITS_NONE},
        {ROW("empty"), PSV_BYTES_INIT(""), PSV_ESYNTAX, 0},
        {ROW("empty line"), PSV_BYTES_INIT("\n"), PSV_ESYNTAX, 0},
        {ROW("words"), PSV_BYTES_INIT("some 100000"), PSV_ESYNTAX, 0},
        {ROW("bad period"), PSV_BYTES_INIT("max x"), PSV_ESYNTAX, 0},
        {ROW("period of zero"), PSV_BYTES_INIT("100000 0"), PSV_ESYNTAX, 0},
        {ROW("too large"), PSV_BYTES_INIT("18446744073709551615 1"), PSV_ESYNTAX, 0},
    };
    TABLE_FOR_EACH(row, cases)
    {
        uint64_t millicores = UNTOUCHED;
        assert_int_equal(psv_limits_parse_cpu_max(row->text, &millicores), row->result);
        assert_true(millicores == (row->result == 0 ? row->millicores : UNTOUCHED));
    }
}

static void test_cfs(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes quota;
        struct psv_bytes period;
        int result;
        uint64_t millicores;
    } cases[] = {
        {ROW("none"), PSV_BYTES_INIT("-1\n"), PSV_BYTES_INIT("100000\n"), 0, PSV_LIMITS_NONE},
        {ROW("two"), PSV_BYTES_INIT("200000\n"), PSV_BYTES_INIT("100000\n"), 0, 2000},
        {ROW("bad quota"), PSV_BYTES_INIT("-2\n"), PSV_BYTES_INIT("100000\n"), PSV_ESYNTAX, 0},
        {ROW("bad period"), PSV_BYTES_INIT("2\n"), PSV_BYTES_INIT("\n"), PSV_ESYNTAX, 0},
    };
    TABLE_FOR_EACH(row, cases)
    {
        uint64_t millicores = UNTOUCHED;
        assert_int_equal(psv_limits_parse_cfs(row->quota, row->period, &millicores), row->result);
        assert_true(millicores == (row->result == 0 ? row->millicores : UNTOUCHED));
    }
}

static void test_memory(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes text;
        int result;
        uint64_t bytes;
    } cases[] = {
        {ROW("none"), PSV_BYTES_INIT("max\n"), 0, PSV_LIMITS_NONE},
        {ROW("none in v1"), PSV_BYTES_INIT("9223372036854771712\n"), 0, PSV_LIMITS_NONE},
        {ROW("512 MiB"), PSV_BYTES_INIT("536870912\n"), 0, 536870912},
        {ROW("zero"), PSV_BYTES_INIT("0"), 0, 0},
        {ROW("empty"), PSV_BYTES_INIT(""), PSV_ESYNTAX, 0},
        {ROW("unit"), PSV_BYTES_INIT("512M\n"), PSV_ESYNTAX, 0},
    };
    TABLE_FOR_EACH(row, cases)
    {
        uint64_t bytes = UNTOUCHED;
        assert_int_equal(psv_limits_parse_memory(row->text, &bytes), row->result);
        assert_true(bytes == (row->result == 0 ? row->bytes : UNTOUCHED));
    }
}

static void test_cgroup_path(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes text;
        struct psv_bytes controller;
        int result;
        const char *path;
    } cases[] = {
        {ROW("v2 root"), PSV_BYTES_INIT("0::/\n"), {NULL, 0}, 0, "/"},
        {ROW("v2"),
         PSV_BYTES_INIT("0::/system.slice/phpsrv.service\n"),
         {NULL, 0},
         0,
         "/system.slice/phpsrv.service"},
        {ROW("colon in the path"), PSV_BYTES_INIT("0::/a:b\n"), {NULL, 0}, 0, "/a:b"},
        {ROW("v1 among others"), PSV_BYTES_INIT("5:memory:/m\n4:cpu,cpuacct:/c\n0::/u\n"),
         PSV_BYTES_INIT("cpu"), 0, "/c"},
        {ROW("v1 second name"), PSV_BYTES_INIT("4:cpu,cpuacct:/c\n"), PSV_BYTES_INIT("cpuacct"), 0, "/c"},
        {ROW("name in part only"), PSV_BYTES_INIT("4:cpuset:/c\n"), PSV_BYTES_INIT("cpu"), PSV_ENOENT, NULL},
        {ROW("v2 beside v1"), PSV_BYTES_INIT("5:memory:/m\n0::/u\n"), {NULL, 0}, 0, "/u"},
        {ROW("no v2"), PSV_BYTES_INIT("5:memory:/m\n"), {NULL, 0}, PSV_ENOENT, NULL},
        {ROW("empty"), PSV_BYTES_INIT(""), {NULL, 0}, PSV_ENOENT, NULL},
        {ROW("half a line"), PSV_BYTES_INIT("0:"), {NULL, 0}, PSV_ENOENT, NULL},
        {ROW("relative path"), PSV_BYTES_INIT("0::u\n"), {NULL, 0}, PSV_ENOENT, NULL},
        {ROW("no path"), PSV_BYTES_INIT("0::\n"), {NULL, 0}, PSV_ENOENT, NULL},
    };
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_bytes path = PSV_BYTES("untouched");
        assert_int_equal(psv_limits_parse_cgroup_path(row->text, row->controller, &path), row->result);
        assert_bytes_equal(path, row->result == 0 ? row->path : "untouched");
    }
}

struct file {
    const char *name;
    const char *content;
};

static void test_trees(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct file files[8];
        uint64_t millicores;
        uint64_t memory;
    } cases[] = {
        {ROW("no files at all"), {{NULL, NULL}}, PSV_LIMITS_NONE, PSV_LIMITS_NONE},
        {ROW("v2 container"),
         {{"proc/self/cgroup", "0::/\n"},
          {"cgroup/cpu.max", "150000 100000\n"},
          {"cgroup/memory.max", "268435456\n"}},
         1500,
         268435456},
        {ROW("v2 without limits"),
         {{"proc/self/cgroup", "0::/\n"}, {"cgroup/cpu.max", "max 100000\n"}, {"cgroup/memory.max", "max\n"}},
         PSV_LIMITS_NONE,
         PSV_LIMITS_NONE},
        {ROW("v2, limit above our group"),
         {{"proc/self/cgroup", "0::/a/b/c\n"},
          {"cgroup/a/b/c/cpu.max", "max 100000\n"},
          {"cgroup/a/b/cpu.max", "300000 100000\n"},
          {"cgroup/a/cpu.max", "200000 100000\n"},
          {"cgroup/a/b/c/memory.max", "1000\n"},
          {"cgroup/a/memory.max", "5000\n"}},
         2000,
         1000},
        {ROW("v2, host's path but only our part mounted"),
         {{"proc/self/cgroup", "0::/docker/0123\n"}, {"cgroup/cpu.max", "50000 100000\n"}},
         500,
         PSV_LIMITS_NONE},
        {ROW("v2, malformed file"),
         {{"proc/self/cgroup", "0::/\n"}, {"cgroup/cpu.max", "what\n"}, {"cgroup/memory.max", "12k\n"}},
         PSV_LIMITS_NONE,
         PSV_LIMITS_NONE},
        {ROW("v1"),
         {{"proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/x\n"},
          {"cgroup/cpu/x/cpu.cfs_quota_us", "250000\n"},
          {"cgroup/cpu/x/cpu.cfs_period_us", "100000\n"},
          {"cgroup/memory/x/memory.limit_in_bytes", "1073741824\n"},
          {"cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"}},
         2500,
         1073741824},
        {ROW("v1 without limits"),
         {{"proc/self/cgroup", "4:cpu:/\n"},
          {"cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
          {"cgroup/cpu/cpu.cfs_period_us", "100000\n"}},
         PSV_LIMITS_NONE,
         PSV_LIMITS_NONE},
        {ROW("v1, period missing"),
         {{"proc/self/cgroup", "4:cpu:/\n"}, {"cgroup/cpu/cpu.cfs_quota_us", "1000\n"}},
         PSV_LIMITS_NONE,
         PSV_LIMITS_NONE},
        {ROW("hybrid: v1 has the controller"),
         {{"proc/self/cgroup", "4:cpu:/\n0::/\n"},
          {"cgroup/cpu/cpu.cfs_quota_us", "100000\n"},
          {"cgroup/cpu/cpu.cfs_period_us", "100000\n"}},
         1000,
         PSV_LIMITS_NONE},
    };
    TABLE_FOR_EACH(row, cases)
    {
        struct temp_folder folder;
        char proc[512];
        char cgroup[512];
        temp_folder_make(&folder);
        for (const struct file *file = row->files; file->name != NULL; file++)
            temp_folder_write(&folder, file->name, file->content);
        struct psv_limits_roots roots = {.proc = temp_folder_path(&folder, "proc", proc),
                                         .cgroup = temp_folder_path(&folder, "cgroup", cgroup)};
        assert_true(psv_limits_cgroup_millicores(&roots) == row->millicores);
        assert_true(psv_limits_cgroup_memory_bytes(&roots) == row->memory);

        unsigned cores = psv_limits_affinity_cores();
        unsigned by_quota =
            row->millicores == PSV_LIMITS_NONE ? cores : (unsigned)((row->millicores + 999) / 1000);
        assert_int_equal(psv_limits_cores(&roots), MIN(cores, by_quota));
        uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
        assert_true(psv_limits_memory_bytes(&roots) == MIN(machine, row->memory));
        temp_folder_remove(&folder);
    }
}

static void test_paths_too_long(void **state)
{
    (void)state;
    struct temp_folder folder;
    char proc[512];
    static char cgroup[5000];
    memset(cgroup, 'x', sizeof(cgroup) - 1);
    cgroup[0] = '/';
    temp_folder_make(&folder);
    temp_folder_write(&folder, "proc/self/cgroup", "0::/\n4:cpu:/\n");
    struct psv_limits_roots roots = {.proc = temp_folder_path(&folder, "proc", proc), .cgroup = cgroup};
    assert_true(psv_limits_cgroup_millicores(&roots) == PSV_LIMITS_NONE);
    temp_folder_remove(&folder);
}

static void test_zero_quota_still_gives_one_core(void **state)
{
    (void)state;
    struct temp_folder folder;
    char proc[512];
    char cgroup[512];
    temp_folder_make(&folder);
    temp_folder_write(&folder, "proc/self/cgroup", "0::/\n");
    temp_folder_write(&folder, "cgroup/cpu.max", "0 100000\n");
    struct psv_limits_roots roots = {.proc = temp_folder_path(&folder, "proc", proc),
                                     .cgroup = temp_folder_path(&folder, "cgroup", cgroup)};
    assert_int_equal(psv_limits_cores(&roots), 1);
    temp_folder_remove(&folder);
}

static void test_affinity(void **state)
{
    (void)state;
    cpu_set_t before;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    assert_int_equal(psv_limits_affinity_cores(), CPU_COUNT(&before));
    int first = 0;
    while (!CPU_ISSET(first, &before))
        first++;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    unsigned cores = psv_limits_affinity_cores();
    assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
    assert_int_equal(cores, 1);
}

static void test_this_machine(void **state)
{
    (void)state;
    assert_in_range(psv_limits_cores(&psv_limits_system_roots), 1, psv_limits_affinity_cores());
    assert_true(psv_limits_memory_bytes(&psv_limits_system_roots) > 1 << 20);
}

static void test_raise_open_files(void **state)
{
    (void)state;
    struct rlimit before;
    struct rlimit after;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit low = {.rlim_cur = before.rlim_max / 2, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    uint64_t raised = psv_limits_raise_open_files();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
    assert_true(after.rlim_cur == before.rlim_max);
    assert_true(raised == (after.rlim_cur == RLIM_INFINITY ? PSV_LIMITS_NONE : (uint64_t)after.rlim_cur));
    assert_true(psv_limits_raise_open_files() == raised);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpu_max),
        cmocka_unit_test(test_cfs),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_cgroup_path),
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_paths_too_long),
        cmocka_unit_test(test_zero_quota_still_gives_one_core),
        cmocka_unit_test(test_affinity),
        cmocka_unit_test(test_this_machine),
        cmocka_unit_test(test_raise_open_files),
    };
    return cmocka_run_group_tests_name("os/limits", tests, NULL, NULL);
}
