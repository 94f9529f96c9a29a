// SPDX-License-Identifier: Apache-2.0
/* Whether an MPI launcher started this process. */
#include "processes.h"

#include <stdlib.h>

int64_t launcher_processes(void)
{
    /* Open MPI; MPICH and what starts processes as it does, srun --mpi=pmi2 among them;
     * srun --mpi=pmix. At last srun without MPI, where one process is just a shell. */
    static const struct {
        const char *rank, *size;
        int64_t least;
    } launchers[] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", 1},
                     {"PMI_RANK", "PMI_SIZE", 1},
                     {"PMIX_RANK", "SLURM_STEP_NUM_TASKS", 1},
                     {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", 2}};
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        const char *const text = getenv(launchers[i].size);
        const int64_t size = text ? strtoll(text, NULL, 10) : 0;
        if (getenv(launchers[i].rank) && size >= launchers[i].least)
            return size;
    }
    return 0;
}
