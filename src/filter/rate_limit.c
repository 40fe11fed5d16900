/* See rate_limit.h.
 *
 * SPDX-License-Identifier: MIT */
#include "rate_limit.h"

#include <string.h>

#include "base/assert.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text_parse.h"

#define SET_SLOTS 8
#define NS_PER_S UINT64_C(1000000000)

struct psv_rate_slot {
    uint64_t key;    /* 0 = free */
    uint64_t due_ns; /* when the key owes nothing any more: the "theoretical arrival time" */
};

_Static_assert(SET_SLOTS * sizeof(struct psv_rate_slot) == 2 * CACHE_LINE_BYTES, "a set is two cache lines");

/* ---- "100/s" */

static bool parse_unit(struct psv_bytes text, uint64_t *ret_ns)
{
    static const struct {
        char letter;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};

    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (text.len == 1 && text.data[0] == units[i].letter) {
            *ret_ns = units[i].seconds * NS_PER_S;
            return true;
        }
    }
    return false;
}

int psv_rate_parse(struct psv_bytes text, struct psv_rate *ret_rate)
{
    size_t slash = psv_bytes_find(text, '/');
    struct psv_bytes unit = psv_bytes_from(text, slash + 1);
    uint64_t count;
    uint64_t times = 1;
    uint64_t unit_ns;

    if (slash >= text.len || unit.len == 0 || psv_parse_u64(psv_bytes_first(text, slash), &count) != 0 ||
        count == 0) {
        return PSV_ESYNTAX;
    }
    if (unit.len > 1 &&
        (psv_parse_u64(psv_bytes_first(unit, unit.len - 1), &times) != 0 || times == 0 || times > 86400)) {
        return PSV_ESYNTAX;
    }
    if (!parse_unit(psv_bytes_from(unit, unit.len - 1), &unit_ns) || count > unit_ns) {
        return PSV_ESYNTAX;
    }
    ret_rate->count = count;
    ret_rate->period_ns = times * unit_ns;
    return PSV_OK;
}

/* ---- the table */

int psv_rate_limit_init(struct psv_rate_limit *limit, const struct psv_rate *rate, size_t memory_bytes)
{
    size_t sets = 1;

    while (sets * 2 * SET_SLOTS * sizeof(struct psv_rate_slot) <= memory_bytes) {
        sets *= 2;
    }
    *limit = (struct psv_rate_limit){
        .slots = psv_calloc_aligned(CACHE_LINE_BYTES, sets * SET_SLOTS * sizeof(*limit->slots)),
        .sets_mask = sets - 1,
        .interval_ns = rate->period_ns / rate->count,
        .tolerance_ns = (rate->burst - 1) * (rate->period_ns / rate->count),
    };
    psv_random_fill(limit->secret, sizeof(limit->secret));
    return limit->slots != NULL ? PSV_OK : PSV_ENOMEM;
}

void psv_rate_limit_fini(struct psv_rate_limit *limit)
{
    psv_free(limit->slots);
    limit->slots = NULL;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Keyed, so that nobody can choose addresses of one set; 64 bits, so that two clients never share a key in
 * practice. */
static uint64_t hash(const struct psv_rate_limit *limit, struct psv_bytes key)
{
    uint64_t state = mix(limit->secret[0] ^ key.len, limit->secret[1]);

    for (size_t i = 0; i < key.len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, key.data + i, MIN(key.len - i, sizeof(word)));
        state = mix(state ^ word, limit->secret[1] ^ (i + 1));
    }
    return MAX(mix(state, limit->secret[0] | 1), 1u);
}

/* The key's slot, or the one that it gets: a free one, else that of who owes least. */
static struct psv_rate_slot *find_slot(struct psv_rate_limit *limit, uint64_t key, uint64_t now_ns)
{
    struct psv_rate_slot *set = &limit->slots[(key & limit->sets_mask) * SET_SLOTS];
    struct psv_rate_slot *least = set;

    for (size_t i = 0; i < SET_SLOTS; i++) {
        if (set[i].key == key) {
            return &set[i];
        }
        if (set[i].due_ns < least->due_ns) {
            least = &set[i]; /* a free one's is 0 */
        }
    }
    limit->evictions += least->due_ns > now_ns;
    *least = (struct psv_rate_slot){.key = key};
    return least;
}

uint64_t psv_rate_limit_take(struct psv_rate_limit *limit, struct psv_bytes key, uint64_t now_ns)
{
    struct psv_rate_slot *slot = find_slot(limit, hash(limit, key), now_ns);
    uint64_t due_ns = MAX(slot->due_ns, now_ns);

    if (due_ns - now_ns > limit->tolerance_ns) {
        return due_ns - now_ns - limit->tolerance_ns;
    }
    slot->due_ns = due_ns + limit->interval_ns;
    return 0;
}
