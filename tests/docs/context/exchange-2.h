// SPDX-License-Identifier: Apache-2.0
#include <cpb/cpb.h>

#include <string.h>

/* Buffers and counts of the caller. */
extern cpb_exchange *exchange;
extern int32_t rank;
extern int64_t *give, *give_first, *get, *get_first, shard;
extern char *send_buffer, *keys;
extern size_t key_bytes;
int *as_int(const int64_t *counts);

/* What mpi.h declares. */
typedef struct MPI_Datatype_ *MPI_Datatype;
typedef struct MPI_Comm_ *MPI_Comm;
extern MPI_Datatype key_type;
extern MPI_Comm comm;
int MPI_Alltoallv(const void *give, const int *give_counts, const int *give_first,
                  MPI_Datatype give_type, void *get, const int *get_counts,
                  const int *get_first, MPI_Datatype get_type, MPI_Comm comm);
