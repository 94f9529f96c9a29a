// SPDX-License-Identifier: Apache-2.0
/* The figures of a score by name. */
#include "figures.h"

#include <inttypes.h>

/* clang-format off */
#define FIGURE(name, type) {#name, FIGURE_##type, offsetof(cpb_score, name)}
/* clang-format on */

static const figure_row figures[] = {FIGURE(load_max, WHOLE),
                                     FIGURE(load_mean, REAL),
                                     FIGURE(load_bound, WHOLE),
                                     FIGURE(imbalance, REAL),
                                     FIGURE(gap, REAL),
                                     FIGURE(tiles, WHOLE),
                                     FIGURE(tiles_added, WHOLE),
                                     FIGURE(receive_total, WHOLE),
                                     FIGURE(receive_max, WHOLE),
                                     FIGURE(send_max, WHOLE),
                                     FIGURE(relay_send_max, WHOLE),
                                     FIGURE(pair_max, WHOLE),
                                     FIGURE(peers_max, WHOLE_32),
                                     FIGURE(net_in_max, WHOLE),
                                     FIGURE(net_out_max, WHOLE),
                                     FIGURE(receive_bound, WHOLE),
                                     FIGURE(receive_max_bound, WHOLE),
                                     FIGURE(send_max_bound, WHOLE),
                                     FIGURE(own_work, REAL),
                                     FIGURE(runs_max, WHOLE),
                                     FIGURE(segments_max, WHOLE),
                                     FIGURE(memory_max, WHOLE),
                                     FIGURE(step_time, PICOSECONDS)};

enum { N_FIGURES = sizeof figures / sizeof *figures };

void figures_put(json_t *object, const cpb_score *score, bool *good)
{
    figuretable_put(object, N_FIGURES, figures, score, good);
}

bool figures_get(const json_t *object, const char *where, cpb_score *score,
                 double *step_us, cpb_error *error)
{
    *step_us = 0;
    return figuretable_get(object, where, N_FIGURES, figures, score, error) &&
           json_member_real(object, where, "step_time", step_us, error);
}

void figures_print_names(FILE *stream)
{
    for (size_t i = 0; i < N_FIGURES; i++)
        fprintf(stream, ",%s", figures[i].name);
}

void figures_print(FILE *stream, const cpb_score *score)
{
    for (size_t i = 0; i < N_FIGURES; i++)
        if (figure_is_real(&figures[i]))
            fprintf(stream, ",%.17g", figure_real(&figures[i], score));
        else
            fprintf(stream, ",%" PRId64, figure_whole(&figures[i], score));
}
