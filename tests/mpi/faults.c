// SPDX-License-Identifier: Apache-2.0
/* faults WHAT: three ranks, of which rank 1 goes wrong while others wait for it. Each
 * prints what it was told; tests/mpi/run.py reads it. */
#define _POSIX_C_SOURCE 200809L
#include <cpb/mpi.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Seconds: long enough for ranks that share few cores with other programs. A launcher
 * may end all ranks as soon as one has failed, so each lets the others speak. */
enum { patience = 3, time_to_speak = 2 };

static cpb_status wait_for_all(const cpb_link *link, cpb_error *error)
{
    static const cpb_range one = {0, 1};
    const char mine = 1;
    char all[3];
    cpb_give gives[3];
    cpb_get gets[3];
    for (int32_t r = 0; r < 3; r++) {
        gives[r] = (cpb_give){r, 1, 1, &one, &mine};
        gets[r] = (cpb_get){r, 1, 1, &one, &all[r]};
    }
    const cpb_round round = {3, gives, 3, gets};
    const cpb_status status = link->start(link->context, &round, error);
    return status == CPB_OK ? link->wait(link->context, error) : status;
}

static cpb_status run(void *context, const cpb_link *link, cpb_error *error)
{
    const char *const what = context;
    const bool bad = link->rank == 1;
    if (bad && !strcmp(what, "fails")) {
        snprintf(error->message, sizeof error->message, "it ran out of patience");
        return CPB_INVALID;
    }
    if (bad && !strcmp(what, "sleeps"))
        sleep(3 * patience);
    if (bad && !strcmp(what, "leaves"))
        return CPB_OK;
    if (bad && !strcmp(what, "dies"))
        raise(SIGKILL);
    return wait_for_all(link, error);
}

int main(int argc, char **argv)
{
    const cpb_mpi_options options = {.patience = patience};
    cpb_error error = {.at = -1, .message = ""};
    int rank;
    if (argc != 2)
        return 2;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const cpb_status status =
        cpb_mpi_run(MPI_COMM_WORLD, &options, run, argv[1], NULL, &error);
    printf("rank %d got %d: %s\n", rank, (int)status, error.message);
    fflush(stdout);
    sleep(time_to_speak);
    if (status == CPB_OK) {
        MPI_Finalize();
        return 0;
    }
    return 1;
}
