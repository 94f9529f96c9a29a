// SPDX-License-Identifier: Apache-2.0
/* The rival with dynamic groups, as Megatron Core schedules them: wave after wave, the
 * tallest document that can be placed goes to as few ranks as hold it, to the group of
 * that size with the least cost tokens^2 / ranks or to ranks that are still free. A wave
 * ends when nothing can be placed, or when costs are within 5 % after a smaller size has
 * come up. Then the costliest group gives documents back while that narrows the spread,
 * and the smallest groups widen onto ranks that stayed free.
 *
 * Two things are kinder than there: a group packs its documents of a wave up to the
 * budget (there each is a micro-batch), and waves do not wait for each other where ranks
 * meet at the end of the step only. */
#include "heap.h"
#include "rows.h"

#include "../base/error.h"
#include "../base/sort.h"

enum { MOST_RUNGS = 20, SLACK = 20 };

typedef struct group {
    int32_t rung; /* it has size[rung] ranks */
    int32_t first;
    int32_t last; /* the job that came last */
    int32_t n;    /* jobs */
    cpb_wide cost;
    int64_t used; /* tokens of a rank in the micro-batch at hand */
    int32_t micro;
} group;

/* Jobs still to be placed lie in `order`, longest first, so those that need one size lie
 * together. */
typedef struct waves {
    const cpb_batch *batch;
    int32_t size[MOST_RUNGS]; /* each divides the next */
    int32_t n_rungs;
    cpb_item *order; /* [jobs] value: the job */
    int64_t begin[MOST_RUNGS], next[MOST_RUNGS], end[MOST_RUNGS]; /* in `order` */
    int32_t *of;       /* [jobs] its group of this wave; PLACED or WAITING */
    int32_t *previous; /* [jobs] the one that came before it in its group */
    int32_t *wave;     /* [n_wave] jobs in the order in which they came */
    int64_t n_wave;
    int64_t left;
    group *groups; /* [ranks], of descending sizes */
    int32_t n_groups;
    int32_t free; /* ranks */
    /* The rung that is being placed: sizes descend, so its groups are the last ones. */
    int32_t rung, first;
    cpb_heap cheap; /* its groups by cost, once no more ranks are free for another */
    int64_t *key;   /* [ranks] of the heap */
    cpb_wide most, least; /* costs of groups; of those of rungs before */
} waves;

enum { WAITING = -1, PLACED = -2 };

/* Costs of the ranks of a wave. */
typedef struct spread {
    cpb_wide most, least;
    int32_t group; /* the first with most */
} spread;

static spread spread_of(const waves *w)
{
    spread s = {0, w->free || !w->n_groups ? 0 : w->groups[0].cost, 0};
    for (int32_t g = 0; g < w->n_groups; g++) {
        if (w->groups[g].cost > s.most) {
            s.most = w->groups[g].cost;
            s.group = g;
        }
        if (w->groups[g].cost < s.least)
            s.least = w->groups[g].cost;
    }
    return s;
}

static bool is_even(const spread *s)
{
    return (s->most - s->least) * SLACK <= s->most;
}

static cpb_wide cost_of(const waves *w, int32_t j, int32_t rung)
{
    const cpb_wide tokens = w->batch->jobs[j].tokens;
    return tokens * tokens / w->size[rung];
}

static int64_t key_of(const group *g)
{
    return g->cost < INT64_MAX ? (int64_t)g->cost : INT64_MAX;
}

/* The group with `rung` that has the least cost, the first of equals; -1: none. While
 * ranks are free for more groups, each takes one job, the tallest first. */
static int32_t cheapest(waves *w, int32_t rung)
{
    if (rung != w->rung)
        return -1;
    if (w->free >= w->size[rung])
        return w->n_groups - 1;
    if (!w->cheap.n) {
        for (int32_t g = w->first; g < w->n_groups; g++)
            w->key[g - w->first] = key_of(&w->groups[g]);
        cpb_heap_fill(&w->cheap, w->n_groups - w->first);
    }
    return w->first + w->cheap.slot[0];
}

/* Go on to a smaller rung. */
static void enter(waves *w, int32_t rung)
{
    const int32_t g = cheapest(w, w->rung);
    if (g >= 0 && w->groups[g].cost < w->least)
        w->least = w->groups[g].cost;
    w->rung = rung;
    w->first = w->n_groups;
    w->cheap.n = 0;
}

/* The longest job that needs `rung` and waits, -1: none. */
static int32_t peek(waves *w, int32_t rung)
{
    int64_t *const at = &w->next[rung];
    while (*at < w->end[rung] && w->of[w->order[*at].value] != WAITING)
        ++*at;
    return *at < w->end[rung] ? (int32_t)w->order[*at].value : -1;
}

static void join(waves *w, int32_t j, int32_t rung, int32_t g)
{
    if (rung != w->rung)
        enter(w, rung);
    if (g < 0 || (w->groups[g].cost > 0 && w->free >= w->size[rung])) {
        g = w->n_groups++;
        w->groups[g] = (group){.rung = rung, .last = -1};
        w->free -= w->size[rung];
    }
    group *const to = &w->groups[g];
    w->previous[j] = to->last;
    w->of[j] = g;
    w->wave[w->n_wave++] = j;
    w->left--;
    to->last = j;
    to->n++;
    to->cost += cost_of(w, j, rung);
    w->most = to->cost > w->most ? to->cost : w->most;
    if (w->cheap.n) {
        w->key[g - w->first] = key_of(to);
        cpb_heap_grown(&w->cheap, g - w->first);
    }
}

/* Place the tallest job that can be; its rung, or -1 where none can. */
static int32_t place_one(waves *w)
{
    for (int32_t rung = w->n_rungs; rung-- > 0;) {
        const int32_t j = peek(w, rung);
        if (j < 0)
            continue;
        const int32_t g = cheapest(w, rung);
        if (g < 0 && w->free < w->size[rung])
            continue;
        join(w, j, rung, g);
        return rung;
    }
    return -1;
}

/* Costs of the wave so far. */
static spread spread_so_far(waves *w)
{
    const cpb_wide last = w->groups[cheapest(w, w->rung)].cost;
    const cpb_wide least = last < w->least ? last : w->least;
    return (spread){.most = w->most, .least = w->free ? 0 : least};
}

static void fill_wave(waves *w)
{
    const int32_t tallest = place_one(w);
    bool smaller = false;
    while (w->left) {
        const int32_t rung = place_one(w);
        if (rung < 0)
            break;
        smaller |= rung < tallest;
        if (!smaller)
            continue;
        const spread s = spread_so_far(w);
        if (is_even(&s))
            break;
    }
}

/* The costliest group gives its last job back while that narrows the spread. */
static void trim(waves *w)
{
    for (;;) {
        const spread before = spread_of(w);
        group *const from = &w->groups[before.group];
        if (is_even(&before) || !before.least || from->n < 2)
            return;
        const int32_t j = from->last;
        const cpb_wide cost = cost_of(w, j, from->rung);
        from->cost -= cost;
        const spread after = spread_of(w);
        if (after.most - after.least >= before.most - before.least) {
            from->cost += cost;
            return;
        }
        from->last = w->previous[j];
        from->n--;
        w->of[j] = WAITING;
        w->left++;
    }
}

/* Smallest groups first, the first of them first. */
static void widen(waves *w)
{
    for (int32_t rung = w->groups[w->n_groups - 1].rung; rung + 1 < w->n_rungs; rung++)
        for (int32_t g = 0; g < w->n_groups; g++) {
            const int32_t more = w->size[rung + 1] - w->size[rung];
            if (w->groups[g].rung != rung)
                continue;
            if (more > w->free)
                return;
            w->groups[g].rung++;
            w->free -= more;
        }
}

/* Groups lie side by side: sizes descend and divide each other, so each starts at a
 * multiple of its own. Returns one past the last micro-batch. */
static int32_t lay_out(waves *w, cpb_draft *draft, int32_t micro)
{
    int32_t first = 0, most = micro;
    for (int32_t g = 0; g < w->n_groups; g++) {
        w->groups[g].first = first;
        w->groups[g].micro = micro;
        first += w->size[w->groups[g].rung];
    }
    for (int64_t i = 0; i < w->n_wave; i++) {
        const int32_t j = w->wave[i];
        if (w->of[j] == WAITING)
            continue;
        group *const at = &w->groups[w->of[j]];
        const int32_t ranks = w->size[at->rung];
        const int64_t held = cpb_ceil_div(w->batch->jobs[j].tokens, ranks);
        if (at->used + held > w->batch->budget) {
            at->used = 0;
            at->micro++;
        }
        at->used += held;
        draft->place[j] =
            (cpb_place){.micro = at->micro, .first = at->first, .ranks = ranks};
        most = (int32_t)cpb_max(most, at->micro + 1);
        w->of[j] = PLACED;
    }
    return most;
}

/* Start a wave with every rank free. */
static void start_wave(waves *w)
{
    w->n_wave = 0;
    w->n_groups = 0;
    w->rung = w->n_rungs;
    w->most = 0;
    w->least = w->batch->longest * (cpb_wide)w->batch->longest;
    w->free = w->batch->domain->ranks;
    for (int32_t rung = 0; rung < w->n_rungs; rung++) {
        w->next[rung] = w->begin[rung];
        peek(w, rung);
        w->begin[rung] = w->next[rung];
    }
}

static void list_rungs(waves *w)
{
    const cpb_batch *const batch = w->batch;
    for (size_t s = 0; s < batch->n_sizes && w->n_rungs < MOST_RUNGS;
         s = cpb_batch_next_rung(batch, s))
        w->size[w->n_rungs++] = batch->sizes[s];
}

/* Where the jobs of each rung lie in the order. */
static void list_needs(waves *w)
{
    int64_t at = 0;
    for (int32_t rung = w->n_rungs; rung-- > 0;) {
        w->begin[rung] = at;
        while (at < w->batch->n &&
               (rung == 0 || cpb_ceil_div(w->batch->jobs[w->order[at].value].tokens,
                                          w->size[rung - 1]) > w->batch->budget))
            at++;
        w->end[rung] = at;
    }
}

static cpb_status create(cpb_batch *batch, waves *w, cpb_error *error)
{
    cpb_arena *const arena = batch->scratch;
    const size_t n = (size_t)batch->n;
    *w = (waves){
        .batch = batch,
        .order = cpb_arena_take(arena, n, sizeof *w->order),
        .of = cpb_arena_take(arena, n, sizeof *w->of),
        .previous = cpb_arena_take(arena, n, sizeof *w->previous),
        .wave = cpb_arena_take(arena, n, sizeof *w->wave),
        .groups =
            cpb_arena_take(arena, (size_t)batch->domain->ranks, sizeof *w->groups),
        .left = batch->n,
        .key = cpb_arena_take(arena, (size_t)batch->domain->ranks, sizeof *w->key),
    };
    cpb_item *const spare = cpb_arena_take(arena, n, sizeof *spare);
    if (!w->order || !w->of || !w->previous || !w->wave || !w->groups || !spare ||
        !w->key || !cpb_heap_create(arena, batch->domain->ranks, w->key, &w->cheap))
        return cpb_fail_memory(error);
    for (size_t j = 0; j < n; j++) {
        w->order[j] =
            (cpb_item){(uint64_t)(batch->longest - batch->jobs[j].tokens), (int64_t)j};
        w->of[j] = WAITING;
    }
    cpb_sort(w->order, spare, n);
    list_rungs(w);
    list_needs(w);
    return CPB_OK;
}

cpb_status cpb_row_megatron(cpb_batch *batch, cpb_draft *draft, cpb_error *error)
{
    waves w;
    int32_t micro = 0;
    cpb_status status;
    CPB_TRY(create(batch, &w, error));
    const int32_t largest = w.size[w.n_rungs - 1];
    if (batch->domain->one_size)
        return cpb_fail(
            error, CPB_UNSUPPORTED, -1,
            "row 'megatron' has groups of several sizes; use one with fixed "
            "groups");
    if (cpb_ceil_div(batch->longest, largest) > batch->budget)
        return cpb_fail(
            error, CPB_UNSUPPORTED, -1,
            "row 'megatron' has groups of %d ranks at most, but %lld tokens "
            "need a budget of %lld",
            largest, (long long)batch->longest,
            (long long)cpb_batch_budget_for(batch, batch->longest, largest));
    while (w.left) {
        start_wave(&w);
        fill_wave(&w);
        trim(&w);
        widen(&w);
        micro = lay_out(&w, draft, micro);
    }
    draft->block = 0;
    draft->micro_batches = cpb_batch_micro(batch, micro);
    if (!draft->micro_batches)
        return cpb_row_fail_micro(batch, micro, error);
done:
    return status;
}
