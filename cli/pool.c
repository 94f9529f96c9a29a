// SPDX-License-Identifier: Apache-2.0
/* Threads that do numbered jobs, whose results are taken in the order of the numbers. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "pool.h"

#include "message.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { SLOTS_PER_THREAD = 8, TICK_NANOSECONDS = 100000000 };

typedef struct pool {
    const pool_work *work;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t next;  /* job to start */
    int64_t taken; /* jobs before it were taken */
    int live;      /* threads that still work */
    bool stop;     /* start no more */
    bool failed;
    cpb_error error;
    int64_t n_slots;
    char *slots; /* [n_slots * slot_bytes] job i lives in slot i mod n_slots */
    bool *done;  /* [n_slots] and waits to be taken */
} pool;

static void *slot_of(const pool *p, int64_t job)
{
    return p->slots + (size_t)(job % p->n_slots) * p->work->slot_bytes;
}

static void note_failure(pool *p, const cpb_error *error)
{
    if (!p->failed)
        p->error = *error;
    p->failed = true;
    p->stop = true;
}

/* Take what is done, in order. */
static void take_done(pool *p)
{
    cpb_error error;
    while (p->done[p->taken % p->n_slots]) {
        p->done[p->taken % p->n_slots] = false;
        if (!p->work->take(p->work->context, p->taken, slot_of(p, p->taken), &error)) {
            note_failure(p, &error);
            return;
        }
        p->taken++;
    }
}

/* Wait until there is a job to start and a slot for it; false where there is none. */
static bool wait_for_job(pool *p)
{
    while (!p->stop && p->next < p->work->end && p->next >= p->taken + p->n_slots)
        pthread_cond_wait(&p->changed, &p->lock);
    return !p->stop && p->next < p->work->end;
}

static void do_job(pool *p)
{
    cpb_error error;
    const int64_t job = p->next;
    void *const slot = slot_of(p, job);
    const pool_work *const work = p->work;
    if (!work->start(work->context, job, slot, &error)) {
        note_failure(p, &error);
        return;
    }
    p->next++;
    pthread_mutex_unlock(&p->lock);
    const bool good = work->run(work->context, job, slot, &error);
    pthread_mutex_lock(&p->lock);
    p->done[job % p->n_slots] = good;
    if (good)
        take_done(p);
    else
        note_failure(p, &error);
    pthread_cond_broadcast(&p->changed);
}

static void *worker(void *context)
{
    pool *const p = context;
    pthread_mutex_lock(&p->lock);
    while (wait_for_job(p))
        do_job(p);
    p->live--;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* The signals that interrupt. They are blocked while threads work and looked for now and
 * then, so that nothing is cut off in the middle. */
static void fill_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

static bool is_pending(const sigset_t *set)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t pending;
    sigpending(&pending);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigismember(set, signals[i]) && sigismember(&pending, signals[i]))
            return true;
    return false;
}

/* Wait for the threads; true when interrupted. A second signal ends the program. */
static bool wait_for_threads(pool *p, const sigset_t *signals, const sigset_t *before)
{
    bool interrupted = false;
    int signal;
    while (p->live) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TICK_NANOSECONDS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&p->changed, &p->lock, &until);
        if (p->work->tick)
            p->work->tick(p->work->context, p->taken);
        if (interrupted || !is_pending(signals))
            continue;
        interrupted = true;
        p->stop = true;
        pthread_cond_broadcast(&p->changed);
        sigwait(signals, &signal);
        pthread_sigmask(SIG_SETMASK, before, NULL);
    }
    return interrupted;
}

/* Start the threads, fewer where the system has no more; false where it has none. */
static int start_threads(pool *p, pthread_t *thread)
{
    int n = 0;
    pthread_mutex_lock(&p->lock);
    while (n < p->work->threads && !pthread_create(&thread[n], NULL, worker, p))
        n++;
    p->live = n;
    return n;
}

static pool_end run(pool *p, pthread_t *thread, cpb_error *error)
{
    sigset_t signals, before;
    fill_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    const int n = start_threads(p, thread);
    const bool interrupted = wait_for_threads(p, &signals, &before);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (p->failed)
        *error = p->error;
    else if (!n)
        fail(error, "cannot start a thread");
    if (p->failed || !n)
        return POOL_FAILED;
    return interrupted && p->taken < p->work->end ? POOL_INTERRUPTED : POOL_DONE;
}

pool_end pool_run(const pool_work *work, cpb_error *error)
{
    pool_end end = POOL_FAILED;
    pool p = {.work = work,
              .next = work->first,
              .taken = work->first,
              .n_slots = (int64_t)work->threads * SLOTS_PER_THREAD};
    p.slots = calloc((size_t)p.n_slots, work->slot_bytes);
    p.done = calloc((size_t)p.n_slots, sizeof *p.done);
    pthread_t *const thread = calloc((size_t)work->threads, sizeof *thread);
    if (!p.slots || !p.done || !thread) {
        fail_memory(error);
    } else {
        pthread_mutex_init(&p.lock, NULL);
        pthread_cond_init(&p.changed, NULL);
        end = run(&p, thread, error);
        pthread_cond_destroy(&p.changed);
        pthread_mutex_destroy(&p.lock);
    }
    for (int64_t i = 0; p.slots && i < p.n_slots; i++)
        work->free_slot(p.slots + (size_t)i * work->slot_bytes);
    free(thread);
    free(p.done);
    free(p.slots);
    return end;
}
