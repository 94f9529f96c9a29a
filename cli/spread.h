// SPDX-License-Identifier: Apache-2.0
/* How values spread: quantiles of any number of them in little memory. */
#ifndef CPB_CLI_SPREAD_H
#define CPB_CLI_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Counts of values that agree in exponent and leading bits; starts as {0}. What it
 * answers does not depend on the order in which values came. Memory grows with the
 * number of different powers of two among them, not with their number. */
typedef struct cli_spread {
    int64_t n;
    double most;
    size_t n_pages;
    struct spread_page *page; /* [n_pages] by ascending power of two */
} cli_spread;

/* Add a value >= 0 (less counts as 0); false when memory ends. */
bool spread_add(cli_spread *spread, double value);

/* The quantile at `percent` of n > 0 values: at least that share of them is not above it.
 * One of the values, and less than 1/256 of itself below the exact one; exact where no
 * other value is that near. */
double spread_quantile(const cli_spread *spread, int percent);

void spread_free(cli_spread *spread);

#endif
