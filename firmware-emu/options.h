/* SPDX-License-Identifier: MIT */
/* The command line of maru-card. */
#ifndef MARU_OPTIONS_H
#define MARU_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define OPTIONS_VERSION		"0.1.0"
#define OPTIONS_MAX_THREADS	256
#define OPTIONS_MAX_PROFILE	4

struct options {
	const char *socket;		/* --socket, or NULL */
	const char *control;		/* --control, or NULL */
	int private_fd;			/* --private, or -1 */
	int core_fd;			/* --core, or -1 */
	uint64_t hbm_bytes;
	uint64_t cxl_bytes;
	unsigned int threads;		/* 0: one per processor */
	uint32_t profile;		/* highest ISA level, ~0: the best there is */
	const char *log_file;		/* or NULL */
	int log_level;
	bool is_once;
	bool is_help;
	bool is_version;
};

int options_parse(struct options *options, int argc, char **argv, char *error, size_t bytes);
int options_parse_bytes(const char *text, uint64_t *bytes);
void options_usage(FILE *to);

#endif
