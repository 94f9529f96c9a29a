// SPDX-License-Identifier: Apache-2.0
/* Aligned tables of text. */
#define _XOPEN_SOURCE 700 /* POSIX 2008 */
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool table_create(size_t rows, size_t columns, cli_table *table)
{
    *table = (cli_table){.rows = rows, .columns = columns};
    table->cell = calloc(rows * columns, sizeof *table->cell);
    table->bold = calloc(rows * columns, sizeof *table->bold);
    return table->cell && table->bold;
}

void table_free(cli_table *table)
{
    free(table->cell);
    free(table->bold);
}

char *table_cell(cli_table *table, size_t row, size_t column)
{
    return table->cell[row * table->columns + column];
}

static int width_of(const cli_table *table, size_t column)
{
    size_t width = 0;
    for (size_t row = 0; row < table->rows; row++) {
        const size_t length = strlen(table->cell[row * table->columns + column]);
        if (length > width)
            width = length;
    }
    return (int)width;
}

void table_print(const cli_table *table, bool colours, FILE *stream)
{
    for (size_t row = 0; row < table->rows; row++) {
        for (size_t column = 0; column < table->columns; column++) {
            const size_t i = row * table->columns + column;
            const bool bold = colours && table->bold[i];
            const int width = width_of(table, column);
            fprintf(stream, "%s%s%*s%s", column ? "  " : "", bold ? "\x1b[1m" : "",
                    column ? width : -width, table->cell[i], bold ? "\x1b[0m" : "");
        }
        fputc('\n', stream);
    }
}

bool table_is_terminal(FILE *stream)
{
    const char *const kind = getenv("TERM");
    return isatty(fileno(stream)) && (!kind || strcmp(kind, "dumb"));
}

/* Put commas between the thousands of digits[0 .. n), behind what `text` has. */
static char *group(const char *digits, size_t n, char *text)
{
    for (size_t i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            *text++ = ',';
        *text++ = digits[i];
    }
    *text = '\0';
    return text;
}

char *table_thousands(int64_t value, char text[TABLE_CELL_BYTES])
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, value);
    const size_t sign = value < 0;
    text[0] = '-';
    group(digits + sign, strlen(digits) - sign, text + sign);
    return text;
}

char *table_count(int64_t value, const char *one, char text[TABLE_CELL_BYTES])
{
    table_thousands(value, text);
    const size_t n = strlen(text);
    const char *const many = one[strlen(one) - 1] == 'h' ? "es" : "s"; /* micro-batch */
    snprintf(text + n, TABLE_CELL_BYTES - n, " %s%s", one, value == 1 ? "" : many);
    return text;
}

char *table_decimals(double value, int decimals, char text[TABLE_CELL_BYTES])
{
    char digits[TABLE_CELL_BYTES - 10];
    if (!(value > -1e15 && value < 1e15)) {
        snprintf(text, TABLE_CELL_BYTES, "%.3e", value);
        return text;
    }
    snprintf(digits, sizeof digits, "%.*f", decimals, value);
    const size_t sign = *digits == '-';
    const size_t whole = strcspn(digits + sign, ".");
    text[0] = '-';
    char *const end = group(digits + sign, whole, text + sign);
    strcpy(end, digits + sign + whole);
    return text;
}
