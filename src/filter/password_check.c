/* See password_check.h.
 *
 * SPDX-License-Identifier: MIT */
#include "password_check.h"

#include <crypt.h>
#include <string.h>

#include "base/assert.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/siphash.h"
#include "http/basic_credentials.h"
#include "http/htpasswd.h"
#include "os/clock.h"

/* Under way in all, waiting ones included. */
#define CHECKS_MAX 64
/* Of one client: one runs, the others wait. */
#define CHECKS_OF_CLIENT_MAX 4
#define STACK_BYTES ((size_t)128 << 10)
#define STOP_NS (UINT64_C(2) * PSV_NS_PER_S)

/* Remembered passwords: sets of 4. */
#define SETS 256
#define SET_SLOTS 4
#define REMEMBERED_NS (UINT64_C(300) * PSV_NS_PER_S)

#define KEY_TEXT_MAX                                                                                         \
    (1 + PSV_PASSWORD_HASHES_MAX * PSV_HTPASSWD_HASH_BYTES_MAX + PSV_BASIC_USER_MAX + 1 +                    \
     PSV_BASIC_PASSWORD_MAX + 1)

struct key {
    uint64_t words[2];
};

struct slot {
    struct key key;
    uint64_t until_ns; /* 0 = free */
};

struct psv_password_memory {
    struct slot slots[SETS][SET_SLOTS];
};

struct psv_password_check {
    struct psv_list link;    /* in checker->checks */
    struct psv_list waiters; /* struct psv_password_waiter */
    struct key key;
    struct psv_ip client;
    bool is_handed_over; /* else it waits for another one of its client */
    bool is_known;
    bool is_right; /* written by the thread, read after done */
    const char *hashes[PSV_PASSWORD_HASHES_MAX];
    unsigned hashes_len;
    char password[PSV_BASIC_PASSWORD_MAX + 1];
};

/* ---- the threads */

/* Takes the same time wherever the texts differ. */
static bool is_same(const char *a, const char *b)
{
    size_t len = strlen(a);
    unsigned char difference = 0;

    if (strlen(b) != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        difference = (unsigned char)(difference | (a[i] ^ b[i]));
    }
    return difference == 0;
}

/* All hashes are tried, so that the time does not tell which one failed. */
static void check(const struct psv_password_checker *checker, struct psv_password_check *check,
                  struct crypt_data *data)
{
    bool is_right = check->is_known;

    for (unsigned i = 0; i < check->hashes_len && !atomic_load(&checker->is_stopping); i++) {
        const char *made = crypt_r(check->password, check->hashes[i], data);
        is_right &= made != NULL && is_same(made, check->hashes[i]);
    }
    check->is_right = is_right && !atomic_load(&checker->is_stopping);
    explicit_bzero(check->password, sizeof(check->password));
    explicit_bzero(data, sizeof(*data));
}

static void run(void *context)
{
    struct psv_password_checker *checker = context;
    struct crypt_data *data = psv_calloc_or_die(1, sizeof(*data));

    psv_thread_yield_to_others(); /* guesses cost spare time */
    for (;;) {
        uint32_t word = atomic_load(&checker->word);
        struct psv_password_check *next = psv_ring_pop(&checker->todo);
        if (next != NULL) {
            check(checker, next, data);
            /* it holds all checks there can be, and only the loop takes them out and makes new ones */
            INVARIANT(psv_ring_push(&checker->done, next) == PSV_OK);
            psv_notifier_notify(&checker->notifier);
        } else if (atomic_load(&checker->is_stopping)) {
            break;
        } else {
            (void)psv_futex_wait(&checker->word, word, 0);
        }
    }
    psv_free(data);
}

static void wake(struct psv_password_checker *checker, uint32_t count)
{
    atomic_fetch_add(&checker->word, 1);
    psv_futex_wake(&checker->word, count);
}

/* ---- the memory */

/* 128 bits by two keys of this process: nobody meets a remembered one by chance. */
static struct key key_of(const struct psv_password_checker *checker,
                         const struct psv_password_question *question)
{
    /* each text ends with a NUL, which none contains */
    char text[KEY_TEXT_MAX];
    size_t len = 0;
    struct psv_bytes parts[PSV_PASSWORD_HASHES_MAX + 2];
    unsigned parts_len = 0;

    for (unsigned i = 0; i < question->hashes_len; i++) {
        parts[parts_len++] = psv_bytes_of(question->hashes[i]);
    }
    parts[parts_len++] = question->user;
    parts[parts_len++] = question->password;
    text[len++] = (char)question->is_known;
    for (unsigned i = 0; i < parts_len; i++) {
        INVARIANT(parts[i].len < sizeof(text) - len); /* with its NUL it fits */
        if (parts[i].len > 0) {
            memcpy(text + len, parts[i].data, parts[i].len);
        }
        len += parts[i].len;
        text[len++] = '\0';
    }
    struct psv_bytes whole = {text, len};
    struct key key = {{psv_siphash(checker->keys[0], whole), psv_siphash(checker->keys[1], whole)}};
    explicit_bzero(text, sizeof(text));
    return key;
}

static bool is_same_key(const struct key *a, const struct key *b)
{
    return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

static bool is_remembered(const struct psv_password_memory *memory, const struct key *key, uint64_t now_ns)
{
    const struct slot *set = memory->slots[key->words[0] % SETS];

    for (unsigned i = 0; i < SET_SLOTS; i++) {
        if (is_same_key(&set[i].key, key) && set[i].until_ns > now_ns) {
            return true;
        }
    }
    return false;
}

/* In the place of the one that would be forgotten first. */
static void remember(struct psv_password_memory *memory, const struct key *key, uint64_t now_ns)
{
    struct slot *set = memory->slots[key->words[0] % SETS];
    struct slot *oldest = set;

    for (unsigned i = 1; i < SET_SLOTS; i++) {
        oldest = set[i].until_ns < oldest->until_ns ? &set[i] : oldest;
    }
    *oldest = (struct slot){*key, now_ns + REMEMBERED_NS};
}

/* ---- the loop */

static bool is_of_client(const struct psv_password_check *check, const struct psv_ip *client)
{
    return psv_bytes_equal(psv_ip_client(&check->client), psv_ip_client(client));
}

/* In vain when a thread was interrupted while it took one out of the same place (base/ring.h): that one's end
 * is the next occasion. */
static void hand_over(struct psv_password_checker *checker, struct psv_password_check *check)
{
    if (psv_ring_push(&checker->todo, check) == PSV_OK) {
        check->is_handed_over = true;
        wake(checker, 1);
    }
}

static bool has_running(const struct psv_password_checker *checker, const struct psv_ip *client)
{
    PSV_LIST_FOR_EACH(node, &checker->checks)
    {
        const struct psv_password_check *other = PSV_LIST_ENTRY(node, struct psv_password_check, link);
        if (other->is_handed_over && is_of_client(other, client)) {
            return true;
        }
    }
    return false;
}

/* Of each client one, oldest first. */
static void hand_over_waiting(struct psv_password_checker *checker)
{
    PSV_LIST_FOR_EACH(node, &checker->checks)
    {
        struct psv_password_check *next = PSV_LIST_ENTRY(node, struct psv_password_check, link);
        if (!next->is_handed_over && !has_running(checker, &next->client)) {
            hand_over(checker, next);
        }
    }
}

static struct psv_password_check *new_check(struct psv_password_checker *checker, const struct key *key,
                                            const struct psv_password_question *question)
{
    struct psv_password_check *check = psv_calloc(1, sizeof(*check));

    if (check == NULL) {
        return NULL;
    }
    INVARIANT(question->password.len < sizeof(check->password));
    check->key = *key;
    check->client = question->client;
    check->is_known = question->is_known;
    check->hashes_len = question->hashes_len;
    memcpy(check->hashes, question->hashes, sizeof(check->hashes));
    if (question->password.len > 0) {
        memcpy(check->password, question->password.data, question->password.len);
    }
    psv_list_init(&check->waiters);
    psv_list_append(&checker->checks, &check->link);
    checker->checks_len++;
    return check;
}

enum psv_password_answer psv_password_checker_ask(struct psv_password_checker *checker,
                                                  const struct psv_password_question *question,
                                                  uint64_t now_ns, struct psv_password_waiter *waiter)
{
    struct key key = key_of(checker, question);
    unsigned of_client = 0;

    if (is_remembered(checker->memory, &key, now_ns)) {
        return PSV_PASSWORD_RIGHT;
    }
    PSV_LIST_FOR_EACH(node, &checker->checks)
    {
        struct psv_password_check *other = PSV_LIST_ENTRY(node, struct psv_password_check, link);
        if (is_same_key(&other->key, &key)) {
            psv_list_append(&other->waiters, &waiter->link);
            return PSV_PASSWORD_WAIT;
        }
        of_client += is_of_client(other, &question->client);
    }
    if (of_client >= CHECKS_OF_CLIENT_MAX) {
        return PSV_PASSWORD_CLIENT_BUSY;
    }
    struct psv_password_check *check =
        checker->checks_len < CHECKS_MAX ? new_check(checker, &key, question) : NULL;
    if (check == NULL) {
        return PSV_PASSWORD_BUSY;
    }
    psv_list_append(&check->waiters, &waiter->link);
    if (of_client == 0) {
        hand_over(checker, check);
    }
    return PSV_PASSWORD_WAIT;
}

static void free_check(struct psv_password_checker *checker, struct psv_password_check *check)
{
    psv_list_remove(&check->link);
    checker->checks_len--;
    explicit_bzero(check, sizeof(*check));
    psv_free(check);
}

/* A waiter may end its own request, others', and ask anew: the check is out of everything before they hear.
 */
static void finish(struct psv_password_checker *checker, struct psv_password_check *check, uint64_t now_ns)
{
    struct psv_list waiters;
    struct psv_list *node;
    bool is_right = check->is_right;

    if (is_right) {
        remember(checker->memory, &check->key, now_ns);
    }
    psv_list_init(&waiters);
    while ((node = psv_list_first(&check->waiters)) != NULL) {
        psv_list_remove(node);
        psv_list_append(&waiters, node);
    }
    free_check(checker, check);
    while ((node = psv_list_first(&waiters)) != NULL) {
        struct psv_password_waiter *waiter = PSV_LIST_ENTRY(node, struct psv_password_waiter, link);
        psv_list_remove(node);
        waiter->on_answer(waiter, is_right);
    }
}

void psv_password_checker_collect(struct psv_password_checker *checker, uint64_t now_ns)
{
    struct psv_password_check *check;

    psv_notifier_clear(&checker->notifier);
    while ((check = psv_ring_pop(&checker->done)) != NULL) {
        finish(checker, check, now_ns);
    }
    hand_over_waiting(checker);
}

/* ---- boot and end */

static int start_threads(struct psv_password_checker *checker, struct psv_error *reterr)
{
    const struct psv_thread_options options = {
        .name = "password", .stack_bytes = STACK_BYTES, .function = run, .argument = checker};

    for (unsigned i = 0; i < PSV_PASSWORD_THREADS; i++) {
        int code = psv_thread_start(&checker->threads[i], &options, reterr);
        if (code != PSV_OK) {
            return code;
        }
        checker->threads_len++;
    }
    return PSV_OK;
}

int psv_password_checker_start(struct psv_password_checker *checker, struct psv_error *reterr)
{
    *checker = (struct psv_password_checker){.notifier.fd = -1};
    psv_list_init(&checker->checks);
    psv_random_fill(checker->keys, sizeof(checker->keys));
    checker->memory = psv_calloc(1, sizeof(*checker->memory));
    if (checker->memory == NULL || psv_ring_init(&checker->todo, CHECKS_MAX) != PSV_OK ||
        psv_ring_init(&checker->done, CHECKS_MAX) != PSV_OK ||
        psv_notifier_init(&checker->notifier) != PSV_OK) {
        psv_password_checker_fini(checker);
        return psv_error_set(reterr, PSV_ENOMEM, "no memory or descriptor to check passwords with");
    }
    int code = start_threads(checker, reterr);
    if (code != PSV_OK && psv_password_checker_stop(checker) == PSV_OK) {
        psv_password_checker_fini(checker);
    }
    return code;
}

int psv_password_checker_stop(struct psv_password_checker *checker)
{
    uint64_t deadline_ns = psv_clock_monotonic_ns() + STOP_NS;
    int code = PSV_OK;

    atomic_store(&checker->is_stopping, true);
    wake(checker, PSV_PASSWORD_THREADS);
    for (unsigned i = 0; i < checker->threads_len; i++) {
        if (psv_thread_join(&checker->threads[i], deadline_ns) != PSV_OK) {
            psv_thread_abandon(&checker->threads[i]);
            code = PSV_ETIMEOUT;
        }
    }
    checker->threads_len = 0;
    return code;
}

void psv_password_checker_fini(struct psv_password_checker *checker)
{
    PSV_LIST_FOR_EACH(node, &checker->checks)
    {
        free_check(checker, PSV_LIST_ENTRY(node, struct psv_password_check, link));
    }
    psv_ring_fini(&checker->todo);
    psv_ring_fini(&checker->done);
    psv_notifier_fini(&checker->notifier);
    checker->memory = psv_free(checker->memory);
}
