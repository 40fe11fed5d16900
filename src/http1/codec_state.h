/* State of one HTTP/1 connection, shared by codec.c (reading, the order of things) and codec_respond.c
 * (sending).  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "http1/config.h"
#include "http1/parse.h"
#include "http1/write.h"
#include "net/connection.h"
#include "net/loop.h"

enum psv_h1_state {
    PSV_H1_IDLE, /* between requests */
    PSV_H1_READ_HEAD,
    PSV_H1_READ_BODY,  /* kept, or dropped because the answer does not need it */
    PSV_H1_RESPONDING, /* the request is complete, its response is not */
    PSV_H1_LINGER,     /* all is said; bytes of the peer are thrown away until it closes */
};

#define PSV_H1_MAGIC 0x68317631u

struct psv_h1 {
    unsigned magic;
    enum psv_h1_state state;
    struct psv_connection *connection;
    struct psv_h1_config *config;
    struct psv_exchange *exchange; /* NULL in IDLE and LINGER */
    struct psv_h1_parser parser;
    struct psv_buffer leftover;  /* bytes that arrived before their turn */
    struct psv_loop_task task;   /* goes on with leftover in the next turn */
    enum psv_h1_framing framing; /* of the response */
    size_t input_left;           /* bytes of the peer that wait for their turn */
    uint64_t body_left;          /* with FRAMING_LENGTH: bytes still owed */
    bool is_advancing;
    bool is_closed; /* on_close came while advancing */
    bool is_gone;   /* sending failed: close at the next chance */
    bool head_is_sent;
    bool is_response_complete; /* all pieces have been handed to the connection */
    bool closes;               /* the connection ends after this response */
    bool has_progress;         /* bytes moved since the timer was set */
};

extern const struct psv_exchange_codec psv_h1_exchange_codec;

/** Goes on wherever something can go on; the only place where exchanges end. */
void psv_h1_advance(struct psv_h1 *h1);

/** The 503 for a client for whom there is no connection left; returns its length.  [loop] */
size_t psv_h1_format_overload(struct psv_service *service, unsigned status, char *out, size_t out_size);
