// SPDX-License-Identifier: Apache-2.0
/* Figures of balancers over packs, and the table of their medians. */
#ifndef CPB_BENCH_TRAFFIC_TABLE_H
#define CPB_BENCH_TRAFFIC_TABLE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct traffic_case {
    int64_t tokens;
    int32_t ranks;
} traffic_case;

/* One balancer on one pack. */
typedef struct traffic_figures {
    bool made;    /* else the balancer refused, and nothing below counts */
    double bound; /* keys that no plan within the tolerance goes below */
    double total, receive, send; /* keys */
    double runs;
    double load;
    double excess;                /* load / max(mean, bound) - 1 */
    double size;                  /* largest shard / mean */
    double plan, flat, two_level; /* seconds; NAN: not measured */
    double card;                  /* busiest card, of an all-gather's */
} traffic_figures;

enum { MOST_ROWS = 32 };

typedef struct traffic_table {
    traffic_case at;
    int packs;
    size_t n_rows;
    const char *names[MOST_ROWS];
    traffic_figures *cells; /* [packs][MOST_ROWS] */
} traffic_table;

traffic_table traffic_table_new(const traffic_case *at, int packs);
void traffic_table_add(traffic_table *table, const char *name);
void traffic_table_free(traffic_table *table);

traffic_figures *traffic_cell(const traffic_table *table, int pack, size_t row);

/* Print medians over packs and worst ones. Where `before` has rows, it is the same table
 * at another tolerance, to which totals are compared. */
void traffic_table_print(const traffic_table *table, const char *source,
                         double tolerance, const traffic_table *before);

#endif
