// SPDX-License-Identifier: Apache-2.0
/* Ranks as MPI processes. A round is one message per peer, straight from and to the rows,
 * by derived types. A rank that fails tells every other one in a message of its own,
 * which everybody looks for while waiting; silence is bounded by patience. */
#define _POSIX_C_SOURCE 200809L
#include "attend/blas.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/range.h"

#include <cpb/mpi.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

enum { TAG_ROWS = 1, TAG_FAILED = 2 };

static const double default_patience = 60;

/* Seconds that a failed rank gives the others to hear of it, and all of them to say it. */
static const double most_farewell = 2;
static const struct timespec time_to_speak = {.tv_sec = 1};

typedef struct mpi_end {
    MPI_Comm comm;
    MPI_Comm farewell; /* for ranks that failed */
    cpb_link link;
    double patience;
    bool unanswered; /* this rank was the one to find another one silent */
    cpb_allocator allocator;
    MPI_Request *requests; /* [room] of the round, gets first */
    int32_t *peers;        /* [room] */
    size_t n_gets, n, room;
} mpi_end;

static cpb_status fail_mpi(int code, cpb_error *error)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(code, text, &length);
    return cpb_fail(error, CPB_BROKEN, -1, "MPI: %.200s", text);
}

/* Has anybody said that it failed? */
static cpb_status listen(const mpi_end *end, cpb_error *error)
{
    char sentence[CPB_MESSAGE_BYTES] = "";
    MPI_Status from;
    int there = 0;
    const int code = MPI_Iprobe(MPI_ANY_SOURCE, TAG_FAILED, end->comm, &there, &from);
    if (code != MPI_SUCCESS)
        return fail_mpi(code, error);
    if (!there)
        return CPB_OK;
    MPI_Recv(sentence, sizeof sentence, MPI_BYTE, from.MPI_SOURCE, TAG_FAILED,
             end->comm, MPI_STATUS_IGNORE);
    sentence[sizeof sentence - 1] = '\0';
    return cpb_fail(error, CPB_BROKEN, from.MPI_SOURCE, "%s", sentence);
}

static cpb_status reserve(mpi_end *end, size_t n, cpb_error *error)
{
    const cpb_allocator *const a = &end->allocator;
    if (n <= end->room)
        return CPB_OK;
    a->release(a->context, end->requests);
    a->release(a->context, end->peers);
    end->requests = a->allocate(a->context, n * sizeof(MPI_Request));
    end->peers = a->allocate(a->context, n * sizeof *end->peers);
    end->room = end->requests && end->peers ? n : 0;
    return end->room ? CPB_OK : cpb_fail_memory(error);
}

/* The type of a list of rows, committed. */
static cpb_status type_of(mpi_end *end, size_t row_bytes, size_t n,
                          const cpb_range *ranges, MPI_Datatype *type, cpb_error *error)
{
    cpb_arena arena = {.allocator = end->allocator};
    int *const lengths = cpb_arena_take(&arena, n, sizeof *lengths);
    MPI_Aint *const places = cpb_arena_take(&arena, n, sizeof *places);
    MPI_Datatype row;
    cpb_status status = CPB_OK;
    CPB_TRY(lengths && places ? CPB_OK : cpb_fail_memory(error));
    CPB_TRY(n <= INT_MAX && row_bytes <= INT_MAX
                ? CPB_OK
                : cpb_fail(error, CPB_TOO_LARGE, -1,
                           "%zu ranges of rows of %zu bytes are too many for MPI", n,
                           row_bytes));
    for (size_t i = 0; i < n; i++) {
        lengths[i] = (int)cpb_range_length(ranges[i]);
        places[i] = (MPI_Aint)ranges[i].begin * (MPI_Aint)row_bytes;
    }
    MPI_Type_contiguous((int)row_bytes, MPI_BYTE, &row);
    MPI_Type_create_hindexed((int)n, lengths, places, row, type);
    MPI_Type_commit(type);
    MPI_Type_free(&row);
done:
    cpb_arena_free(&arena);
    return status;
}

static cpb_status post_get(mpi_end *end, const cpb_get *get, cpb_error *error)
{
    MPI_Datatype type;
    cpb_status status =
        type_of(end, get->row_bytes, get->n_ranges, get->ranges, &type, error);
    if (status != CPB_OK)
        return status;
    const int code = MPI_Irecv(get->rows, 1, type, get->peer, TAG_ROWS, end->comm,
                               &end->requests[end->n]);
    MPI_Type_free(&type);
    end->peers[end->n++] = get->peer;
    return code == MPI_SUCCESS ? CPB_OK : fail_mpi(code, error);
}

static cpb_status post_give(mpi_end *end, const cpb_give *give, cpb_error *error)
{
    MPI_Datatype type;
    cpb_status status =
        type_of(end, give->row_bytes, give->n_ranges, give->ranges, &type, error);
    if (status != CPB_OK)
        return status;
    const int code = MPI_Isend(give->rows, 1, type, give->peer, TAG_ROWS, end->comm,
                               &end->requests[end->n]);
    MPI_Type_free(&type);
    end->peers[end->n++] = give->peer;
    return code == MPI_SUCCESS ? CPB_OK : fail_mpi(code, error);
}

/* Whether all requests are over; `*code` says what went wrong. */
static bool all_over(size_t n, MPI_Request *requests, int *code)
{
    int all = 1;
    *code = MPI_SUCCESS;
    for (size_t i = 0; i < n && *code == MPI_SUCCESS; i++) {
        int done = 0;
        *code = MPI_Test(&requests[i], &done, MPI_STATUS_IGNORE);
        all = all && done;
    }
    return all;
}

/* Let requests end, but not for long: whoever they wait for may be dead. */
static bool settle(size_t n, MPI_Request *requests)
{
    const double start = MPI_Wtime();
    int code;
    bool over = all_over(n, requests, &code);
    while (!over && code == MPI_SUCCESS && MPI_Wtime() - start < most_farewell) {
        sched_yield();
        over = all_over(n, requests, &code);
    }
    return over;
}

/* A round that failed touches no memory any more: its owner may free it. A message that
 * is half here cannot be called back and is waited for. What this rank gives is read only
 * where another one takes it, and that one gives up as well. */
static cpb_status give_up(mpi_end *end, cpb_status status)
{
    if (status == CPB_OK)
        return status;
    for (size_t i = 0; i < end->n; i++) {
        if (end->requests[i] == MPI_REQUEST_NULL)
            continue;
        if (i < end->n_gets)
            MPI_Cancel(&end->requests[i]);
        else
            MPI_Request_free(&end->requests[i]);
    }
    settle(end->n < end->n_gets ? end->n : end->n_gets, end->requests);
    return status;
}

static cpb_status mpi_start(void *context, const cpb_round *round, cpb_error *error)
{
    mpi_end *const end = context;
    cpb_status status = reserve(end, round->n_gets + round->n_gives, error);
    end->n = 0;
    end->n_gets = round->n_gets;
    for (size_t i = 0; i < round->n_gets && status == CPB_OK; i++)
        status = post_get(end, &round->gets[i], error);
    for (size_t i = 0; i < round->n_gives && status == CPB_OK; i++)
        status = post_give(end, &round->gives[i], error);
    return give_up(end, status);
}

static cpb_status mpi_poke(void *context, bool *over, cpb_error *error)
{
    mpi_end *const end = context;
    int code;
    *over = all_over(end->n, end->requests, &code);
    if (code != MPI_SUCCESS)
        return give_up(end, fail_mpi(code, error));
    return *over ? CPB_OK : give_up(end, listen(end, error));
}

/* The first peer whose message is still on its way. */
static int32_t silent_peer(const mpi_end *end)
{
    size_t i = 0;
    while (i + 1 < end->n && end->requests[i] == MPI_REQUEST_NULL)
        i++;
    return end->peers[i];
}

static cpb_status mpi_wait(void *context, cpb_error *error)
{
    mpi_end *const end = context;
    const double start = MPI_Wtime();
    bool over = false;
    cpb_status status = mpi_poke(end, &over, error);
    while (status == CPB_OK && !over) {
        if (MPI_Wtime() - start > end->patience) {
            const int32_t peer = silent_peer(end);
            end->unanswered = true;
            status = cpb_fail(error, CPB_BROKEN, peer,
                              "rank %d did not answer rank %d within %g s", (int)peer,
                              (int)end->link.rank, end->patience);
            return give_up(end, status);
        }
        sched_yield(); /* there may be more ranks than cores */
        status = mpi_poke(end, &over, error);
    }
    return status;
}

static double mpi_clock(void *context)
{
    (void)context;
    return MPI_Wtime();
}

/* Tell all others. A rank that only repeats what another one said stays silent. Where one
 * of them does not take it the sentence stays: MPI may read it until the process ends. */
static void announce(const mpi_end *end, const cpb_error *error)
{
    cpb_arena arena = {.allocator = end->allocator};
    const size_t ranks = (size_t)end->link.ranks;
    char *const sentence = cpb_arena_take(&arena, 1, CPB_MESSAGE_BYTES);
    MPI_Request *const requests = cpb_arena_take(&arena, ranks, sizeof(MPI_Request));
    if (sentence && end->unanswered)
        snprintf(sentence, CPB_MESSAGE_BYTES, "%s", error->message);
    else if (sentence)
        snprintf(sentence, CPB_MESSAGE_BYTES, "rank %d: %.290s", (int)end->link.rank,
                 error->message);
    for (size_t r = 0; r < ranks && sentence && requests; r++) {
        requests[r] = MPI_REQUEST_NULL;
        if ((int32_t)r != end->link.rank)
            MPI_Isend(sentence, CPB_MESSAGE_BYTES, MPI_BYTE, (int)r, TAG_FAILED,
                      end->comm, &requests[r]);
    }
    if (!sentence || !requests || settle(ranks, requests))
        cpb_arena_free(&arena);
}

/* Failed ranks return together, so that whoever ends the others ends none that has yet to
 * say why. */
static void part(const mpi_end *end)
{
    MPI_Request all;
    const double start = MPI_Wtime();
    int over = 0;
    if (MPI_Ibarrier(end->farewell, &all) != MPI_SUCCESS)
        return;
    while (!over && MPI_Wtime() - start < most_farewell) {
        sched_yield();
        if (MPI_Test(&all, &over, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return;
    }
    nanosleep(&time_to_speak, NULL);
}

/* Nobody leaves before all have ended, so that a failure reaches everybody. */
static cpb_status leave(mpi_end *end, cpb_error *error)
{
    MPI_Request all;
    const double start = MPI_Wtime();
    cpb_status status = CPB_OK;
    int over = 0;
    int code = MPI_Ibarrier(end->comm, &all);
    while (code == MPI_SUCCESS && status == CPB_OK && !over) {
        code = MPI_Test(&all, &over, MPI_STATUS_IGNORE);
        sched_yield();
        if (!over)
            status = listen(end, error);
        if (!over && status == CPB_OK && MPI_Wtime() - start > end->patience)
            status = cpb_fail(error, CPB_BROKEN, -1,
                              "some rank did not end within %g s of rank %d",
                              end->patience, (int)end->link.rank);
    }
    return code == MPI_SUCCESS ? status : fail_mpi(code, error);
}

static cpb_status open_end(MPI_Comm comm, const cpb_mpi_options *options,
                           const cpb_allocator *allocator, mpi_end *end,
                           cpb_error *error)
{
    int rank = 0, ranks = 0;
    *end = (mpi_end){.allocator = cpb_allocator_or_default(allocator)};
    end->patience =
        options && options->patience > 0 ? options->patience : default_patience;
    int code = MPI_Comm_dup(comm, &end->comm);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_dup(comm, &end->farewell);
    if (code != MPI_SUCCESS)
        return fail_mpi(code, error);
    MPI_Comm_set_errhandler(end->comm, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(end->farewell, MPI_ERRORS_RETURN);
    MPI_Comm_rank(end->comm, &rank);
    MPI_Comm_size(end->comm, &ranks);
    end->link = (cpb_link){.rank = rank,
                           .ranks = ranks,
                           .context = end,
                           .start = mpi_start,
                           .poke = mpi_poke,
                           .wait = mpi_wait,
                           .clock = mpi_clock};
    return CPB_OK;
}

static void close_end(mpi_end *end, cpb_status status)
{
    if (status == CPB_OK) {
        MPI_Comm_free(&end->comm);
        MPI_Comm_free(&end->farewell);
    } else {
        part(end);
    }
    end->allocator.release(end->allocator.context, end->requests);
    end->allocator.release(end->allocator.context, end->peers);
}

cpb_status cpb_mpi_run(MPI_Comm comm, const cpb_mpi_options *options, cpb_rank_run *run,
                       void *context, const cpb_allocator *allocator, cpb_error *error)
{
    mpi_end end;
    cpb_error mine = {.at = -1}; /* a sentence is needed, whoever wants to see it */
    cpb_status status = open_end(comm, options, allocator, &end, &mine);
    if (status == CPB_OK) {
        const int before = cpb_blas_threads(1);
        status = run(context, &end.link, &mine);
        cpb_blas_threads(before);
        if (status == CPB_OK)
            status = leave(&end, &mine);
        else if (status != CPB_BROKEN || end.unanswered)
            announce(&end, &mine);
        close_end(&end, status);
    }
    if (error && status != CPB_OK)
        *error = mine;
    return status;
}
