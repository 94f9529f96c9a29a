// SPDX-License-Identifier: Apache-2.0
/* What a document costs on p ranks: the model of docs/schedule.md, in picoseconds. */
#ifndef CPB_SRC_SCHEDULE_PRICE_H
#define CPB_SRC_SCHEDULE_PRICE_H

#include "../work/work.h"

#include <cpb/schedule.h>

/* Nothing that is summed over a step may exceed this. */
#define CPB_MAX_STEP (INT64_C(1) << 58)

/* The numbers behind every price. */
typedef struct cpb_price {
    cpb_prices pass[2]; /* forward, backward */
    int passes;
    int64_t tile_q, tile_k;
    int64_t token, received_key; /* of all passes */
    int64_t key_bytes;
    int64_t net, link; /* bytes per us, 0: free */
    int64_t phase, peer;
    int64_t fixed;
    int64_t token_multiple;
    int32_t ranks_per_node;
    cpb_overlap overlap;
} cpb_price;

/* What one rank does for a document, or for all its documents of a micro-batch. */
typedef struct cpb_share {
    int64_t tokens;
    int64_t received; /* keys */
    int64_t attention;
    int64_t own; /* attention that needs no received key, where overlap asks for it */
    int64_t wire;
} cpb_share;

void cpb_price_create(const cpb_domain *domain, cpb_price *price);

/* Attention of a whole document on one rank, clipped at CPB_MAX_COST. O(log). */
int64_t cpb_price_attention(const cpb_price *price, int64_t tokens);

/* The share of one of `ranks` ranks from `first` on. All shares of a document are taken
 * for that of its first rank, which receives most. `whole` is the attention of the
 * document on one rank, `given` that the caller stated it. O(log). */
cpb_share cpb_price_share(const cpb_price *price, int64_t tokens, int64_t whole,
                          bool given, int32_t first, int32_t ranks);

/* A piece [begin, end) of a document that is cut at any place: on the `at`-th of `ranks`
 * ranks from `first` on, which receives the keys before it from the ranks before it. */
typedef struct cpb_job_part {
    int64_t begin, end;
    int32_t first, ranks, at;
} cpb_job_part;

/* The share of the rank that holds `part`. The attention of the parts of a document sums
 * to `whole` at least. O(log). */
cpb_share cpb_price_part(const cpb_price *price, int64_t tokens, int64_t whole,
                         bool given, const cpb_job_part *part);

/* No rank takes less that has `tokens` tokens and receives `received` keys of a document
 * on `ranks` ranks or more; a lower limit that is linear in both. O(1). */
int64_t cpb_price_least(const cpb_price *price, int64_t tokens, int64_t received,
                        int64_t ranks);

/* Picoseconds that a key takes on the wire of a rank, every pass, rounded down. */
int64_t cpb_price_key(const cpb_price *price);

/* Time of a rank that holds `share` in a micro-batch; 0 if it holds nothing. */
int64_t cpb_price_time(const cpb_price *price, const cpb_share *share);

/* Keys that the ranks of a document receive altogether. O(ranks). */
int64_t cpb_price_received(int64_t tokens, int32_t ranks);

/* Tokens of the i-th of `ranks` ranks: they differ by at most one. */
static inline int64_t cpb_price_tokens(int64_t tokens, int32_t ranks, int32_t i)
{
    return (i + 1) * tokens / ranks - i * tokens / ranks;
}

static inline void cpb_share_add(cpb_share *to, const cpb_share *share, int sign)
{
    to->tokens += sign * share->tokens;
    to->received += sign * share->received;
    to->attention += sign * share->attention;
    to->own += sign * share->own;
    to->wire += sign * share->wire;
}

#endif
