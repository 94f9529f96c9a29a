// SPDX-License-Identifier: Apache-2.0
/* Aligned tables of text. */
#ifndef CPB_CLI_TABLE_H
#define CPB_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes of a cell, the closing zero included. */
enum { TABLE_CELL_BYTES = 40 };

/* Cells row by row; row 0 is the title row. The first column is flush left, the others
 * are flush right. */
typedef struct cli_table {
    size_t rows, columns;
    char (*cell)[TABLE_CELL_BYTES]; /* [rows * columns] */
    bool *bold;                     /* [rows * columns] */
} cli_table;

/* Empty cells; false when memory ends. */
bool table_create(size_t rows, size_t columns, cli_table *table);

char *table_cell(cli_table *table, size_t row, size_t column);

/* Print; bold cells stand out only where `colours`. */
void table_print(const cli_table *table, bool colours, FILE *stream);

void table_free(cli_table *table);

/* Whether a stream is a terminal that wants to be drawn on. */
bool table_is_terminal(FILE *stream);

/* A whole number with commas between thousands; returns `text`. */
char *table_thousands(int64_t value, char text[TABLE_CELL_BYTES]);

/* How many of what, as in `1 rank` and `1,024 ranks`; returns `text`. */
char *table_count(int64_t value, const char *one, char text[TABLE_CELL_BYTES]);

/* As table_thousands() for a real number with `decimals` decimals. */
char *table_decimals(double value, int decimals, char text[TABLE_CELL_BYTES]);

#endif
