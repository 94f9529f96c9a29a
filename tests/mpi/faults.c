// SPDX-License-Identifier: Apache-2.0
/* faults WHAT PATIENCE FOLDER: three ranks, of which rank 1 goes wrong while others wait
 * for it. Each writes what it was told to a file with its number in the folder;
 * tests/mpi/run.py reads it. */
#define _POSIX_C_SOURCE 200809L
#include <cpb/mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RANKS = 3, PATH_BYTES = 400 };

/* What goes wrong, and how long the others wait for it in seconds. */
typedef struct fault {
    const char *what;
    unsigned patience;
} fault;

static cpb_status wait_for_all(const cpb_link *link, cpb_error *error)
{
    static const cpb_range one = {0, 1};
    const char mine = 1;
    char all[RANKS];
    cpb_give gives[RANKS];
    cpb_get gets[RANKS];
    for (int32_t r = 0; r < RANKS; r++) {
        gives[r] = (cpb_give){r, 1, 1, &one, &mine};
        gets[r] = (cpb_get){r, 1, 1, &one, &all[r]};
    }
    const cpb_round round = {RANKS, gives, RANKS, gets};
    const cpb_status status = link->start(link->context, &round, error);
    return status == CPB_OK ? link->wait(link->context, error) : status;
}

static cpb_status run(void *context, const cpb_link *link, cpb_error *error)
{
    const fault *const f = context;
    const char *const what = f->what;
    const bool bad = link->rank == 1;
    if (bad && !strcmp(what, "fails")) {
        snprintf(error->message, sizeof error->message, "it ran out of patience");
        return CPB_INVALID;
    }
    if (bad && !strcmp(what, "sleeps"))
        sleep(3 * f->patience);
    if (bad && !strcmp(what, "leaves"))
        return CPB_OK;
    if (bad && !strcmp(what, "dies"))
        raise(SIGKILL);
    return wait_for_all(link, error);
}

static void path_of(const char *folder, const char *kind, int rank,
                    char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%.300s/%s%d", folder, kind, rank);
}

/* Nobody reads a file that is half written. */
static void say(const char *folder, int rank, cpb_status status, const char *sentence)
{
    char draft[PATH_BYTES], path[PATH_BYTES];
    path_of(folder, "draft", rank, draft);
    path_of(folder, "rank", rank, path);
    FILE *const file = fopen(draft, "w");
    if (!file)
        return;
    fprintf(file, "%d: %s", (int)status, sentence);
    if (!fclose(file))
        rename(draft, path);
}

/* A launcher may end all ranks as soon as one has failed, so none leaves before the healthy
 * ones have spoken. */
static void let_others_speak(const char *folder)
{
    const struct timespec moment = {.tv_nsec = 20 * 1000 * 1000};
    char path[PATH_BYTES];
    for (int rank = 0; rank < RANKS; rank += 2) {
        path_of(folder, "rank", rank, path);
        for (int i = 0; i < 1000 && access(path, F_OK); i++)
            nanosleep(&moment, NULL);
    }
}

int main(int argc, char **argv)
{
    cpb_error error = {.at = -1, .message = ""};
    int rank;
    if (argc != 4)
        return 2;
    fault f = {.what = argv[1], .patience = (unsigned)strtoul(argv[2], NULL, 10)};
    const cpb_mpi_options options = {.patience = f.patience};
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const cpb_status status =
        cpb_mpi_run(MPI_COMM_WORLD, &options, run, &f, NULL, &error);
    say(argv[3], rank, status, error.message);
    let_others_speak(argv[3]);
    if (status == CPB_OK) {
        MPI_Finalize();
        return 0;
    }
    return 1;
}
