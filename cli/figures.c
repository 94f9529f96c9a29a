// SPDX-License-Identifier: Apache-2.0
/* The figures of a score by name. */
#include "figures.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef enum figure_type { WHOLE, WHOLE_32, REAL, PICOSECONDS } figure_type;

typedef struct figure_row {
    const char *name;
    figure_type type;
    size_t offset;
} figure_row;

#define FIGURE(name, type)                                                             \
    {                                                                                  \
#name, type, offsetof(cpb_score, name)                                         \
    }

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
                                     FIGURE(pair_max, WHOLE),
                                     FIGURE(peers_max, WHOLE_32),
                                     FIGURE(net_in_max, WHOLE),
                                     FIGURE(net_out_max, WHOLE),
                                     FIGURE(receive_bound, WHOLE),
                                     FIGURE(receive_max_bound, WHOLE),
                                     FIGURE(own_work, REAL),
                                     FIGURE(runs_max, WHOLE),
                                     FIGURE(segments_max, WHOLE),
                                     FIGURE(memory_max, WHOLE),
                                     FIGURE(step_time, PICOSECONDS)};

enum { N_FIGURES = sizeof figures / sizeof *figures };

double figures_microseconds(int64_t picoseconds)
{
    return (double)picoseconds / 1e6;
}

static int64_t whole(const figure_row *figure, const cpb_score *score)
{
    int64_t value;
    int32_t narrow;
    memcpy(&narrow, (const char *)score + figure->offset, sizeof narrow);
    if (figure->type == WHOLE_32)
        return narrow;
    memcpy(&value, (const char *)score + figure->offset, sizeof value);
    return value;
}

static double real(const figure_row *figure, const cpb_score *score)
{
    double value;
    if (figure->type == PICOSECONDS)
        return figures_microseconds(whole(figure, score));
    memcpy(&value, (const char *)score + figure->offset, sizeof value);
    return value;
}

static bool is_real(const figure_row *figure)
{
    return figure->type == REAL || figure->type == PICOSECONDS;
}

void figures_put(json_t *object, const cpb_score *score, bool *good)
{
    for (size_t i = 0; i < N_FIGURES; i++)
        json_put(object, figures[i].name,
                 is_real(&figures[i]) ? json_real(real(&figures[i], score))
                                      : json_integer(whole(&figures[i], score)),
                 good);
}

static bool get_whole(const json_t *object, const char *where, const figure_row *figure,
                      cpb_score *score, cpb_error *error)
{
    const bool is_narrow = figure->type == WHOLE_32;
    int64_t value;
    if (!json_member_integer(object, where, figure->name,
                             is_narrow ? INT32_MIN : INT64_MIN,
                             is_narrow ? INT32_MAX : INT64_MAX, &value, error))
        return false;
    const int32_t narrow = (int32_t)value;
    if (is_narrow)
        memcpy((char *)score + figure->offset, &narrow, sizeof narrow);
    else
        memcpy((char *)score + figure->offset, &value, sizeof value);
    return true;
}

/* Nearest number of picoseconds; far out of range anything that no recount gives. */
static int64_t to_picoseconds(double microseconds)
{
    const double picoseconds = microseconds * 1e6;
    return fabs(picoseconds) < 9e18 ? llround(picoseconds) : -1;
}

bool figures_get(const json_t *object, const char *where, cpb_score *score,
                 double *step_us, cpb_error *error)
{
    double value;
    for (size_t i = 0; i < N_FIGURES; i++) {
        const figure_row *const figure = &figures[i];
        if (!is_real(figure)) {
            if (!get_whole(object, where, figure, score, error))
                return false;
            continue;
        }
        if (!json_member_real(object, where, figure->name, &value, error))
            return false;
        if (figure->type == REAL)
            memcpy((char *)score + figure->offset, &value, sizeof value);
        else
            *step_us = value;
    }
    score->step_time = to_picoseconds(*step_us);
    return true;
}

void figures_print_names(FILE *stream)
{
    for (size_t i = 0; i < N_FIGURES; i++)
        fprintf(stream, ",%s", figures[i].name);
}

void figures_print(FILE *stream, const cpb_score *score)
{
    for (size_t i = 0; i < N_FIGURES; i++)
        if (is_real(&figures[i]))
            fprintf(stream, ",%.17g", real(&figures[i], score));
        else
            fprintf(stream, ",%" PRId64, whole(&figures[i], score));
}
