/* SPDX-License-Identifier: MIT */
/* The one user of oneDNN. */
#ifndef MARU_ONEDNN_H
#define MARU_ONEDNN_H

#include <stdint.h>

/** onednn_init() - Limit the library to an ISA level. Return: 0 or -errno. */
int onednn_init(uint32_t level);

/** onednn_version() - Version string, kept for ever. */
const char *onednn_version(void);

#endif
