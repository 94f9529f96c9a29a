// SPDX-License-Identifier: Apache-2.0
/** \file
 *  Ranks as MPI processes, in a library of its own (libcpb_mpi): the only header that
 *  includes mpi.h. Standard calls of MPI 3 alone. */
#ifndef CPB_MPI_H
#define CPB_MPI_H

#include <cpb/attend.h>
#include <mpi.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Zero is the default. */
typedef struct cpb_mpi_options {
    double patience; /**< seconds that a rank waits for another one, > 0; 0: 60 */
} cpb_mpi_options;

/** Run `run` on every process of a communicator: each is the rank that it has there.
 *  Collective; MPI is initialised by the caller.
 *
 *  When it fails on one rank, every other one gets CPB_BROKEN with that rank's sentence.
 *  After CPB_BROKEN messages may be on their way, so the caller ends by MPI_Abort(), not
 *  by MPI_Finalize().
 *
 *  \param context handed to `run`
 *  \return what `run` returned; CPB_BROKEN where another rank failed, or does not answer
 *          within the patience: `at` is the rank; CPB_NO_MEMORY. */
CPB_CHECKED cpb_status cpb_mpi_run(MPI_Comm comm, const cpb_mpi_options *options,
                                   cpb_rank_run *run, void *context,
                                   const cpb_allocator *allocator, cpb_error *error);

#ifdef __cplusplus
}
#endif

#endif
