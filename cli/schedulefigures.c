// SPDX-License-Identifier: Apache-2.0
/* The figures of a schedule by name. */
#include "schedulefigures.h"

/* clang-format off */
#define FIGURE(name, type) {#name, FIGURE_##type, offsetof(cpb_schedule_score, name)}
#define TIME(name, member) {name, FIGURE_PICOSECONDS, offsetof(cpb_schedule_score, member)}
/* clang-format on */

static const figure_row figures[] = {
    FIGURE(micro_batches, WHOLE_32),
    FIGURE(groups, WHOLE),
    FIGURE(tokens, WHOLE),
    FIGURE(left_over, WHOLE),
    FIGURE(split, WHOLE),
    FIGURE(tokens_max, WHOLE),
    FIGURE(padding, WHOLE),
    FIGURE(received, WHOLE),
    FIGURE(received_max, WHOLE),
    FIGURE(rerouted, WHOLE),
    FIGURE(rerouted_bytes, WHOLE),
    FIGURE(moved_max, WHOLE),
    FIGURE(waited_max, WHOLE),
    FIGURE(loss_max, WHOLE),
    FIGURE(replicas, WHOLE),
    FIGURE(replica_loss_max, WHOLE),
    TIME("step_time", time),
    TIME("bound", bound),
    TIME("wire_time", wire),
    FIGURE(gap, REAL),
    FIGURE(group_mean, REAL),
    FIGURE(busy, REAL),
    FIGURE(time_imbalance, REAL),
    FIGURE(token_imbalance, REAL),
    FIGURE(moved_mean, REAL),
    FIGURE(loss_mean, REAL),
    FIGURE(replica_loss_mean, REAL),
};

enum { N_FIGURES = sizeof figures / sizeof *figures };

const char *const schedule_reasons[N_REASONS] = {
    [CPB_LEFT_NOT] = "", [CPB_LEFT_EMPTY] = "empty", [CPB_LEFT_HELD] = "held"};

const char *schedulefigures_name(size_t i)
{
    return i < N_FIGURES ? figures[i].name : NULL;
}

bool schedulefigures_is_real(size_t i)
{
    return figure_is_real(&figures[i]);
}

void schedulefigures_put(json_t *object, const cpb_schedule_score *score, bool *good)
{
    figuretable_put(object, N_FIGURES, figures, score, good);
}

bool schedulefigures_get(const json_t *object, cpb_schedule_score *score,
                         cpb_error *error)
{
    return figuretable_get(object, "", N_FIGURES, figures, score, error);
}
