/* SPDX-License-Identifier: MIT */
#ifndef GENERATE_OPTIONS_H
#define GENERATE_OPTIONS_H

#include <stdint.h>

#include "run.h"

struct options {
	const char *model;
	const char *prompts[RUN_SEQUENCES];
	uint32_t prompt_count;
	uint32_t most;			/* tokens to write */
	double temperature, top_p;
	uint64_t seed;
	enum accel_type cache;
	int is_batch, is_quiet, shows_ids, checks;
};

/** options_parse() - Read the command line and the file of prompts, or end the program. */
struct options options_parse(int argc, char **argv);

#endif
