// SPDX-License-Identifier: Apache-2.0
/* Whether an MPI launcher started this process. */
#include "processes.h"

#include <stdlib.h>

int64_t launcher_processes(void)
{
    /* Open MPI; MPICH and what starts processes as it does, srun --mpi=pmi2 among them;
     * srun --mpi=pmix. */
    static const char *const names[][2] = {
        {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_SIZE"},
        {"PMI_RANK", "PMI_SIZE"},
        {"PMIX_RANK", "SLURM_STEP_NUM_TASKS"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *const size = getenv(names[i][1]);
        if (getenv(names[i][0]) && size)
            return strtoll(size, NULL, 10);
    }
    return 0;
}
