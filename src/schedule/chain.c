// SPDX-License-Identifier: Apache-2.0
#include "chain.h"

#include "../base/error.h"

cpb_status cpb_chain_create(const cpb_batch *batch, int32_t width, cpb_chain *chain,
                            cpb_error *error)
{
    const int64_t most_cuts =
        4 * (batch->tokens / batch->budget + 2 * batch->domain->ranks);
    const cpb_price *const price = &batch->price;
    cpb_arena *const arena = batch->scratch;
    const size_t ranks = (size_t)width;
    *chain = (cpb_chain){
        .batch = batch,
        .most = INT64_MAX,
        .unit = price->tile_q,
        .place = cpb_arena_zeros(arena, (size_t)batch->n, sizeof *chain->place),
        .cuts = cpb_arena_take(arena, (size_t)most_cuts, sizeof *chain->cuts),
        .most_cuts = most_cuts,
        .front = {.cut = cpb_arena_take(arena, ranks, sizeof *chain->front.cut)},
        .back = {.cut = cpb_arena_take(arena, ranks, sizeof *chain->back.cut)},
    };
    if (!chain->place || !chain->cuts || !chain->front.cut || !chain->back.cut)
        return cpb_fail_memory(error);
    const int64_t rate = price->ranks_per_node > 1 ? price->link : price->net;
    const int64_t tile = price->pass[0].partial_tile;
    if (rate && tile)
        chain->hidden =
            price->key_bytes * 1000000 / rate * price->tile_q * price->tile_k / tile;
    return CPB_OK;
}

static const cpb_job *job_at(const cpb_chain *c, const cpb_chain_end *end)
{
    return &c->batch->jobs[c->list[end->at]];
}

static bool is_done(const cpb_chain *c)
{
    return c->front.at > c->back.at;
}

/* A job that both ends have reached belongs to the one that began it, else to the
 * front. */
static bool has_front(const cpb_chain *c)
{
    return c->front.at < c->back.at || (c->front.at == c->back.at && !c->back.done);
}

static bool has_back(const cpb_chain *c)
{
    return c->front.at < c->back.at || (c->front.at == c->back.at && c->back.done);
}

/* The part of the next job of `end` up to `to`. */
static cpb_share share_of(const cpb_chain *c, const cpb_chain_end *end, int64_t to)
{
    const int32_t j = c->list[end->at];
    const cpb_job *const job = &c->batch->jobs[j];
    if (!end->done && to == job->tokens)
        return (cpb_share){
            .tokens = job->tokens, .attention = job->attention, .own = job->attention};
    const int32_t at = end->done ? c->place[j].ranks : 0;
    const cpb_job_part part = {end->done, to, c->place[j].first, at + 1, at};
    return cpb_batch_part_share(c->batch, job, &part);
}

/* Time of the rank at hand with the next job of `end` up to `to`, INT64_MAX where it has no
 * room for it. */
static int64_t time_with(const cpb_chain *c, const cpb_chain_end *end, int64_t to)
{
    cpb_share share = share_of(c, end, to);
    cpb_share_add(&share, &c->load, 1);
    return share.tokens <= c->batch->budget ? cpb_price_time(&c->batch->price, &share)
                                            : INT64_MAX;
}

/* The most units, more than `low` and less than `high`, up to which the
 * next job of `end` can be placed, else `low`. Times grow nearly evenly with the units, so
 * the next ones to try are where a line meets the limit. */
static int64_t most_units(const cpb_chain *c, const cpb_chain_end *end, int64_t low,
                          int64_t high)
{
    const int64_t unit = c->unit, limit = c->limit;
    int64_t low_time = cpb_price_time(&c->batch->price, &c->load), high_time = 0;
    while (high - low > 1) {
        int64_t at = low + (high - low) / 2;
        if (high_time > limit && high_time < INT64_MAX && low_time < limit)
            at = low + (int64_t)((cpb_wide)(limit - low_time) * (high - low) /
                                 (high_time - low_time));
        else if (!high_time)
            at = high - 1;
        at = cpb_max(low + 1, cpb_min(at, high - 1));
        const int64_t time = time_with(c, end, at * unit);
        if (time <= limit) {
            low = at;
            low_time = time;
        } else {
            high = at;
            high_time = time;
        }
    }
    return low;
}

/* What the keys of the rest cost if the next job of `end` is cut at `to`, as far as its
 * own attention does not hide them. */
static int64_t cost_of_keys(const cpb_chain *c, const cpb_chain_end *end, int64_t to)
{
    const cpb_job *const job = job_at(c, end);
    const int32_t at = end->done ? c->place[c->list[end->at]].ranks + 1 : 1;
    const cpb_job_part rest = {to, job->tokens, c->first, at + 1, at};
    cpb_share share = cpb_batch_part_share(c->batch, job, &rest);
    const int64_t time = cpb_price_time(&c->batch->price, &share);
    share.received = share.wire = 0;
    return time - cpb_price_time(&c->batch->price, &share);
}

/* How far the next job of `end` can be placed: all of it, or up to a multiple of the unit.
 * Less is placed, so that what is left over hides its keys, if that costs less than the
 * time that the rank then leaves unused. */
static int64_t reach(const cpb_chain *c, const cpb_chain_end *end)
{
    const int64_t tokens = job_at(c, end)->tokens, unit = c->unit;
    const int64_t room = end->done + c->batch->budget - c->load.tokens;
    if (time_with(c, end, tokens) <= c->limit)
        return tokens;
    const int64_t most = unit * most_units(c, end, end->done / unit,
                                           cpb_min(tokens - 1, room) / unit + 1);
    const int64_t wanted = (tokens - c->hidden) / unit * unit;
    if (wanted <= end->done || wanted >= most)
        return cpb_max(most, end->done);
    const int64_t unused = c->limit - time_with(c, end, wanted);
    return cost_of_keys(c, end, most) > cost_of_keys(c, end, wanted) + unused ? wanted
                                                                              : most;
}

/* Put the next job of `end` up to `to` on rank `r`. */
static void put(cpb_chain *c, cpb_chain_end *end, int32_t r, int64_t to)
{
    const int32_t j = c->list[end->at];
    cpb_place *const place = &c->place[j];
    const cpb_share share = share_of(c, end, to);
    const int32_t mark = (int32_t)(end->n + 1);
    cpb_share_add(&c->load, &share, 1);
    if (!end->done) {
        *place = (cpb_place){.first = c->first + r, .ranks = 1};
    } else {
        if (!place->cut)
            place->cut = end == &c->front ? mark : -mark;
        end->cut[end->n++] = end->done;
        place->ranks++;
    }
    end->done = to;
    if (to < c->batch->jobs[j].tokens)
        return;
    end->done = 0;
    end->at += end == &c->front ? 1 : -1;
}

/* Go on with the job that the rank before began; false if nothing of it fits. */
static bool go_on(cpb_chain *c, cpb_chain_end *end, int32_t r)
{
    if (!end->done)
        return true;
    const int64_t to = reach(c, end);
    if (to <= end->done)
        return false;
    put(c, end, r, to);
    return true;
}

/* Whether an empty rank cannot hold the job. */
static bool must_cut(const cpb_chain *c, const cpb_job *job)
{
    return job->tokens > c->batch->budget ||
           job->work + c->batch->price.fixed > c->limit;
}

/* Long jobs, while nothing is open: whole ones, then a slice of one that must be cut. */
static void take_front(cpb_chain *c, int32_t r)
{
    while (has_front(c) && !c->front.done) {
        const cpb_job *const job = job_at(c, &c->front);
        const bool cut = must_cut(c, job);
        if (cut && c->back.done)
            return;
        if (!cut && time_with(c, &c->front, job->tokens) > c->limit)
            return;
        const int64_t to = reach(c, &c->front);
        if (!to)
            return;
        put(c, &c->front, r, to);
    }
}

/* Short jobs, and a head of the next one; beside an open long job only of one whose rest
 * leaves the next rank half of its time. */
static void take_back(cpb_chain *c, int32_t r)
{
    while (has_back(c) && !c->back.done) {
        const cpb_job *const job = job_at(c, &c->back);
        const int64_t to = reach(c, &c->back);
        if (to < job->tokens && (!to || (c->front.done && job->work > c->limit / 2)))
            return;
        put(c, &c->back, r, to);
    }
}

/* The last job of the front takes what is left of a rank. */
static void take_last(cpb_chain *c, int32_t r)
{
    while (!is_done(c) && has_front(c) && !has_back(c) && !c->front.done) {
        const int64_t to = reach(c, &c->front);
        if (!to)
            return;
        put(c, &c->front, r, to);
    }
}

static bool fill_rank(cpb_chain *c, int32_t r)
{
    c->load = (cpb_share){0};
    if (!go_on(c, &c->back, r) || !go_on(c, &c->front, r))
        return false;
    take_front(c, r);
    take_back(c, r);
    take_last(c, r);
    c->time = cpb_max(c->time, cpb_price_time(&c->batch->price, &c->load));
    return true;
}

/* Fill with no rank above the mean time by more than `excess` steps. */
static bool fill_all(cpb_chain *c, int64_t mean, int64_t excess)
{
    enum { STEP = 1024 };
    c->limit = cpb_min(mean + mean / STEP * excess + 1, c->most);
    c->time = 0;
    c->front.at = c->front.done = c->front.n = 0;
    c->back.at = c->n - 1;
    c->back.done = c->back.n = 0;
    for (int32_t r = 0; r < c->width && !is_done(c); r++)
        if (!fill_rank(c, r))
            return false;
    return is_done(c);
}

/* The cuts of both ends go behind those of earlier answers. */
static void keep_cuts(cpb_chain *c)
{
    const int64_t at_front = c->n_cuts, at_back = at_front + c->front.n;
    if (at_back + c->back.n > c->most_cuts) {
        c->fits = false;
        return;
    }
    for (int64_t i = 0; i < c->front.n; i++)
        c->cuts[at_front + i] = c->front.cut[i];
    for (int64_t i = 0; i < c->back.n; i++)
        c->cuts[at_back + i] = c->back.cut[i];
    for (int64_t i = 0; i < c->n; i++) {
        cpb_place *const place = &c->place[c->list[i]];
        if (place->cut > 0)
            place->cut += (int32_t)at_front;
        else if (place->cut < 0)
            place->cut = (int32_t)at_back - place->cut;
    }
    c->n_cuts = at_back + c->back.n;
}

/* Where the answer before needed some excess, this one will need about the same. */
static bool search(cpb_chain *c, int64_t mean)
{
    enum { MOST = 1 << 18, FIRST = 8 };
    int64_t low = 0, high = c->excess ? c->excess - (c->excess + 7) / 8 : FIRST;
    while (!fill_all(c, mean, high)) {
        if (high > MOST || c->limit == c->most)
            return false;
        low = high;
        high += high / 8 + 1;
        if (!c->excess || high > 2 * c->excess)
            high += high / 2;
    }
    const int64_t close = high / 8 + 1;
    bool filled = true;
    for (int64_t down = close; high - low > close; down *= 2) {
        const int64_t middle =
            low || down >= high ? low + (high - low) / 2 : high - down;
        filled = fill_all(c, mean, middle);
        *(filled ? &high : &low) = middle;
    }
    c->excess = high;
    return filled || fill_all(c, mean, high);
}

void cpb_chain_run(cpb_chain *c)
{
    const cpb_batch *const batch = c->batch;
    int64_t work = 0;
    for (int64_t i = 0; i < c->n; i++)
        work += batch->jobs[c->list[i]].work;
    c->fits = search(c, batch->price.fixed + cpb_ceil_div(work, c->width));
    if (c->fits)
        keep_cuts(c);
}
