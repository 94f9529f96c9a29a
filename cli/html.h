// SPDX-License-Identifier: Apache-2.0
/* Pieces of HTML that hold everything they need. */
#ifndef CPB_CLI_HTML_H
#define CPB_CLI_HTML_H

#include "picture/picture.h"

#include <cpb/cpb.h>
#include <stdio.h>

/* Text, with what HTML gives a meaning escaped; fit for attributes in double quotes. */
void html_text(FILE *stream, const char *text);

/* A picture inside the page, its notes as areas that have titles. */
bool html_picture(FILE *stream, const picture *p, const char *caption,
                  cpb_error *error);

/* Style and script of a page with tables that can be sorted and things that have titles.
 * The script only adds to what is readable without it. */
void html_begin(FILE *stream, const char *title);
void html_end(FILE *stream);

#endif
