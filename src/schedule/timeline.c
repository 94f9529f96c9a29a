// SPDX-License-Identifier: Apache-2.0
/* The event simulation. Groups are numbered micro-batch by micro-batch, and every rank
 * works through them in this order, so the first group that has not run can always run:
 * nothing deadlocks. */
#include "timeline.h"

#include "../base/error.h"
#include "../base/sort.h"

#include <string.h>

/* Bits of a rank, one more than needed, so that a size fits too. */
enum { RANK_BITS = 17 };

static cpb_group group_of(const cpb_draft *draft, const cpb_place *place)
{
    const int32_t block = draft->block;
    return (cpb_group){
        .micro_batch = place->micro,
        .first = block ? place->first / block * block : place->first,
        .ranks = block ? block : place->ranks,
    };
}

static uint64_t key_of(const cpb_group *group)
{
    return (uint64_t)group->micro_batch << (2 * RANK_BITS) |
           (uint64_t)group->first << RANK_BITS | (uint64_t)group->ranks;
}

/* Jobs by document, then stably by group. */
static void order_jobs(cpb_timeline *t, cpb_item *items, cpb_item *spare)
{
    const size_t n = (size_t)t->batch->n;
    for (size_t j = 0; j < n; j++)
        items[j] = (cpb_item){(uint64_t)t->batch->jobs[j].document, (int64_t)j};
    cpb_sort(items, spare, n);
    for (size_t i = 0; i < n; i++) {
        const cpb_group group = group_of(t->draft, &t->draft->place[items[i].value]);
        items[i].key = key_of(&group);
    }
    cpb_sort(items, spare, n);
}

static void list_groups(cpb_timeline *t, const cpb_item *items)
{
    for (int64_t i = 0; i < t->batch->n; i++) {
        t->order[i] = (int32_t)items[i].value;
        if (!i || items[i].key != items[i - 1].key) {
            t->groups[t->n_groups] = group_of(t->draft, &t->draft->place[t->order[i]]);
            t->groups[t->n_groups++].first_document = i;
        }
        t->groups[t->n_groups - 1].n_documents++;
    }
}

static void load_parts(cpb_timeline *t, const cpb_job *job, const cpb_place *place)
{
    for (int32_t i = 0; i < place->ranks; i++) {
        const cpb_job_part part = cpb_batch_part(job, place, t->draft->cuts, i);
        const cpb_share share = cpb_batch_part_share(t->batch, job, &part);
        cpb_share_add(&t->load[place->first + i], &share, 1);
        t->received += share.received;
    }
}

/* Ranks that hold the same are added up once. */
static void load_group(cpb_timeline *t, const cpb_group *group)
{
    cpb_share same = {0};
    for (int64_t i = 0; i < group->n_documents; i++) {
        const int32_t j = t->order[group->first_document + i];
        const cpb_place *const place = &t->draft->place[j];
        const cpb_job *const job = &t->batch->jobs[j];
        if (place->cut) {
            load_parts(t, job, place);
            continue;
        }
        const cpb_share share =
            cpb_batch_share(t->batch, job, place->first, place->ranks);
        if (place->ranks == group->ranks)
            cpb_share_add(&same, &share, 1);
        else
            for (int32_t r = place->first; r < place->first + place->ranks; r++)
                cpb_share_add(&t->load[r], &share, 1);
        t->received += share.received * place->ranks;
    }
    for (int32_t r = group->first; r < group->first + group->ranks; r++)
        cpb_share_add(&t->load[r], &same, 1);
}

void cpb_timeline_load(cpb_timeline *t, int64_t begin, int64_t end)
{
    for (int64_t g = begin; g < end; g++)
        memset(&t->load[t->groups[g].first], 0,
               (size_t)t->groups[g].ranks * sizeof *t->load);
    for (int64_t g = begin; g < end; g++)
        load_group(t, &t->groups[g]);
}

/* When the last rank of a group is free, and how long its slowest rank works. */
static void span_of(const cpb_timeline *t, const cpb_group *group, int64_t *start,
                    int64_t *duration)
{
    *start = 0;
    *duration = 0;
    for (int32_t r = group->first; r < group->first + group->ranks; r++) {
        *start = cpb_max(*start, t->ready[r]);
        *duration = cpb_max(*duration, cpb_price_time(&t->batch->price, &t->load[r]));
    }
}

/* A rank's whole documents run inside the group of several ranks that holds it in the
 * same micro-batch. */
static void run_group(cpb_timeline *t, cpb_group *group)
{
    int64_t start, duration;
    if (group->ranks == 1 && t->busy[group->first] == group->micro_batch) {
        group->start = t->since[group->first];
        group->end = t->ready[group->first];
        return;
    }
    span_of(t, group, &start, &duration);
    group->start = start;
    group->end = start + duration;
    for (int32_t r = group->first; r < group->first + group->ranks; r++) {
        t->since[r] = start;
        t->ready[r] = group->end;
        t->busy[r] = group->micro_batch;
    }
}

static void add_up(cpb_timeline *t, int32_t r)
{
    const cpb_share *const load = &t->load[r];
    const int64_t multiple = t->batch->price.token_multiple;
    const int64_t padded = cpb_ceil_div(load->tokens, multiple) * multiple;
    t->work[r] += cpb_price_time(&t->batch->price, load);
    t->tokens[r] += padded;
    t->wire[r] += load->wire;
    t->keys[r] += load->received;
    t->tokens_max = cpb_max(t->tokens_max, padded);
}

/* Sums of a micro-batch, every rank once; returns the largest time. */
static int64_t account(cpb_timeline *t, int64_t begin, int64_t end)
{
    int64_t largest = 0;
    for (int64_t g = begin; g < end; g++) {
        const cpb_group *const group = &t->groups[g];
        for (int32_t r = group->first; r < group->first + group->ranks; r++) {
            if (!t->load[r].tokens)
                continue;
            const int64_t time = cpb_price_time(&t->batch->price, &t->load[r]);
            largest = cpb_max(largest, time);
            t->all_times += time;
            add_up(t, r);
            t->load[r].tokens = 0;
        }
    }
    t->largest_times += largest;
    return largest;
}

/* With a barrier, everybody starts together and leaves together. */
static void meet(cpb_timeline *t, int64_t begin, int64_t end, int64_t largest)
{
    for (int64_t g = begin; g < end; g++) {
        t->groups[g].start = t->time;
        t->groups[g].end = t->time + largest;
    }
    t->time += largest;
}

static void run(cpb_timeline *t)
{
    const cpb_domain *const domain = t->batch->domain;
    int64_t longest = 0;
    for (int64_t begin = 0, end = 0; begin < t->n_groups; begin = end) {
        while (end < t->n_groups &&
               t->groups[end].micro_batch == t->groups[begin].micro_batch)
            end++;
        cpb_timeline_load(t, begin, end);
        if (domain->meet == CPB_MEET_STEP) {
            for (int pass = 0; pass < 2; pass++) /* groups of several ranks first */
                for (int64_t g = begin; g < end; g++)
                    if ((t->groups[g].ranks == 1) == pass)
                        run_group(t, &t->groups[g]);
            account(t, begin, end);
        } else {
            const int64_t largest = account(t, begin, end);
            meet(t, begin, end, largest);
            longest = cpb_max(longest, largest);
        }
    }
    for (int32_t r = 0; r < domain->ranks; r++)
        t->time = cpb_max(t->time, t->ready[r]);
    t->time += (domain->stages - 1) * longest;
}

cpb_status cpb_timeline_create(const cpb_batch *batch, const cpb_draft *draft,
                               cpb_arena *arena, cpb_timeline *t, cpb_error *error)
{
    const size_t n = (size_t)batch->n, ranks = (size_t)batch->domain->ranks;
    cpb_arena scratch = {.allocator = arena->allocator};
    cpb_status status = CPB_OK;
    cpb_item *const items = cpb_arena_take(&scratch, n, sizeof *items);
    cpb_item *const spare = cpb_arena_take(&scratch, n, sizeof *spare);
    *t = (cpb_timeline){
        .batch = batch,
        .draft = draft,
        .groups = cpb_arena_zeros(arena, n, sizeof *t->groups),
        .order = cpb_arena_take(arena, n, sizeof *t->order),
        .work = cpb_arena_zeros(arena, ranks, sizeof *t->work),
        .tokens = cpb_arena_zeros(arena, ranks, sizeof *t->tokens),
        .wire = cpb_arena_zeros(arena, ranks, sizeof *t->wire),
        .keys = cpb_arena_zeros(arena, ranks, sizeof *t->keys),
        .load = cpb_arena_zeros(arena, ranks, sizeof *t->load),
        .ready = cpb_arena_zeros(arena, ranks, sizeof *t->ready),
        .since = cpb_arena_zeros(arena, ranks, sizeof *t->since),
        .busy = cpb_arena_take(arena, ranks, sizeof *t->busy),
    };
    if (!items || !spare || !t->groups || !t->order || !t->work || !t->tokens ||
        !t->wire || !t->keys || !t->load || !t->ready || !t->since || !t->busy) {
        status = cpb_fail_memory(error);
        goto done;
    }
    for (size_t r = 0; r < ranks; r++)
        t->busy[r] = -1;
    order_jobs(t, items, spare);
    list_groups(t, items);
    run(t);
done:
    cpb_arena_free(&scratch);
    return status;
}
