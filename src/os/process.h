/* The process as a whole: signals as a descriptor instead of handlers, and facts about itself for metrics.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"

struct psv_error;

/** Blocks SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2 (with_children: SIGCHLD as well) in the calling thread
 * and in all it will start.  Call it before the first thread exists, otherwise one of them may be hit by the
 * signal's default action.  [boot]
 */
void psv_process_block_signals(bool with_children);

/** Writing to a closed connection becomes an error instead of the process's end.  [boot] */
void psv_process_ignore_sigpipe(void);

/** A non-blocking, close-on-exec descriptor that is readable when one of the blocked signals has come, or a
 * negative PSV_E* with a sentence.  [boot] */
MUST_CHECK int psv_process_open_signals(bool with_children, struct psv_error *reterr);

/** The next signal: its number (SIGTERM, ...), or PSV_EAGAIN when there is none, PSV_EIO.  [any] */
MUST_CHECK int psv_process_take_signal(int signal_fd);
/** The same; *ret_is_terminal: it is not from a process but from a terminal (Ctrl-C), and so has come to each
 * process of the terminal's group. */
MUST_CHECK int psv_process_take_signal_of(int signal_fd, bool *ret_is_terminal);

/** For the handler of a thread that does not block it: gives the signal to reader, a thread of this process
 * that blocks it and has the descriptor.  What psv_process_take_signal_of() tells of it is kept.  [any] */
void psv_process_pass_signal(pthread_t reader, const siginfo_t *info);

/** SIGTERM or SIGINT has come and was not taken yet.  [any] */
bool psv_process_is_asked_to_end(void);

/** "SIGTERM" and so on for the five above; "signal" for any other.  Static. */
const char *psv_process_signal_name(int number);

struct psv_process_facts {
    uint64_t resident_bytes;
    uint64_t virtual_bytes;
    uint64_t cpu_us;        /* user and system time of all threads */
    uint64_t start_unix_us; /* when the process began */
    uint64_t threads;
    uint64_t open_fds;
    uint64_t max_fds; /* UINT64_MAX = no limit */
};

/** Reads /proc/self; 0, PSV_EIO, PSV_ENOMEM, PSV_ESYNTAX.  A few system calls: for a scrape, not for a
 * request.  [any] */
MUST_CHECK int psv_process_read_facts(struct psv_process_facts *ret_facts);

/** Parts of this process's resident memory. */
struct psv_process_memory {
    uint64_t anonymous_bytes;
    uint64_t file_bytes;
    uint64_t shared_bytes;
};

/** Reads /proc/self/status: counters of the kernel, while the proportional set size would walk all pages.  0,
 * PSV_EIO, PSV_ENOMEM, PSV_ESYNTAX.  [any] */
MUST_CHECK int psv_process_read_memory(struct psv_process_memory *ret_memory);

/** Resident memory of a process that it shares with no file and no other process, in bytes; 0 when it cannot
 * be read.  [any] */
uint64_t psv_process_own_memory(int pid);

/** The fields of /proc/<pid>/stat that we need, in the kernel's units.  Pure. */
struct psv_process_stat {
    uint64_t user_ticks;
    uint64_t system_ticks;
    uint64_t threads;
    uint64_t start_ticks; /* since the machine started */
    uint64_t virtual_bytes;
    uint64_t resident_pages;
};

/** PSV_ESYNTAX.  The program's name may hold blanks and parentheses. */
MUST_CHECK int psv_process_parse_stat(struct psv_bytes text, struct psv_process_stat *ret_stat);
/** The "btime" line of /proc/stat: unix seconds of the machine's start.  PSV_ESYNTAX. */
MUST_CHECK int psv_process_parse_boot_time(struct psv_bytes text, uint64_t *ret_unix_s);
