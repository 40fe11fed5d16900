/* What a runtime sees of a request, and how it answers: everything that PHP's side of the house uses, and all
 * that another runtime would need.  Every function here belongs to the worker thread that runs the job.
 * [worker]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"
#include "http/headers.h"

struct psv_job; /* one frozen request on its way through a worker */

/** The frozen request: plain text, valid until the job ends.  An absent text has data NULL. */
struct psv_message {
    struct psv_bytes method;          /* "GET" */
    struct psv_bytes protocol;        /* "HTTP/1.1" */
    struct psv_bytes scheme;          /* "http" or "https" */
    struct psv_bytes target;          /* REQUEST_URI: path and query as received */
    struct psv_bytes query;           /* after '?'; data NULL without one */
    struct psv_bytes document_root;   /* absolute; this and the next three are followed by a NUL */
    struct psv_bytes script_filename; /* absolute path of the script */
    struct psv_bytes script_name;     /* its URL path: "/index.php" */
    struct psv_bytes path_info;       /* what follows it; data NULL without one */
    struct psv_bytes server_name;     /* host of the request, or the listener's address */
    struct psv_bytes server_address;
    struct psv_bytes remote_address;
    struct psv_bytes tls_protocol;    /* "TLSv1.3"; data NULL without TLS, as the next two */
    struct psv_bytes tls_cipher;      /* in the TLS library's spelling */
    struct psv_bytes tls_server_name; /* what the client asked for; data NULL if nothing */
    struct psv_bytes content_type;    /* NUL-terminated; data NULL when absent */
    const void *settings;             /* of the site: psv_executor.settings_start; NULL = none */
    struct psv_bytes request_id;      /* text without blanks, made by the server */
    struct psv_bytes trace_id;        /* 32 hex digits; data NULL when the request is in no trace */
    struct psv_bytes span_id;         /* of this request, 16 hex digits; the same */
    const struct psv_field *fields;   /* as received; the runtime decides which reach the application */
    unsigned fields_len;
    uint16_t server_port;
    uint16_t remote_port;
    uint16_t protocol_number;   /* 1000, 1001, 2000: PHP's proto_num */
    struct psv_bytes auth_type; /* "Basic" when the server itself has checked the password; else data NULL */
    bool is_https;
    bool is_head;
    bool hides_runtime;        /* the runtime does not name itself in the response */
    int64_t content_length;    /* length of the body that can be read; 0 when there is none */
    uint64_t received_unix_us; /* wall clock when the head was complete */
};

const struct psv_message *psv_job_message(const struct psv_job *job);

/** Reads on in the request body: bytes read, 0 at its end.  Never short before the end. */
size_t psv_job_body_read(struct psv_job *job, void *out, size_t len);
/** Reads the rest of the request body where it lies: valid until the job ends, empty at the body's end. */
struct psv_bytes psv_job_body_rest(struct psv_job *job);
/** Starts again at the body's first byte. */
void psv_job_body_rewind(struct psv_job *job);

/** Sets the response's head; the fields are copied.  Once; later calls are PSV_EEXIST.  Connection,
 * Keep-Alive, Transfer-Encoding and malformed fields must not be among them.  A Content-Length is taken as a
 * promise. */
MUST_CHECK int psv_job_respond(struct psv_job *job, unsigned status, const struct psv_field *fields,
                               unsigned fields_len);
/** Sends an informational response (103 Early Hints) before the head is set; the fields are copied.  0;
 * PSV_EINVAL: not 100 to 199, or 101; PSV_EUNSUPPORTED: the client speaks HTTP/1.0; PSV_EEXIST: the response
 * has begun; PSV_ELIMIT: more than 16; PSV_EGONE, PSV_ENOMEM. */
MUST_CHECK int psv_job_inform(struct psv_job *job, unsigned status, const struct psv_field *fields,
                              unsigned fields_len);
/** Throws away head and body as if nothing had been said yet.  0; PSV_EEXIST: part of them is on its way to
 * the client, or the response is finished. */
MUST_CHECK int psv_job_discard(struct psv_job *job);
bool psv_job_has_responded(const struct psv_job *job);

/** Appends to the response body: to memory first; past --response-memory-bytes a response that has its head
 * is sent on as if flushed, but without waiting for slow clients: for them it goes on in a memfd.  0,
 * PSV_EGONE when the client has left (nothing more is needed), PSV_ENOMEM, PSV_EIO. */
MUST_CHECK int psv_job_write(struct psv_job *job, const void *data, size_t len);

/** Sends what has been written so far, then waits until the client has taken enough of it (back-pressure).
 *  The head must be set.  0, PSV_EGONE, PSV_ETIMEOUT. */
MUST_CHECK int psv_job_flush(struct psv_job *job);

/** Ends the response (an unset head becomes an empty 200); later writes are ignored.  The request stays
 * readable. Idempotent. */
void psv_job_finish(struct psv_job *job);

/** Ends the response because it cannot be completed: 500 if nothing was sent, else the connection is cut. */
void psv_job_fail(struct psv_job *job);

/** True when somebody wants to know what this request takes: then the runtime calls psv_job_note_memory
 * before it ends the response. */
bool psv_job_wants_usage(const struct psv_job *job);
/** The most memory that the request needed so far. */
void psv_job_note_memory(struct psv_job *job, uint64_t peak_bytes);

/** True once the client has disconnected or has been answered 504: whatever is written from now on is thrown
 * away. */
bool psv_job_is_gone(const struct psv_job *job);
/** True once the request's deadline has passed. */
bool psv_job_is_overdue(const struct psv_job *job);
/** Moves the request's deadline, if it has one, to `timeout_ms` from now. */
void psv_job_extend_deadline(struct psv_job *job, uint64_t timeout_ms);
