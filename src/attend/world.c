// SPDX-License-Identifier: Apache-2.0
/* Ranks as threads of one process. Who gets copies straight from the memory of who gives;
 * a giver's round is over when all that it gave was taken. One lock guards everything but
 * the copying itself. */
#define _POSIX_C_SOURCE 200809L
#include "base/error.h"
#include "base/memory.h"
#include "base/range.h"
#include "blas.h"

#include <cpb/attend.h>

#include <pthread.h>
#include <string.h>
#include <time.h>

typedef struct world world;

/* One rank's end. Other ranks touch what stands behind `round`, under the lock. */
typedef struct world_end {
    world *of;
    pthread_t thread;
    cpb_link link;
    cpb_error error;
    cpb_status status;
    bool *got; /* [room] which gets are done */
    size_t n_got;

    cpb_round round;
    bool active; /* the round's gives may be taken */
    bool ended;  /* the rank's function has returned */
    bool *taken; /* [room] which gives are taken */
    size_t n_taken;
    size_t room;
    int32_t readers; /* ranks that are copying from this one */
} world_end;

struct world {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t changes;
    world_end *ends; /* [ranks] */
    int32_t ranks;
    int32_t free_turns; /* ranks that may begin to compute; -1: any number */
    int32_t failed;     /* the first rank that failed, -1: none */
    cpb_allocator allocator;
    cpb_rank_run *run;
    void *context;
};

/* Everything below that says "locked" is called with the lock held. */

static void announce_locked(world *w)
{
    w->changes++;
    pthread_cond_broadcast(&w->changed);
}

static void take_turn_locked(world *w)
{
    while (w->free_turns == 0)
        pthread_cond_wait(&w->changed, &w->lock);
    if (w->free_turns > 0)
        w->free_turns--;
}

static void give_turn_locked(world *w)
{
    if (w->free_turns >= 0)
        w->free_turns++;
    announce_locked(w);
}

/* The sentence of the rank that failed first, for another one. */
static cpb_status pass_on_locked(const world *w, cpb_error *error)
{
    const world_end *const first = &w->ends[w->failed];
    if (first->status == CPB_BROKEN)
        return cpb_fail(error, CPB_BROKEN, w->failed, "%s", first->error.message);
    return cpb_fail(error, CPB_BROKEN, w->failed, "rank %d: %.290s", (int)w->failed,
                    first->error.message);
}

/* End a round that failed: nobody reads this rank's memory afterwards. */
static void retire_locked(world_end *end)
{
    end->active = false;
    while (end->readers)
        pthread_cond_wait(&end->of->changed, &end->of->lock);
}

/* The give of `from` to `rank` that is not taken yet, NULL where there is none. */
static const cpb_give *find_give_locked(const world_end *from, int32_t rank)
{
    size_t low = 0, high = from->active ? from->round.n_gives : 0;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (from->round.gives[middle].peer < rank)
            low = middle + 1;
        else
            high = middle;
    }
    if (!from->active || low == from->round.n_gives ||
        from->round.gives[low].peer != rank || from->taken[low])
        return NULL;
    return &from->round.gives[low];
}

/* Copy rows between ranges that are cut differently at both ends. */
static void copy_rows(const cpb_give *give, const cpb_get *get)
{
    size_t i = 0, j = 0;
    int64_t from = 0, to = 0; /* rows done of the current ranges */
    while (i < give->n_ranges && j < get->n_ranges) {
        const int64_t left = cpb_range_length(give->ranges[i]) - from;
        const int64_t room = cpb_range_length(get->ranges[j]) - to;
        const int64_t n = cpb_min(left, room);
        memcpy((char *)get->rows + (size_t)(get->ranges[j].begin + to) * get->row_bytes,
               (const char *)give->rows +
                   (size_t)(give->ranges[i].begin + from) * give->row_bytes,
               (size_t)n * give->row_bytes);
        from = n == left ? 0 : from + n;
        to = n == room ? 0 : to + n;
        i += n == left;
        j += n == room;
    }
}

/* Take what is there for one get. */
static void try_get_locked(world_end *end, size_t i)
{
    world *const w = end->of;
    const cpb_get *const get = &end->round.gets[i];
    world_end *const from = &w->ends[get->peer];
    const cpb_give *const give = find_give_locked(from, end->link.rank);
    if (!give)
        return;
    from->readers++;
    pthread_mutex_unlock(&w->lock);
    copy_rows(give, get);
    pthread_mutex_lock(&w->lock);
    from->readers--;
    from->taken[give - from->round.gives] = true;
    from->n_taken++;
    end->got[i] = true;
    end->n_got++;
    announce_locked(w);
}

static bool is_over_locked(world_end *end)
{
    if (end->n_got < end->round.n_gets || end->n_taken < end->round.n_gives)
        return false;
    end->active = false;
    return true;
}

/* A rank that has ended gives and takes nothing any more. */
static int32_t missing_peer_locked(const world_end *end)
{
    const world_end *const ends = end->of->ends;
    for (size_t i = 0; i < end->round.n_gets; i++)
        if (!end->got[i] && ends[end->round.gets[i].peer].ended)
            return end->round.gets[i].peer;
    for (size_t i = 0; i < end->round.n_gives; i++)
        if (!end->taken[i] && ends[end->round.gives[i].peer].ended)
            return end->round.gives[i].peer;
    return -1;
}

/* One look at everything that is outstanding. */
static cpb_status look_locked(world_end *end, bool *over, cpb_error *error)
{
    const world *const w = end->of;
    for (size_t i = 0; i < end->round.n_gets && w->failed < 0; i++)
        if (!end->got[i])
            try_get_locked(end, i);
    *over = is_over_locked(end);
    if (*over)
        return CPB_OK;
    const int32_t missing = missing_peer_locked(end);
    if (w->failed < 0 && missing < 0)
        return CPB_OK;
    retire_locked(end);
    return w->failed >= 0 ? pass_on_locked(w, error)
                          : cpb_fail(error, CPB_BROKEN, missing,
                                     "rank %d ended while rank %d waited for it",
                                     (int)missing, (int)end->link.rank);
}

/* Room for the marks of a round. */
static cpb_status reserve(world_end *end, size_t n)
{
    const cpb_allocator *const a = &end->of->allocator;
    if (n <= end->room)
        return CPB_OK;
    bool *const got = a->allocate(a->context, n);
    bool *const taken = a->allocate(a->context, n);
    if (!got || !taken) {
        a->release(a->context, got);
        a->release(a->context, taken);
        return CPB_NO_MEMORY;
    }
    a->release(a->context, end->got);
    a->release(a->context, end->taken);
    end->got = got;
    end->taken = taken;
    end->room = n;
    return CPB_OK;
}

static cpb_status world_start(void *context, const cpb_round *round, cpb_error *error)
{
    world_end *const end = context;
    const size_t most = round->n_gives > round->n_gets ? round->n_gives : round->n_gets;
    pthread_mutex_lock(&end->of->lock);
    const cpb_status status = reserve(end, most);
    if (status == CPB_OK) {
        for (size_t i = 0; i < most; i++)
            end->got[i] = end->taken[i] = false;
        end->n_got = end->n_taken = 0;
        end->round = *round;
        end->active = true;
        announce_locked(end->of);
    }
    pthread_mutex_unlock(&end->of->lock);
    return status == CPB_OK ? CPB_OK : cpb_fail_memory(error);
}

static cpb_status world_poke(void *context, bool *over, cpb_error *error)
{
    world_end *const end = context;
    pthread_mutex_lock(&end->of->lock);
    const cpb_status status = look_locked(end, over, error);
    pthread_mutex_unlock(&end->of->lock);
    return status;
}

static cpb_status world_wait(void *context, cpb_error *error)
{
    world_end *const end = context;
    world *const w = end->of;
    bool over = false;
    pthread_mutex_lock(&w->lock);
    give_turn_locked(w);
    uint64_t seen = w->changes;
    cpb_status status = look_locked(end, &over, error);
    while (status == CPB_OK && !over) {
        while (w->changes == seen)
            pthread_cond_wait(&w->changed, &w->lock);
        seen = w->changes;
        status = look_locked(end, &over, error);
    }
    take_turn_locked(w);
    pthread_mutex_unlock(&w->lock);
    return status;
}

static double world_clock(void *context)
{
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *run_rank(void *argument)
{
    world_end *const end = argument;
    world *const w = end->of;
    pthread_mutex_lock(&w->lock);
    take_turn_locked(w);
    pthread_mutex_unlock(&w->lock);
    end->status = w->run(w->context, &end->link, &end->error);
    pthread_mutex_lock(&w->lock);
    retire_locked(end);
    end->ended = true;
    if (end->status != CPB_OK && w->failed < 0)
        w->failed = end->link.rank;
    give_turn_locked(w);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void open_end(world *w, int32_t rank)
{
    w->ends[rank] = (world_end){.of = w,
                                .error = {.at = -1},
                                .link = {.rank = rank,
                                         .ranks = w->ranks,
                                         .context = &w->ends[rank],
                                         .start = world_start,
                                         .poke = world_poke,
                                         .wait = world_wait,
                                         .clock = world_clock}};
}

/* Start all threads, or as many as there can be, and wait for them. */
static void run_threads(world *w)
{
    int32_t started = 0;
    while (started < w->ranks &&
           !pthread_create(&w->ends[started].thread, NULL, run_rank, &w->ends[started]))
        started++;
    if (started < w->ranks) {
        pthread_mutex_lock(&w->lock);
        world_end *const end = &w->ends[started];
        end->status =
            cpb_fail(&end->error, CPB_NO_MEMORY, -1, "no thread could be made for it");
        for (int32_t r = started; r < w->ranks; r++)
            w->ends[r].ended = true;
        if (w->failed < 0)
            w->failed = started;
        announce_locked(w);
        pthread_mutex_unlock(&w->lock);
    }
    for (int32_t r = 0; r < started; r++)
        pthread_join(w->ends[r].thread, NULL);
}

static cpb_status outcome(const world *w, cpb_error *error)
{
    if (w->failed < 0)
        return CPB_OK;
    pass_on_locked(w, error);
    return w->ends[w->failed].status;
}

cpb_status cpb_world_run(int32_t ranks, const cpb_world_options *options,
                         cpb_rank_run *run, void *context,
                         const cpb_allocator *allocator, cpb_error *error)
{
    world w = {.ranks = ranks,
               .free_turns = options && options->at_once > 0 ? options->at_once : -1,
               .failed = -1,
               .allocator = cpb_allocator_or_default(allocator),
               .run = run,
               .context = context};
    if (ranks < 1 || ranks > CPB_MAX_RANKS)
        return cpb_fail(error, CPB_INVALID, -1, "%d ranks; accepted are 1 to %d",
                        (int)ranks, (int)CPB_MAX_RANKS);
    w.ends = w.allocator.allocate(w.allocator.context, (size_t)ranks * sizeof *w.ends);
    if (!w.ends)
        return cpb_fail_memory(error);
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.changed, NULL);
    for (int32_t r = 0; r < ranks; r++)
        open_end(&w, r);
    const int before = cpb_blas_threads(1);
    run_threads(&w);
    cpb_blas_threads(before);
    const cpb_status status = outcome(&w, error);
    for (int32_t r = 0; r < ranks; r++) {
        w.allocator.release(w.allocator.context, w.ends[r].got);
        w.allocator.release(w.allocator.context, w.ends[r].taken);
    }
    pthread_cond_destroy(&w.changed);
    pthread_mutex_destroy(&w.lock);
    w.allocator.release(w.allocator.context, w.ends);
    return status;
}
