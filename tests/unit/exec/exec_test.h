/* What the tests of exec/ share: waiting with a limit, a job with its arena and mailbox, and reading what a
 * part carries.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "table.h"

#include "base/arena.h"
#include "base/assert.h"
#include "exec/exchange.h"
#include "exec/job.h"
#include "exec/mailbox.h"
#include "os/clock.h"

/* No test waits that long unless something is lost. */
#define TEST_PATIENCE_NS (UINT64_C(20) * PSV_NS_PER_S)

/** Waits for a condition that another thread makes true; usable on any thread. */
#define WAIT_UNTIL(condition)                                                                                \
    do {                                                                                                     \
        uint64_t wait_until_ns_ = psv_clock_monotonic_ns() + TEST_PATIENCE_NS;                               \
        while (!(condition)) {                                                                               \
            if (psv_clock_monotonic_ns() > wait_until_ns_) {                                                 \
                psv_panic(__FILE__, __LINE__, "waited in vain for " #condition);                             \
            }                                                                                                \
            sched_yield();                                                                                   \
        }                                                                                                    \
    } while (0)

/** How long random schedules run. */
static inline uint64_t test_run_ns(void)
{
    const char *is_long = getenv("PSV_TEST_LONG");

    return is_long != NULL && is_long[0] == '1' ? UINT64_C(10) * PSV_NS_PER_S : PSV_NS_PER_S;
}

/** Cheap random numbers; each thread has its own state, not 0. */
static inline uint64_t test_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

struct job_fixture {
    struct psv_arena arena;
    struct psv_mailbox mailbox;
    struct psv_request_body request_body;
    struct psv_message message;
    struct psv_job *job;
};

#define FIXTURE_MEMORY_MAX 16384
#define FIXTURE_WINDOW 1000

static inline void job_fixture_queue(struct job_fixture *fixture)
{
    fixture->job = psv_job_new(&fixture->arena, &fixture->request_body);
    assert_non_null(fixture->job);
    fixture->job->message = fixture->message;
    psv_sink_init(&fixture->job->sink, fixture->job, &fixture->mailbox, FIXTURE_MEMORY_MAX, FIXTURE_WINDOW);
}

/** A job that a worker runs already. */
static inline void job_fixture_init(struct job_fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    psv_arena_init(&fixture->arena, 1 << 20);
    assert_int_equal(psv_mailbox_init(&fixture->mailbox, 64), 0);
    psv_request_body_init(&fixture->request_body, 1024, 1 << 20);
    fixture->message.method = PSV_BYTES("GET");
    job_fixture_queue(fixture);
    assert_true(psv_job_try_start(fixture->job));
}

static inline void job_fixture_fini(struct job_fixture *fixture)
{
    assert_null(psv_mailbox_take(&fixture->mailbox));
    psv_mailbox_fini(&fixture->mailbox);
    psv_request_body_fini(&fixture->request_body);
    psv_arena_fini(&fixture->arena);
}

/** Flags of parts, as the tests of sinks write them. */
enum {
    HEAD = PSV_PART_HEAD,
    END = PSV_PART_END,
    FAILED = PSV_PART_FAILED,
    RELEASE = PSV_PART_RELEASE,
};

/** Copies the bytes of a piece to memory of the test's; NUL-terminated. */
static inline char *piece_text(const struct psv_body_piece *piece)
{
    char *text = malloc(piece->len + 1);

    assert_non_null(text);
    if (piece->data != NULL) {
        memcpy(text, piece->data + piece->offset, piece->len);
    } else if (piece->len > 0) {
        assert_int_equal(pread(piece->fd, text, piece->len, (off_t)piece->offset), (ssize_t)piece->len);
    }
    text[piece->len] = '\0';
    return text;
}

/** The next part must be there, with exactly these flags and this body; releases it. */
#define expect_part(fixture, flags, body) expect_part_((fixture), (flags), (body), __FILE__, __LINE__)

static inline void expect_part_(struct job_fixture *fixture, unsigned flags, const char *body,
                                const char *file, int line)
{
    struct psv_response_part *part = psv_mailbox_take(&fixture->mailbox);

    if (part == NULL) {
        print_error("no part\n");
        _fail(file, line);
    }
    unsigned actual_flags = part->flags;
    struct psv_body_piece *piece = psv_part_piece(part);
    char *text = piece_text(piece);
    bool is_same = strcmp(text, body) == 0 && piece->len == strlen(body);
    if (actual_flags != flags || !is_same) {
        print_error("part with flags %u and %llu bytes \"%.40s\", expected flags %u and \"%.40s\"\n",
                    actual_flags, (unsigned long long)piece->len, text, flags, body);
        _fail(file, line);
    }
    free(text);
    piece->release(piece);
}
