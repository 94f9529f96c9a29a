// SPDX-License-Identifier: Apache-2.0
/* One rank's attention: bands, tiles, lists of rows that travel, scratch. */
#ifndef CPB_SRC_ATTEND_H
#define CPB_SRC_ATTEND_H

#include <cpb/attend.h>

#include "base/memory.h"
#include "base/range.h"
#include "rows.h"

/* A slice whose query i (counted from q_begin) sees keys from
 * max(k_begin, k_begin + i + low) up to min(k_end, k_begin + i + high). */
typedef struct cpb_slot_band {
    int64_t q_begin, q_end; /* slots of the shard */
    int64_t k_begin, k_end; /* slots of shard and receive buffer */
    int64_t low, high;
} cpb_slot_band;

/* First key that the query in slot `q` sees, and the end of its keys; none where the end
 * is not above the first. Both ascend with q. */
static inline int64_t cpb_band_first(const cpb_slot_band *band, int64_t q)
{
    return cpb_max(band->k_begin, band->k_begin + (q - band->q_begin) + band->low);
}

static inline int64_t cpb_band_end(const cpb_slot_band *band, int64_t q)
{
    return cpb_min(band->k_end, band->k_begin + (q - band->q_begin) + band->high);
}

/* Length of the pieces that a stretch is cut into, each at most `most` long: nearly equal,
 * and whole vectors long, since products of odd sizes are up to a fifth slower. */
static inline int64_t cpb_even_length(int64_t stretch, int64_t most)
{
    enum { VECTOR = 16 };
    const int64_t pieces = cpb_max(1, cpb_ceil_div(stretch, most));
    const int64_t even = cpb_ceil_div(cpb_ceil_div(stretch, pieces), VECTOR) * VECTOR;
    return cpb_max(1, cpb_min(even, most));
}

/* What can be computed with the keys of one place. */
typedef enum cpb_where { CPB_OWN = 0, CPB_RECEIVED = 1, CPB_N_WHERE = 2 } cpb_where;

typedef struct cpb_bands {
    cpb_slot_band *bands;
    size_t n_bands;
    size_t *first;   /* [tiles + 1] where the bands of each tile start in `of_tile` */
    size_t *of_tile; /* bands that meet a tile, tile by tile */
    int64_t work;    /* scores computed for one head, masked ones included */
} cpb_bands;

/* What travels in one stage; rows are set when the pass starts. */
typedef struct cpb_lists {
    size_t n_gives, n_gets;
    cpb_give *gives;
    cpb_get *gets;
    int64_t in, out; /* rows from and to other ranks */
} cpb_lists;

enum { CPB_MOST_STEPS = 2 };

/* Memory of the kernel, in floats or doubles. A row is one query of one head; rows of a
 * token's heads that share keys lie together. */
typedef struct cpb_scratch {
    void *q;       /* [rows][dim] scaled by scale * log2(e) */
    void *out;     /* [rows][dim] sums; backward: gradients of q */
    void *scores;  /* [rows of a piece][block] */
    void *top;     /* [rows] largest score so far; backward: lse in base 2 */
    void *sum;     /* [rows] of exponentials; backward: delta */
    void *dout;    /* [rows][dim] backward alone, as what follows */
    void *dscores; /* [rows of a piece][block] */
    void *k, *v;   /* [chunk][dim] */
    void *dk, *dv; /* [chunk][dim] backward alone */
} cpb_scratch;

typedef struct cpb_kernel_row cpb_kernel_row;

struct cpb_attend {
    cpb_arena arena;
    const cpb_plan *plan;
    const cpb_mask *mask;
    const cpb_exchange *exchange;
    int32_t rank;
    bool backward;
    cpb_attention shape;
    int64_t group; /* query heads per key head */
    int64_t queries, keys;
    int64_t tile;    /* queries of a tile */
    int64_t piece;   /* queries of a tile that are multiplied at once */
    int64_t block;   /* most keys that are multiplied at once */
    int64_t chunk;   /* most keys that are copied at once */
    int64_t n_tiles; /* of the shard */
    int32_t steps;
    cpb_bands part[CPB_N_WHERE];
    cpb_lists lists[2][CPB_MOST_STEPS]; /* by way and stage */
    float *arrivals; /* [largest stage backward] gradients before they are added */
    const cpb_kernel_row *kernel;
    const cpb_rows *rows;
    cpb_scratch scratch;
    size_t scratch_bytes;
    int64_t full_tiles, partial_tiles; /* of the pass so far */
};

/* Arrays of one pass; those of the other way are NULL. */
typedef struct cpb_pass_arrays {
    const float *q, *kv;
    float *out, *lse; /* forward: results so far */
    const float *saved_out, *saved_lse, *dout;
    float *dq, *dkv;
} cpb_pass_arrays;

/* Attention of one tile of queries to the keys of a chunk, which is loaded. */
typedef void cpb_tile_run(cpb_attend *attend, const cpb_pass_arrays *arrays,
                          const cpb_bands *part, int64_t tile, int64_t head,
                          cpb_range chunk);

/* A kernel in one type of sums. */
struct cpb_kernel_row {
    size_t bytes; /* of a number */
    /* Copy keys and values of one head. */
    void (*load_chunk)(cpb_attend *attend, const cpb_pass_arrays *arrays, int64_t head,
                       cpb_range chunk);
    /* Backward, after the last tile: the gradients of the chunk. */
    void (*store_chunk)(const cpb_attend *attend, const cpb_pass_arrays *arrays,
                        int64_t head, cpb_range chunk);
    cpb_tile_run *forward, *backward;
};

extern const cpb_kernel_row cpb_kernel_f32, cpb_kernel_f64;

/* Cut the rank's slices into bands of own and received keys, and list them by tile. */
cpb_status cpb_parts_create(cpb_attend *attend, cpb_error *error);

/* What travels, as lists of rows; `arrivals` with a backward pass. */
cpb_status cpb_lists_create(cpb_attend *attend, cpb_error *error);

/* Refuse NaN and infinity in rows of one rank's shard that lie `stride` apart; `what` names
 * them. */
cpb_status cpb_check_finite(const cpb_attend *attend, const char *what,
                            const float *rows, int64_t row, int64_t stride,
                            cpb_error *error);

/* Original position of a slot of the shard. */
int64_t cpb_position_of(const cpb_attend *attend, int64_t slot);

#endif
