// SPDX-License-Identifier: Apache-2.0
/* Ranks as MPI processes. MPI is touched only where a launcher is there. */
#include "../message.h"
#include "processes.h"

#include <cpb/mpi.h>
#include <signal.h>
#include <unistd.h>

/* Under the launcher of another MPI every process is alone. */
static bool check_launcher(int64_t told, int size, cpb_error *error)
{
    char version[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    if (told == size)
        return true;
    MPI_Get_library_version(version, &length);
    return fail(
        error,
        "the launcher started %lld processes and MPI sees %d: it belongs to "
        "another MPI than this cpb, or is srun without srun --mpi=pmix or pmi2; "
        "cpb was built with %.60s",
        (long long)told, size, version);
}

/* A launcher that sees a rank die ends the others by this signal, and names that rank. */
static void on_end(int number)
{
    static const char sentence[] =
        "cpb attend: ended by the launcher: another rank died, or it was told to\n";
    const ssize_t written = write(STDERR_FILENO, sentence, sizeof sentence - 1);
    (void)written;
    signal(number, SIG_DFL);
    raise(number);
}

bool processes_open(processes *p, cpb_error *error)
{
    const int64_t told = launcher_processes();
    int rank = 0, size = 1, level;
    *p = (processes){.launched = told > 0, .n = 1};
    if (!p->launched)
        return true;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS)
        return fail(error, "MPI does not start");
    signal(SIGTERM, on_end);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    p->rank = rank;
    p->n = size;
    return check_launcher(told, size, error);
}

bool processes_run(run_job *job, cpb_error *error)
{
    return succeeded(cpb_mpi_run(MPI_COMM_WORLD, NULL, run_rank, job, NULL, error));
}

void processes_close(const processes *p)
{
    if (p->launched)
        MPI_Finalize();
}
