// SPDX-License-Identifier: Apache-2.0
/* What a claim states beside what a recount gave. */
#include "recount.h"

#include "../base/error.h"

#include <math.h>

typedef enum figure_type { COUNT, SMALL_COUNT, RATIO } figure_type;

/* A figure of cpb_score that is recounted. */
typedef struct figure {
    const char *name;
    size_t offset;
    figure_type type;
} figure;

/* clang-format off */
#define FIGURE(name, type) {#name, offsetof(cpb_score, name), type}
/* clang-format on */

static const figure figures[] = {
    FIGURE(load_max, COUNT),        FIGURE(load_mean, RATIO),
    FIGURE(imbalance, RATIO),       FIGURE(gap, RATIO),
    FIGURE(tiles, COUNT),           FIGURE(tiles_added, COUNT),
    FIGURE(receive_total, COUNT),   FIGURE(receive_max, COUNT),
    FIGURE(send_max, COUNT),        FIGURE(relay_send_max, COUNT),
    FIGURE(send_max_bound, COUNT),  FIGURE(pair_max, COUNT),
    FIGURE(peers_max, SMALL_COUNT), FIGURE(net_in_max, COUNT),
    FIGURE(net_out_max, COUNT),     FIGURE(own_work, RATIO),
    FIGURE(runs_max, COUNT),        FIGURE(segments_max, COUNT),
    FIGURE(memory_max, COUNT),      FIGURE(step_time, COUNT),
};

/* A proved lower limit, and the figure that reached it. */
typedef struct limit {
    const char *name;
    size_t offset;
    const char *reached_name;
    size_t reached_offset;
} limit;

/* clang-format off */
#define LIMIT(name, reached)                                                           \
    {#name, offsetof(cpb_score, name), #reached, offsetof(cpb_score, reached)}
/* clang-format on */

static const limit limits[] = {
    LIMIT(load_bound, load_max),
    LIMIT(receive_bound, receive_total),
    LIMIT(receive_max_bound, receive_max),
};

enum { N_LIMITS = sizeof limits / sizeof *limits, N_LOAD_LIMITS = 1 /* come first */ };

static const void *at(const cpb_score *score, size_t offset)
{
    return (const char *)score + offset;
}

static int64_t whole_number(const cpb_score *score, const figure *f)
{
    if (f->type == SMALL_COUNT)
        return *(const int32_t *)at(score, f->offset);
    return *(const int64_t *)at(score, f->offset);
}

/* Not a number is near nothing, and only infinity is near infinity. */
static bool is_near(double a, double b)
{
    return isinf(b) ? a == b : fabs(a - b) <= 1e-9 * (1 + fabs(b));
}

static cpb_status compare_figure(const figure *f, const cpb_score *stated,
                                 const cpb_score *counted, cpb_error *error)
{
    if (f->type == RATIO) {
        const double a = *(const double *)at(stated, f->offset);
        const double b = *(const double *)at(counted, f->offset);
        if (!is_near(a, b))
            return cpb_fail(error, CPB_REFUTED, -1,
                            "%s is stated as %.17g, a recount gives %.17g", f->name, a,
                            b);
        return CPB_OK;
    }
    const int64_t a = whole_number(stated, f), b = whole_number(counted, f);
    if (a != b)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "%s is stated as %lld, a recount gives %lld", f->name,
                        (long long)a, (long long)b);
    return CPB_OK;
}

/* Whether the plan is among those that bounds of traffic are for. */
static bool is_within_tolerance(const cpb_claim *claim, const cpb_score *counted)
{
    const double bound = (double)claim->score->load_bound;
    const double fair = counted->load_mean > bound ? counted->load_mean : bound;
    return (double)counted->load_max * (1 + 1e-12) <=
           fair * (1 + (double)claim->promise.tolerance_ppm / 1e6);
}

static cpb_status compare_limit(const limit *l, const cpb_score *stated,
                                const cpb_score *counted, bool applies,
                                cpb_error *error)
{
    const int64_t bound = *(const int64_t *)at(stated, l->offset);
    const int64_t reached = *(const int64_t *)at(counted, l->reached_offset);
    if (bound < 0)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "%s is stated as %lld, but is never negative", l->name,
                        (long long)bound);
    if (applies && bound > reached)
        return cpb_fail(error, CPB_REFUTED, -1,
                        "%s is stated as %lld, but a recount gives a %s of only %lld",
                        l->name, (long long)bound, l->reached_name, (long long)reached);
    return CPB_OK;
}

/* The gap hangs on the stated bound, which itself is only tested, not recounted. */
static double gap_over(const cpb_score *stated, const cpb_score *counted)
{
    if (stated->load_bound == 0)
        return 0;
    return (double)counted->load_max / (double)stated->load_bound - 1;
}

/* All ranks together send what they receive together, so this hangs on a stated bound as
 * well. */
static int64_t least_send(const cpb_claim *claim)
{
    const int64_t receive = claim->score->receive_bound;
    return receive / claim->ranks + (receive % claim->ranks != 0);
}

/* Numbers per rank; `before` and `after` say what they are. */
static cpb_status compare_ranks(const int64_t *stated, const int64_t *counted,
                                int32_t ranks, const char *before, const char *after,
                                cpb_error *error)
{
    for (int32_t r = 0; r < ranks; r++)
        if (stated[r] != counted[r])
            return cpb_fail(error, CPB_REFUTED, r,
                            "rank %d states %s%lld%s, a recount gives %lld", r, before,
                            (long long)stated[r], after, (long long)counted[r]);
    return CPB_OK;
}

cpb_status cpb_compare(const cpb_claim *claim, const cpb_outcome *outcome,
                       cpb_error *error)
{
    cpb_status status = CPB_OK;
    if (claim->pairs)
        CPB_TRY(compare_ranks(claim->pairs, outcome->pairs, claim->ranks, "", " pairs",
                              error));
    if (claim->loads)
        CPB_TRY(compare_ranks(claim->loads, outcome->loads, claim->ranks, "a load of ",
                              "", error));
    if (claim->score) {
        cpb_score counted = outcome->score;
        const bool within = is_within_tolerance(claim, &counted);
        for (size_t i = 0; i < N_LIMITS; i++)
            CPB_TRY(compare_limit(&limits[i], claim->score, &counted,
                                  within || i < N_LOAD_LIMITS, error));
        counted.gap = gap_over(claim->score, &counted);
        counted.send_max_bound = least_send(claim);
        for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
            CPB_TRY(compare_figure(&figures[i], claim->score, &counted, error));
    }
done:
    return status;
}
