// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decoding, by the direct way, in a steady state: neither the program nor the processes of its
 * card take a page fault any more, so nothing is allocated or touched anew.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "samples/generate/run.h"

#define MODEL		"samples/generate/model.gguf"
#define WINDOW		40u	/* tokens between two looks */
#define WINDOWS		5u

/* Minor and major ones; 0 for what is neither this process nor a maru-card or maru-core. */
static unsigned long faults_of(const char *pid, unsigned int *count)
{
	char path[300], line[600] = "", *rest;
	unsigned long minor, major;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	rest = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	if (!rest || (atoi(pid) != getpid() && !strstr(line, "(maru-c")) ||
	    sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %lu %*u %lu", &minor, &major) != 2)
		return 0;
	++*count;
	return minor + major;
}

/* The toolbox has process numbers of its own: no other card runs beside ours. */
static unsigned long faults_of_ours(unsigned int *count)
{
	DIR *dir = opendir("/proc");
	unsigned long faults = 0;
	struct dirent *entry;

	assert_non_null(dir);
	*count = 0;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
			faults += faults_of(entry->d_name, count);
	closedir(dir);
	return faults;
}

struct look {
	uint32_t tokens;
	unsigned int looks, processes;
	unsigned long faults[WINDOWS + 1];
};

static void look(void *context, uint32_t sequence, int32_t token)
{
	struct look *look = context;

	(void)sequence, (void)token;
	if (++look->tokens % WINDOW == 0 && look->looks <= WINDOWS)
		look->faults[look->looks++] = faults_of_ours(&look->processes);
}

static void decoding_takes_no_page_fault(void **state)
{
	static const int32_t prompt = 70;
	static int32_t tokens[(WINDOWS + 1) * WINDOW + 1];
	struct sequence sequence = { .prompt = &prompt, .prompt_count = 1, .tokens = tokens };
	unsigned long least = ~0ul;
	struct look found = { 0 };
	struct weights weights;
	struct engine engine;
	struct shape shape;
	struct gguf file;
	struct card card;
	struct run run = { .engine = &engine, .sequences = &sequence, .eos = -1, .greedy = 1,
			   .most = (WINDOWS + 1) * WINDOW, .token = look, .context = &found };

	(void)state;
	assert_int_equal(gguf_open(&file, MODEL) || shape_load(&shape, &file), 0);
	OK(accel_device_open("direct,hbm=192M,cxl=0,threads=2", &card.device));
	OK(accel_queue_create(card.device, NULL, &card.queue));
	weights_load(&weights, &card, &shape);
	engine_create(&engine, &card, &shape, &weights, 1, 256, ACCEL_TYPE_F32);
	run_all(&run);
	accel_device_close(card.device);
	assert_int_equal(found.looks, WINDOWS + 1);
	assert_true(found.processes >= 3);	/* this one, the slot and the core */
	for (unsigned int i = 0; i < WINDOWS; i++) {
		unsigned long faults = found.faults[i + 1] - found.faults[i];

		print_message("# tokens %u to %u: %lu page faults\n", (i + 1) * WINDOW,
			      (i + 2) * WINDOW, faults);
		least = faults < least ? faults : least;
	}
	/* The machine may take pages away: one stretch has to be free of it. */
#ifndef __SANITIZE_ADDRESS__	/* whose own memory grows */
	assert_int_equal(least, 0);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding_takes_no_page_fault),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("steady", tests, NULL, NULL);
}
