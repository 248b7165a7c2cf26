// SPDX-License-Identifier: GPL-2.0-only
/* maru-card with the fake core, for tests of the slot as a process. */
#include <signal.h>
#include <stdio.h>

#include "firmware-emu/log.h"
#include "firmware-emu/slot/slot.h"
#include "selftests/host/fake_core.h"

int main(int argc, char **argv)
{
	struct options options;
	char error[200];

	if (options_parse(&options, argc, argv, error, sizeof(error))) {
		fprintf(stderr, "fake_card: %s\n", error);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (options.core_fd >= 0)
		return fake_core_main(options.core_fd);
	log_set_level((enum log_level)options.log_level);
	if (options.log_file && log_open(options.log_file))
		return 2;
	return slot_run(&options);
}
