/* What went wrong in one request, as the development page tells it: text only, copied out of the engine when
 * it happened, so that it outlives the stack, the request's memory and a bailout.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

struct psv_message;

#define PSV_DEV_FRAMES_MAX 48
#define PSV_DEV_PREVIOUS_MAX 8
#define PSV_DEV_NOTICES_MAX 50
#define PSV_DEV_NAMES_MAX 60
#define PSV_DEV_REPORT_BYTES_MAX (1024u * 1024u)

struct psv_dev_frame {
    struct psv_bytes function; /* "Cart->add(3, 'blue')", "{main}" */
    struct psv_bytes file;     /* where it was called; empty: from inside PHP */
    unsigned line;
};

/** A fatal error or an exception that nobody caught. */
struct psv_dev_failure {
    struct psv_bytes kind; /* "RuntimeException", "Parse error" */
    struct psv_bytes text;
    struct psv_bytes file;
    unsigned line;
    int64_t code; /* of an exception; 0 = none */
    struct psv_dev_frame frames[PSV_DEV_FRAMES_MAX];
    unsigned frames_len;
    unsigned frames_left_out;
};

/** A warning, notice or deprecation. */
struct psv_dev_notice {
    struct psv_bytes kind;
    struct psv_bytes text;
    struct psv_bytes file;
    unsigned line;
    unsigned count; /* times that the same came at the same place */
};

struct psv_dev_names {
    struct psv_bytes items[PSV_DEV_NAMES_MAX];
    unsigned len;
    unsigned left_out;
};

struct psv_dev_report {
    struct psv_arena arena; /* of all texts */
    /* the failure that ended the script, then its previous exceptions */
    struct psv_dev_failure *failures[1 + PSV_DEV_PREVIOUS_MAX];
    unsigned failures_len; /* 0: only notices so far */
    struct psv_dev_notice notices[PSV_DEV_NOTICES_MAX];
    unsigned notices_len;
    unsigned notices_left_out;
    struct psv_dev_names get;
    struct psv_dev_names post;
    const struct psv_message *message;
    const char *php_version;
    unsigned worker;
    uint64_t memory_bytes;
    uint64_t memory_peak_bytes;
    uint64_t duration_us;
    struct psv_bytes sapi_name;

    /* how the response stood when it happened: did somebody else answer it afterwards? */
    bool is_measured; /* its length says something: no output handler changes it */
    uint64_t output_bytes;
    int status;
    bool has_status_line;
    unsigned header_calls; /* of header() since then */
    bool hides_display;    /* display_errors was switched off for this request */
    int display_before;    /* what it was; -1: PHP restores it */
};
