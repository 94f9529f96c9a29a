// SPDX-License-Identifier: Apache-2.0
/* Figures of a struct by name. */
#include "figuretable.h"

#include <math.h>
#include <string.h>

double figures_microseconds(int64_t picoseconds)
{
    return (double)picoseconds / 1e6;
}

int64_t figures_picoseconds(double microseconds)
{
    const double picoseconds = microseconds * 1e6;
    return fabs(picoseconds) < 9e18 ? llround(picoseconds) : -1;
}

bool figure_is_real(const figure_row *row)
{
    return row->type == FIGURE_REAL || row->type == FIGURE_PICOSECONDS;
}

int64_t figure_whole(const figure_row *row, const void *figures)
{
    int64_t value;
    int32_t narrow;
    const char *const member = (const char *)figures + row->offset;
    if (row->type == FIGURE_WHOLE_32) {
        memcpy(&narrow, member, sizeof narrow);
        return narrow;
    }
    memcpy(&value, member, sizeof value);
    return value;
}

double figure_real(const figure_row *row, const void *figures)
{
    double value;
    if (row->type == FIGURE_PICOSECONDS)
        return figures_microseconds(figure_whole(row, figures));
    memcpy(&value, (const char *)figures + row->offset, sizeof value);
    return value;
}

void figuretable_put(json_t *object, size_t n, const figure_row *rows,
                     const void *figures, bool *good)
{
    for (size_t i = 0; i < n; i++)
        json_put(object, rows[i].name,
                 figure_is_real(&rows[i])
                     ? json_real(figure_real(&rows[i], figures))
                     : json_integer(figure_whole(&rows[i], figures)),
                 good);
}

static bool get_whole(const json_t *object, const char *where, const figure_row *row,
                      char *member, cpb_error *error)
{
    const bool is_narrow = row->type == FIGURE_WHOLE_32;
    int64_t value;
    if (!json_member_integer(object, where, row->name,
                             is_narrow ? INT32_MIN : INT64_MIN,
                             is_narrow ? INT32_MAX : INT64_MAX, &value, error))
        return false;
    const int32_t narrow = (int32_t)value;
    if (is_narrow)
        memcpy(member, &narrow, sizeof narrow);
    else
        memcpy(member, &value, sizeof value);
    return true;
}

static bool get_real(const json_t *object, const char *where, const figure_row *row,
                     char *member, cpb_error *error)
{
    double value;
    if (!json_member_real(object, where, row->name, &value, error))
        return false;
    const int64_t picoseconds = figures_picoseconds(value);
    if (row->type == FIGURE_REAL)
        memcpy(member, &value, sizeof value);
    else
        memcpy(member, &picoseconds, sizeof picoseconds);
    return true;
}

bool figuretable_get(const json_t *object, const char *where, size_t n,
                     const figure_row *rows, void *figures, cpb_error *error)
{
    for (size_t i = 0; i < n; i++) {
        char *const member = (char *)figures + rows[i].offset;
        if (!(figure_is_real(&rows[i]) ? get_real : get_whole)(object, where, &rows[i],
                                                               member, error))
            return false;
    }
    return true;
}
