// SPDX-License-Identifier: MIT
/* maru-card: the slot, or with --core the core that a slot started. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "firmware-emu/core/core.h"
#include "firmware-emu/log.h"
#include "firmware-emu/options.h"
#include "firmware-emu/slot/slot.h"

#define EXIT_USAGE	2

int main(int argc, char **argv)
{
	struct options options;
	char error[200];
	int ret;

	if (options_parse(&options, argc, argv, error, sizeof(error))) {
		fprintf(stderr, "maru-card: %s (see --help)\n", error);
		return EXIT_USAGE;
	}
	if (options.is_help) {
		options_usage(stdout);
		return 0;
	}
	if (options.is_version) {
		printf("maru-card %s\n", OPTIONS_VERSION);
		return 0;
	}
	signal(SIGPIPE, SIG_IGN);
	log_set_level((enum log_level)options.log_level);
	if (options.core_fd >= 0)
		return core_main(options.core_fd);
	if (options.log_file) {
		ret = log_open(options.log_file);
		if (ret) {
			fprintf(stderr, "maru-card: --log %s: %s\n", options.log_file,
				strerror(-ret));
			return EXIT_USAGE;
		}
	}
	return slot_run(&options);
}
