// SPDX-License-Identifier: Apache-2.0
/* The axes of a sweep: lists of what it tries with each pack. */
#include "axes.h"

#include "message.h"
#include "number.h"

#include <stdlib.h>
#include <string.h>

/* One value of a list. */
typedef bool read_item(const char *flag, const char *item, int64_t *value,
                       cpb_error *error);

static bool read_ranks(const char *flag, const char *item, int64_t *value,
                       cpb_error *error)
{
    return number_read(flag, item, 1, CPB_MAX_RANKS, value, error);
}

static bool read_tolerance(const char *flag, const char *item, int64_t *value,
                           cpb_error *error)
{
    return number_read_ppm(flag, item, value, error);
}

static bool read_balancer(const char *flag, const char *item, int64_t *value,
                          cpb_error *error)
{
    enum { MOST = 32 };
    const char *names[MOST];
    size_t n = 0;
    for (; n < MOST && cpb_balancer_name(n); n++) {
        names[n] = cpb_balancer_name(n);
        *value = (int64_t)n;
        if (!strcmp(item, names[n]))
            return true;
    }
    const char *const guess = nearest(item, n, names);
    return fail(error, "%s: \"%.40s\" is no balancer; %s%s%s", flag, item,
                guess ? "did you mean " : "--help lists them", guess ? guess : "",
                guess ? "?" : "");
}

static bool add_item(const char *flag, const char *item, read_item *read,
                     cli_list *list, cpb_error *error)
{
    int64_t value;
    if (!read(flag, item, &value, error))
        return false;
    for (size_t i = 0; i < list->n; i++)
        if (list->value[i] == value)
            return fail(error, "%s has %.40s twice; accepted is each once", flag, item);
    return list_add(list, value, error);
}

static bool read_items(const char *flag, const char *text, read_item *read,
                       cli_list *list, cpb_error *error)
{
    char *const copy = strdup(text);
    bool good = copy || fail_memory(error);
    for (char *item = copy; good && item;) {
        char *const comma = strchr(item, ',');
        if (comma)
            *comma = '\0';
        good = add_item(flag, item, read, list, error);
        item = comma ? comma + 1 : NULL;
    }
    free(copy);
    return good;
}

bool axes_read_ranks(const char *text, cli_axes *axes, cpb_error *error)
{
    return read_items("--ranks", text, read_ranks, &axes->ranks, error);
}

bool axes_read_tolerances(const char *text, cli_axes *axes, cpb_error *error)
{
    return read_items("--tolerance", text, read_tolerance, &axes->tolerance_ppm, error);
}

bool axes_read_balancers(const char *flag, const char *text, cli_axes *axes,
                         cpb_error *error)
{
    return read_items(flag, text, read_balancer, &axes->balancer, error);
}

bool axes_complete(cli_axes *axes, cpb_error *error)
{
    if (!axes->tolerance_ppm.n &&
        !list_add(&axes->tolerance_ppm, cpb_options_default().tolerance_ppm, error))
        return false;
    if (axes->balancer.n)
        return true;
    for (size_t b = 0; cpb_balancer_name(b); b++)
        if (!list_add(&axes->balancer, (int64_t)b, error))
            return false;
    return true;
}

void axes_free_completion(cli_axes *axes, const cli_axes *said)
{
    if (!said->tolerance_ppm.n)
        list_free(&axes->tolerance_ppm);
    if (!said->balancer.n)
        list_free(&axes->balancer);
}

size_t axes_size(const cli_axes *axes)
{
    return axes->ranks.n * axes->tolerance_ppm.n * axes->balancer.n;
}

void axes_free(cli_axes *axes)
{
    list_free(&axes->ranks);
    list_free(&axes->tolerance_ppm);
    list_free(&axes->balancer);
}
