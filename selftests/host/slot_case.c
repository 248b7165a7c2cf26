// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "firmware-emu/log.h"
#include "selftests/host/fake_core.h"
#include "selftests/host/slot_case.h"

struct slot case_card;
struct vfu case_vfu;

static int fds_before;
static int log_fd;		/* standard error meanwhile */

enum vfu_way case_way(void **state)
{
	return (enum vfu_way)(uintptr_t)*state;
}

int case_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* A file that can be made shorter again. */
int case_memfd(uint64_t bytes)
{
	int fd = memfd_create("case", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)bytes))
		abort();
	return fd;
}

int case_log_begin(void)
{
	int file = case_memfd(0);

	log_fd = dup(STDERR_FILENO);
	if (log_fd < 0 || dup2(file, STDERR_FILENO) < 0)
		abort();
	return file;
}

void case_log_end(void)
{
	dup2(log_fd, STDERR_FILENO);
	close(log_fd);
}

static int case_make(void)
{
	const struct options options = {
		.private_fd = -1, .core_fd = -1, .hbm_bytes = CASE_HBM_BYTES,
		.cxl_bytes = CASE_CXL_BYTES, .log_level = LOG_ERROR,
	};

	fds_before = case_fds();
	return slot_init(&case_card, &options);
}

int case_setup_raw(void **state)
{
	return case_make() || vfu_connect(&case_vfu, &case_card, case_way(state));
}

int case_setup(void **state)
{
	return case_make() || vfu_open(&case_vfu, &case_card, case_way(state)) ||
	       vfu_wait_status(&case_vfu, MARU_STATUS_READY, 10000);
}

int case_teardown(void **state)
{
	int fds;

	(void)state;
	vfu_close(&case_vfu);
	slot_fini(&case_card);
	fds = case_fds();
	if (fds != fds_before)
		print_error("%d descriptors before, %d after\n", fds_before, fds);
	return fds != fds_before;
}

int case_main(int argc, char **argv, const char *group, const struct CMUnitTest *tests, size_t n,
	      const struct check *checks, size_t check_count)
{
	if (argc == 3 && !strcmp(argv[1], "--core"))
		return fake_core_main(atoi(argv[2]));
	signal(SIGPIPE, SIG_IGN);
	/* Hostile input is warned of by the thousand; errors are shown. */
	log_set_level(LOG_ERROR);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests(group, tests, n, NULL, NULL) +
	       check_list(checks, check_count, tests, n);
}
