/* Turns bytes into one request: llhttp under our own limits and the rules that llhttp leaves to the server.
 * Knows no connection and answers nobody: the codec does.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "exec/exchange.h"
#include "http1/config.h"

enum psv_h1_parse_event {
    PSV_H1_NEEDS_MORE, /* all input was taken */
    PSV_H1_HEAD,       /* the head is complete and valid; call again for the body */
    PSV_H1_REQUEST,    /* the request is complete */
    PSV_H1_ERROR,      /* parser->refusal_status tells what to answer; the connection must close */
};

struct psv_h1_parser {
    llhttp_t llhttp; /* once has_line */
    const struct psv_h1_config *config;
    struct psv_exchange *exchange; /* being filled; NULL before the first byte of a request */
    struct psv_bytes name;         /* field being read, on the exchange's arena */
    enum psv_field_id field_id;    /* its name's, once that is complete */
    struct psv_bytes value;
    struct psv_bytes line; /* beginning of a request line that came in pieces, on the arena */
    bool has_line;         /* the request line is read; llhttp reads the rest */
    bool in_framing_value; /* within the value of Content-Length or Transfer-Encoding */
    char *field_end;       /* where the name of that field ended in this input */
    char *input_end;
    bool in_body;    /* past the head: fields are trailers now */
    bool keeps_body; /* append to exchange->body; else drop */
    bool wants_keep_alive;
    bool expects_continue;
    unsigned refusal_status;
    const char *refusal_reason; /* static */
    size_t header_bytes;        /* of the head as received; then of trailers and chunk extensions */
    unsigned empty_lines;       /* before the request line */
    uint64_t body_bytes;
};

/** Ready for the next request; the parser's memory may be fresh or used.  exchange is set later by
 * psv_h1_parser_begin. */
void psv_h1_parser_reset(struct psv_h1_parser *parser, const struct psv_h1_config *config);
/** Skips empty lines before a request (RFC 9112 2.2).  Returns bytes skipped; *ret_status != 0 when there are
 * too many. */
size_t psv_h1_parser_skip_empty_lines(struct psv_h1_parser *parser, const char *data, size_t len,
                                      unsigned *ret_status);
void psv_h1_parser_begin(struct psv_h1_parser *parser, struct psv_exchange *exchange);

/** Takes input up to the next event; *ret_used tells how much.  The input may be changed (blanks only). */
enum psv_h1_parse_event psv_h1_parser_feed(struct psv_h1_parser *parser, char *data, size_t len,
                                           size_t *ret_used);
