// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "selftests/host/direct_case.h"

void case_open(struct direct_case *c)
{
	const char *spec = getenv("CASE_DEVICE");

	OK(accel_device_open(spec ? spec : SPEC, &c->card));
	OK(accel_queue_create(c->card, NULL, &c->queue));
	OK(accel_cmd_create(c->card, 0, &c->cmd));
}

void case_close(struct direct_case *c)
{
	accel_device_close(c->card);
}

int case_run(struct accel_queue *queue, struct accel_cmd *cmd)
{
	struct accel_fence fence;
	int error = accel_queue_submit(queue, cmd, &fence);

	return error ? error : accel_fence_wait(fence, accel_deadline(20000000000ll));
}

struct accel_tensor case_tensor(struct accel_device *card, enum accel_type type, uint32_t rows,
				uint32_t columns)
{
	struct accel_tensor tensor;

	OK(accel_tensor_create(card, ACCEL_TIER_HBM, type, 2, SHAPE(rows, columns), &tensor));
	return tensor;
}

void case_slow(struct accel_device *card, struct accel_cmd *cmd, unsigned int copies)
{
	struct accel_tensor a = case_tensor(card, ACCEL_TYPE_F32, 512, 512);
	struct accel_tensor b = case_tensor(card, ACCEL_TYPE_F32, 512, 512);
	struct accel_tensor c = case_tensor(card, ACCEL_TYPE_F32, 512, 512);

	/* There and back: a second run would read what the first one wrote. */
	for (unsigned int i = 0; i < copies; i++) {
		OK(accel_cmd_matmul(cmd, c, a, b, NULL));
		OK(accel_cmd_matmul(cmd, b, a, c, NULL));
	}
	accel_tensor_destroy(&a);
	accel_tensor_destroy(&b);
	accel_tensor_destroy(&c);
}

const char *case_mark(void)
{
	static char mark[64];
	static int number;

	snprintf(mark, sizeof(mark), "MARU_TEST_MARK=%d.%d", (int)getpid(), ++number);
	setenv("MARU_TEST_MARK", mark + strlen("MARU_TEST_MARK="), 1);
	return mark;
}

static int file_has(const char *pid, const char *name, const char *what)
{
	char path[300], text[65536];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.200s/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text));
	close(fd);
	return n > 0 && memmem(text, (size_t)n, what, strlen(what));
}

unsigned int case_processes(const char *mark, int is_core, pid_t *pids, unsigned int room)
{
	DIR *proc = opendir("/proc");
	unsigned int count = 0;
	struct dirent *entry;

	assert_non_null(proc);
	while ((entry = readdir(proc))) {
		if (atoi(entry->d_name) <= 0 || !file_has(entry->d_name, "cmdline", "maru-card") ||
		    !file_has(entry->d_name, "environ", mark) ||
		    (is_core && !file_has(entry->d_name, "cmdline", "--core")))
			continue;
		if (count < room)
			pids[count] = atoi(entry->d_name);
		count++;
	}
	closedir(proc);
	return count;
}

int case_wait_gone(const char *mark, int ms)
{
	pid_t pid;

	for (; ms >= 0; ms -= 10) {
		if (!case_processes(mark, 0, &pid, 1))
			return 0;
		usleep(10000);
	}
	return -1;
}
