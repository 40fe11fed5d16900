/* What the machine and the container let us use: processors, memory, descriptors.  The parsers are pure and
 * the readers take their roots as arguments, so that tests feed them files of their own.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"

/** Means "no limit" wherever this file returns a number. */
#define PSV_LIMITS_NONE UINT64_MAX

struct psv_limits_roots {
    const char *proc;   /* "/proc" */
    const char *cgroup; /* "/sys/fs/cgroup" */
};

extern const struct psv_limits_roots psv_limits_system_roots;

/** cgroup v2 cpu.max: "max 100000" or "150000 100000" -> thousandths of a processor (1500).  PSV_ESYNTAX. */
MUST_CHECK int psv_limits_parse_cpu_max(struct psv_bytes text, uint64_t *ret_millicores);
/** cgroup v1 cpu.cfs_quota_us ("-1" = none) and cpu.cfs_period_us -> the same.  PSV_ESYNTAX. */
MUST_CHECK int psv_limits_parse_cfs(struct psv_bytes quota, struct psv_bytes period,
                                    uint64_t *ret_millicores);
/** memory.max, memory.limit_in_bytes: "max" and the huge numbers of v1 are PSV_LIMITS_NONE.  PSV_ESYNTAX. */
MUST_CHECK int psv_limits_parse_memory(struct psv_bytes text, uint64_t *ret_bytes);
/** Path of the process in /proc/self/cgroup's text: controller "" asks for v2 ("0::/path"), else for the v1
 * hierarchy with that controller ("4:cpu,cpuacct:/path").  *ret_path borrows from text.  PSV_ENOENT. */
MUST_CHECK int psv_limits_parse_cgroup_path(struct psv_bytes text, struct psv_bytes controller,
                                            struct psv_bytes *ret_path);

/** Smallest processor limit of our cgroup and those above it in thousandths, or PSV_LIMITS_NONE.  [boot] */
uint64_t psv_limits_cgroup_millicores(const struct psv_limits_roots *roots);
/** Smallest memory limit of our cgroup and those above it in bytes, or PSV_LIMITS_NONE.  [boot] */
uint64_t psv_limits_cgroup_memory_bytes(const struct psv_limits_roots *roots);
/** Processors the scheduler may put this process on; at least 1.  [boot] */
unsigned psv_limits_affinity_cores(void);

/** Processors to plan for: the smaller of affinity and cgroup limit, rounded up, at least 1.  [boot] */
unsigned psv_limits_cores(const struct psv_limits_roots *roots);
/** Memory to plan for: the smaller of the machine's and the cgroup's.  [boot] */
uint64_t psv_limits_memory_bytes(const struct psv_limits_roots *roots);

/** Raises the limit of open descriptors as far as it goes; returns what holds now.  [boot] */
uint64_t psv_limits_raise_open_files(void);
