// SPDX-License-Identifier: Apache-2.0
/* Relative speeds of the ranks. */
#include "speeds.h"

#include "list.h"
#include "message.h"

#include <inttypes.h>
#include <stdlib.h>

static const list_rules rules = {.item = "speed",
                                 .items = "speeds",
                                 .low = 1,
                                 .high = CPB_MAX_SPEED,
                                 .most = CPB_MAX_RANKS,
                                 .most_total = INT64_MAX};

/* Take n values that are known to be in range. */
static bool replace(size_t n, const int64_t *values, cli_speeds *out, cpb_error *error)
{
    int32_t *const speed = calloc(n, sizeof *speed);
    if (!speed)
        return fail_memory(error);
    for (size_t i = 0; i < n; i++)
        speed[i] = (int32_t)values[i];
    speeds_free(out);
    *out = (cli_speeds){.n = n, .speed = speed};
    return true;
}

bool speeds_read(const char *text, cli_speeds *out, cpb_error *error)
{
    cli_list list = {0};
    const bool good =
        (*text == '@' ? list_read_file(text + 1, &rules, &list, error)
                      : list_read_text("--speeds", text, &rules, &list, error)) &&
        replace(list.n, list.value, out, error);
    list_free(&list);
    return good;
}

bool speeds_fit(const cli_speeds *speeds, int64_t ranks, cpb_error *error)
{
    if (!speeds->n || (int64_t)speeds->n == ranks)
        return true;
    return fail(error,
                "--speeds has %zu numbers but there are %" PRId64
                " ranks; accepted is one speed per rank",
                speeds->n, ranks);
}

json_t *speeds_to_json(const int32_t *speed, int32_t ranks)
{
    bool good = true;
    if (!speed)
        return json_null();
    json_t *const list = json_array();
    for (int32_t r = 0; r < ranks && good; r++)
        json_push(list, json_integer(speed[r]), &good);
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static bool in_range(size_t n, const int64_t *values, cpb_error *error)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] < 1 || values[i] > CPB_MAX_SPEED)
            return fail(error,
                        "speeds[%zu] is %" PRId64
                        "; accepted are whole numbers from 1 to %d",
                        i, values[i], CPB_MAX_SPEED);
    return true;
}

bool speeds_from_json(const json_t *value, int32_t ranks, cli_speeds *out,
                      cpb_error *error)
{
    const size_t n = (size_t)ranks;
    if (json_is_null(value))
        return true;
    int64_t *const values = calloc(n, sizeof *values);
    const bool good = (values || fail_memory(error)) &&
                      json_integers(value, "speeds", n, values, error) &&
                      in_range(n, values, error) && replace(n, values, out, error);
    free(values);
    return good;
}

void speeds_free(cli_speeds *speeds)
{
    free(speeds->speed);
    *speeds = (cli_speeds){0};
}
