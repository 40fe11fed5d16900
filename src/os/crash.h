/* Last words: when a thread is hit by a fatal signal, what it and the others were doing goes to standard
 * error, with a native backtrace; then the signal takes its course (core dump, supervisor).  Knows nothing of
 * what the notes mean.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

/** Installs the handlers for SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT and SIGSYS; is_json: the log's format.
 * Under a sanitizer, which has its own, this does nothing.  [boot] */
void psv_crash_init(bool is_json);

/** An alternate stack for the calling thread, so that an overflown one can still be reported; freed by the
 * second.  [any] */
void psv_crash_thread_start(void);
void psv_crash_thread_stop(void);

/** Notes are numbered; further ones are not kept. */
#define PSV_CRASH_NOTES 1024

/** What the calling thread is about; the texts stay valid until psv_crash_forget.  [any], one thread per
 * number */
void psv_crash_note(unsigned number, struct psv_bytes request_id, struct psv_bytes script);
void psv_crash_forget(unsigned number);
