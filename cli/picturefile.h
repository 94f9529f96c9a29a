// SPDX-License-Identifier: Apache-2.0
/* Pictures as files; the ending of the name says which format. */
#ifndef CPB_CLI_PICTUREFILE_H
#define CPB_CLI_PICTUREFILE_H

#include "picture/picture.h"

#include <cpb/cpb.h>

/* What .svg, .png or .pdf says; refuses other endings, and everything where the program
 * was built without pictures. Ask before work is done. */
bool picturefile_format(const char *path, picture_format *format, cpb_error *error);

/* Render a picture and write it, whole or not at all. */
bool picturefile_write(const picture *p, const char *path, cpb_error *error);

#endif
