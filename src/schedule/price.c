// SPDX-License-Identifier: Apache-2.0
/* Prices in closed form. Attention is counted in tiles like kernel `varlen` does it: rows
 * of tile_q queries that start anew at every piece of a document. */
#include "price.h"

#include "../base/range.h"

void cpb_price_create(const cpb_domain *domain, cpb_price *price)
{
    const cpb_setup *const setup = &domain->setup;
    *price = (cpb_price){
        .passes = setup->backward ? 2 : 1,
        .tile_q = setup->profile.tile_q,
        .tile_k = setup->profile.tile_k,
        .key_bytes = cpb_setup_key_bytes(setup),
        .net = setup->profile.net_bytes_per_us,
        .link = setup->profile.link_bytes_per_us,
        .phase = setup->profile.phase_latency,
        .peer = setup->profile.peer_latency,
        .fixed = domain->fixed,
        .token_multiple = domain->token_multiple,
        .ranks_per_node = domain->ranks_per_node > 1 ? domain->ranks_per_node : 1,
        .overlap = setup->overlap,
    };
    for (int i = 0; i < price->passes; i++) {
        price->pass[i] = cpb_setup_prices(setup, i == 1);
        price->token += price->pass[i].token;
        price->received_key += price->pass[i].received_key;
    }
}

/* Rows of tiles, and the tiles in them. */
typedef struct tiles {
    int64_t rows;
    int64_t nonempty;
    int64_t full;
} tiles;

/* Tiles of `n` rows of tile_q queries from `begin` on; one more in each row than before
 * where tiles are square and begin with the rows. */
static void count_rows(const cpb_price *price, int64_t begin, int64_t n, tiles *to)
{
    const int64_t q = price->tile_q, k = price->tile_k;
    const bool partial = price->pass[0].full_tile != price->pass[0].partial_tile ||
                         price->pass[price->passes - 1].full_tile !=
                             price->pass[price->passes - 1].partial_tile;
    to->rows += n;
    if (q == k && q > 1 && begin % q == 0) {
        to->nonempty += n * (begin / q) + n * (n + 1) / 2;
        to->full += n * (begin / q) + n * (n - 1) / 2;
        return;
    }
    to->nonempty += cpb_floor_sum(n, k, begin + q + k - 1, q);
    if (partial)
        to->full += cpb_floor_sum(n, k, begin + 1, q);
}

/* Causal queries [begin, end) over the keys [0, end), added to `to`. */
static void count_piece(const cpb_price *price, int64_t begin, int64_t end, tiles *to)
{
    const int64_t q = price->tile_q, k = price->tile_k;
    const int64_t n = (end - begin) / q;
    count_rows(price, begin, n, to);
    if (begin + n * q < end) {
        to->rows++;
        to->nonempty += cpb_ceil_div(end, k);
    }
}

/* Attention of counted tiles, every pass, for `keys` keys at hand. */
static int64_t price_tiles(const cpb_price *price, const tiles *count, int64_t keys)
{
    cpb_wide time = 0;
    for (int i = 0; i < price->passes; i++) {
        const cpb_prices *const pass = &price->pass[i];
        time += (cpb_wide)pass->partial_tile * (count->nonempty - count->full) +
                (cpb_wide)pass->full_tile * count->full +
                (cpb_wide)pass->q_tile * count->rows +
                (cpb_wide)pass->kv_tile * cpb_ceil_div(keys, price->tile_k);
    }
    return time > CPB_MAX_COST ? CPB_MAX_COST : (int64_t)time;
}

int64_t cpb_price_attention(const cpb_price *price, int64_t tokens)
{
    tiles count = {0};
    count_piece(price, 0, tokens, &count);
    return price_tiles(price, &count, tokens);
}

/* a * b / c; in 64 bits where they are enough, which is several times as fast. */
static cpb_wide share_of(int64_t a, int64_t b, int64_t c)
{
    int64_t product;
    if (!__builtin_mul_overflow(a, b, &product))
        return product / c;
    return (cpb_wide)a * b / c;
}

/* Picoseconds to move `keys` keys, every pass: the backward pass moves their gradients
 * back. */
static int64_t move_time(const cpb_price *price, int64_t keys, int64_t rate)
{
    const cpb_wide time =
        rate ? share_of(keys, price->key_bytes * 1000000, rate) * price->passes : 0;
    return time > CPB_MAX_COST ? CPB_MAX_COST : (int64_t)time;
}

/* The fewest ranks of a group in one of the nodes it touches: that node's card takes in
 * most. */
static int32_t fewest_in_node(int32_t per_node, int32_t first, int32_t ranks)
{
    const int32_t head = per_node - first % per_node;
    const int32_t tail = (first + ranks - 1) % per_node + 1;
    return (int32_t)cpb_min(ranks, cpb_min(head, tail));
}

/* A rank with a card of its own takes in everything through it. Otherwise a key enters a
 * node once, through its card, and reaches a rank over the rank's link. */
static int64_t wire_time(const cpb_price *price, int64_t tokens, int64_t received,
                         int32_t first, int32_t ranks)
{
    const int32_t per_node = price->ranks_per_node;
    const int64_t latency = (price->phase + price->peer * (ranks - 1)) * price->passes;
    if (per_node == 1)
        return latency + move_time(price, received, price->net);
    const int64_t inside = move_time(price, received, price->link);
    const int32_t fewest = fewest_in_node(per_node, first, ranks);
    if (fewest == ranks)
        return latency + inside;
    const int64_t remote = tokens - fewest * tokens / ranks;
    return latency + cpb_max(inside, move_time(price, remote, price->net));
}

cpb_share cpb_price_share(const cpb_price *price, int64_t tokens, int64_t whole,
                          bool given, int32_t first, int32_t ranks)
{
    if (ranks == 1)
        return (cpb_share){.tokens = tokens, .attention = whole, .own = whole};
    const int64_t held = cpb_ceil_div(tokens, ranks);
    const int64_t received = tokens - tokens / ranks;
    cpb_share share = {
        .tokens = held,
        .received = received,
        .attention = cpb_ceil_div(whole, ranks),
        .wire = wire_time(price, tokens, received, first, ranks),
    };
    if (!given) {
        const int64_t head = cpb_ceil_div(held, 2);
        tiles count = {0};
        count_piece(price, 0, head, &count);
        count_piece(price, tokens - (held - head), tokens, &count);
        share.attention = cpb_max(share.attention, price_tiles(price, &count, tokens));
    }
    share.own = share.attention / ranks;
    return share;
}

/* Attention of the queries [0, end) alone. */
static int64_t attention_before(const cpb_price *price, int64_t tokens, int64_t whole,
                                bool given, int64_t end)
{
    if (end == tokens)
        return whole;
    return given ? (int64_t)((cpb_wide)whole * end / tokens * end / tokens)
                 : cpb_price_attention(price, end);
}

/* Rows that start at a multiple of tile_q are rows of the whole document, so nothing needs
 * to be added to make the parts sum to the whole. */
static int64_t part_attention(const cpb_price *price, int64_t tokens, int64_t whole,
                              bool given, const cpb_job_part *part)
{
    tiles count = {0};
    int64_t rows = 0;
    if (!given) {
        count_piece(price, part->begin, part->end, &count);
        rows = price_tiles(price, &count, part->end);
        if (part->begin % price->tile_q == 0)
            return rows;
    }
    return cpb_max(rows,
                   attention_before(price, tokens, whole, given, part->end) -
                       attention_before(price, tokens, whole, given, part->begin));
}

/* Keys before a part come from the ranks before it. Where those are in other nodes, the
 * card takes them in once for all ranks of the node that share the document; the part of
 * the card that is counted is theirs, so that no card is busier than the ranks' mean. */
static int64_t part_wire(const cpb_price *price, const cpb_job_part *part)
{
    const int32_t per_node = price->ranks_per_node;
    const int64_t latency = (price->phase + price->peer * part->at) * price->passes;
    if (per_node == 1)
        return latency + move_time(price, part->begin, price->net);
    const int64_t inside = move_time(price, part->begin, price->link);
    const int32_t rank = part->first + part->at;
    const int32_t node = rank - rank % per_node;
    const int32_t end = (int32_t)cpb_min(node + per_node, part->first + part->ranks);
    if (part->first >= node)
        return latency + inside;
    const cpb_wide remote =
        (cpb_wide)move_time(price, part->begin, price->net) * per_node / (end - node);
    return latency +
           cpb_max(inside, remote < CPB_MAX_COST ? (int64_t)remote : CPB_MAX_COST);
}

cpb_share cpb_price_part(const cpb_price *price, int64_t tokens, int64_t whole,
                         bool given, const cpb_job_part *part)
{
    const int64_t held = part->end - part->begin;
    cpb_share share = {
        .tokens = held,
        .received = part->begin,
        .attention = part_attention(price, tokens, whole, given, part),
    };
    if (price->overlap == CPB_OVERLAP_TWO_STAGE)
        share.own = (int64_t)share_of(share.attention, held, part->begin + part->end);
    if (part->begin)
        share.wire = part_wire(price, part);
    return share;
}

int64_t cpb_price_key(const cpb_price *price)
{
    return move_time(price, 1, price->ranks_per_node > 1 ? price->link : price->net);
}

/* Every overlap leaves the time on the wire; one picosecond a pass is what it may be
 * rounded down by. */
int64_t cpb_price_least(const cpb_price *price, int64_t tokens, int64_t received,
                        int64_t ranks)
{
    const int64_t rate = price->ranks_per_node > 1 ? price->link : price->net;
    const int64_t latency = (price->phase + price->peer * (ranks - 1)) * price->passes;
    const int64_t wire = move_time(price, received, rate);
    return price->fixed + price->token * tokens + price->received_key * received +
           latency + wire - price->passes;
}

int64_t cpb_price_time(const cpb_price *price, const cpb_share *share)
{
    if (!share->tokens)
        return 0;
    const int64_t multiple = price->token_multiple;
    const int64_t padded = multiple == 1
                               ? share->tokens
                               : cpb_ceil_div(share->tokens, multiple) * multiple;
    const int64_t attention = share->attention, wire = share->wire;
    int64_t time =
        price->fixed + price->token * padded + price->received_key * share->received;
    switch (price->overlap) {
    case CPB_OVERLAP_NONE:
        time += attention + wire;
        break;
    case CPB_OVERLAP_TWO_STAGE:
        time += cpb_max(share->own, wire) + attention - share->own;
        break;
    case CPB_OVERLAP_IDEAL:
        time += cpb_max(attention, wire);
        break;
    }
    return time;
}

int64_t cpb_price_received(int64_t tokens, int32_t ranks)
{
    int64_t received = 0, heads = 0, reach = tokens;
    for (int32_t i = 0; i < ranks; i++) {
        const int64_t held = cpb_price_tokens(tokens, ranks, i);
        const int64_t tail = held / 2;
        heads += held - tail;
        received += (tail ? reach : held ? heads : 0) - held;
        reach -= tail;
    }
    return received;
}
