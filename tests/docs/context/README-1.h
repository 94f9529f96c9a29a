// SPDX-License-Identifier: Apache-2.0
/* Arrays of the caller. */
extern int64_t order[], inverse[];
