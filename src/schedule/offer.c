// SPDX-License-Identifier: Apache-2.0
#include "offer.h"

#include "../base/error.h"

/* Time of a part in closed form, near enough to find cuts: tokens, attention that grows
 * with the square of the position, and keys on a wire that nothing hides. */
typedef struct curve {
    int64_t token, key;
    cpb_wide attention; /* per token^2, shifted */
    int64_t tokens, unit, room;
} curve;

enum { SHIFT = 32 };

static curve curve_of(const cpb_batch *batch, const cpb_job *job)
{
    const cpb_price *const price = &batch->price;
    const bool hides = price->overlap != CPB_OVERLAP_NONE;
    return (curve){
        .token = price->token,
        .key = price->received_key + (hides ? 0 : cpb_price_key(price)),
        .attention = ((cpb_wide)job->attention << SHIFT) / job->tokens / job->tokens,
        .tokens = job->tokens,
        .unit = price->tile_q,
        .room = batch->budget,
    };
}

static int64_t time_of(const curve *c, int64_t begin, int64_t end)
{
    const cpb_wide positions = (cpb_wide)(end - begin) * (end + begin);
    return c->token * (end - begin) + c->key * begin +
           (int64_t)(c->attention * positions >> SHIFT);
}

/* The least multiple of the unit from which a part up to `end` has room and takes no more
 * than `limit`. */
static int64_t begin_of(const curve *c, int64_t end, int64_t limit)
{
    int64_t low = cpb_ceil_div(cpb_max(0, end - c->room), c->unit);
    int64_t high = cpb_ceil_div(end, c->unit);
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (time_of(c, middle * c->unit, end) <= limit)
            high = middle;
        else
            low = middle + 1;
    }
    return cpb_min(low * c->unit, end);
}

/* Where the first part ends if the others take up to `limit`. The cuts, if asked for. */
static int64_t first_end(const curve *c, int32_t ranks, int64_t limit, int64_t *cut)
{
    int64_t end = c->tokens;
    for (int32_t i = ranks - 1; i > 0 && end > 0; i--) {
        end = begin_of(c, end, limit);
        if (cut)
            cut[i - 1] = end;
    }
    return end;
}

/* About the largest limit up to which the first part, filled up with whole jobs, takes as
 * long as the others; at least the least one with which it has room. */
static int64_t find_limit(const cpb_job_offers *o, const curve *c, int32_t ranks)
{
    enum { CLOSE = 128 };
    const int64_t last = time_of(c, cpb_max(0, c->tokens - c->room), c->tokens);
    int64_t low = time_of(c, 0, c->tokens) / ranks, high = cpb_max(low + 1, last);
    while (high - low > high / CLOSE + 1) {
        const int64_t middle = low + (high - low) / 2;
        const int64_t end = first_end(c, ranks, middle, NULL);
        const int64_t filled = time_of(c, 0, end) + o->filling * (c->room - end);
        *(end > c->room || filled >= middle ? &low : &high) = middle;
    }
    return high;
}

/* Into parts; false where that is not possible. */
static bool offer_parts(const cpb_job_offers *o, int64_t j, int32_t ranks,
                        cpb_job_offer *offer)
{
    const cpb_batch *const batch = o->batch;
    const cpb_job *const job = &batch->jobs[j];
    const curve c = curve_of(batch, job);
    cpb_job_part part = {.end = job->tokens, .ranks = ranks};
    int64_t filled = 0;
    *offer = (cpb_job_offer){.limit = find_limit(o, &c, ranks)};
    for (part.at = ranks - 1; part.at >= 0; part.at--) {
        part.begin = part.at ? begin_of(&c, part.end, offer->limit) : 0;
        if (part.begin >= part.end || part.end - part.begin > c.room)
            return false;
        const cpb_share share = cpb_batch_part_share(batch, job, &part);
        const int64_t time = cpb_price_time(&batch->price, &share);
        offer->time = cpb_max(offer->time, time);
        offer->keys += part.begin;
        part.end = part.begin;
        filled = cpb_min(o->filling * (c.room - share.tokens), offer->time - time);
    }
    offer->area = (cpb_wide)ranks * offer->time - filled;
    return true;
}

cpb_status cpb_offers_create(const cpb_batch *batch, int64_t n, cpb_job_offers *offers,
                             cpb_error *error)
{
    const size_t most = (size_t)n * batch->n_sizes;
    *offers = (cpb_job_offers){
        .batch = batch,
        .n = n,
        .known = cpb_arena_zeros(batch->scratch, most, sizeof *offers->known),
    };
    return offers->known ? CPB_OK : cpb_fail_memory(error);
}

static cpb_wide price_of(const cpb_job_offers *o, const cpb_job_offer *offer)
{
    return offer->area + (cpb_wide)o->key_price * offer->keys;
}

cpb_job_offer cpb_offers_get(const cpb_job_offers *o, int64_t j, size_t s)
{
    const cpb_batch *const batch = o->batch;
    const int32_t ranks = batch->sizes[s];
    const int64_t time = cpb_batch_alone(batch, j, s);
    cpb_job_offer best = {.time = time, .area = (cpb_wide)ranks * time}, parts;
    if (j >= o->n || ranks == 1)
        return best;
    cpb_job_offer *const known = &o->known[(size_t)j * batch->n_sizes + s];
    if (known->time)
        return *known;
    best.keys = cpb_price_received(batch->jobs[j].tokens, ranks);
    if (offer_parts(o, j, ranks, &parts) && price_of(o, &parts) <= price_of(o, &best))
        best = parts;
    return *known = best;
}

/* Whether the first part has at most `room` tokens and `limit` - `work` time, and some. */
static bool is_enough(const curve *c, int32_t ranks, int64_t limit, int64_t room,
                      int64_t work)
{
    const int64_t end = first_end(c, ranks, limit, NULL);
    return end > 0 && end <= room && time_of(c, 0, end) + work <= limit;
}

int64_t cpb_offer_refine(const cpb_batch *batch, int64_t j, int32_t ranks,
                         int64_t limit, const cpb_share *beside)
{
    enum { CLOSE = 2048 };
    const curve c = curve_of(batch, &batch->jobs[j]);
    const int64_t work = batch->price.token * beside->tokens + beside->attention;
    const int64_t room = c.room - beside->tokens;
    int64_t low = (time_of(&c, 0, c.tokens) + work) / ranks, high = low;
    for (int64_t step = low / CLOSE + 1;
         high < limit && !is_enough(&c, ranks, high, room, work); step *= 2) {
        low = high;
        high = cpb_min(limit, high + step);
    }
    while (high - low > high / CLOSE + 1) {
        const int64_t middle = low + (high - low) / 2;
        *(is_enough(&c, ranks, middle, room, work) ? &high : &low) = middle;
    }
    return high;
}

void cpb_offer_cut(const cpb_batch *batch, int64_t j, int32_t ranks, int64_t limit,
                   int64_t *cut)
{
    const curve c = curve_of(batch, &batch->jobs[j]);
    first_end(&c, ranks, limit, cut);
}
