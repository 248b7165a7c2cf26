// SPDX-License-Identifier: GPL-2.0-only
/* The card from outside: its control socket (a virtio-serial port) and the driver's debugfs. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "lib.h"

#define CONTROL_PORT	"maru.control.0"
#define ANSWER_MS	10000

static json_t *answer;

/* By its link, or by its name in sysfs where no udev made the link. */
static int control_open(void)
{
	char node[96] = "/dev/virtio-ports/" CONTROL_PORT, name[64];
	glob_t found;
	int fd;

	fd = open(node, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (glob("/sys/class/virtio-ports/*/name", 0, NULL, &found))
		return -ENOENT;
	fd = -ENOENT;
	for (size_t i = 0; i < found.gl_pathc && fd < 0; i++) {
		FILE *file = fopen(found.gl_pathv[i], "re");

		if (file && fgets(name, sizeof(name), file) &&
		    !strncmp(name, CONTROL_PORT "\n", sizeof(CONTROL_PORT)) &&
		    sscanf(found.gl_pathv[i], "/sys/class/virtio-ports/%40[^/]", name) == 1) {
			snprintf(node, sizeof(node), "/dev/%s", name);
			fd = open(node, O_RDWR | O_CLOEXEC);
			if (fd < 0)
				fd = -errno;
		}
		if (file)
			fclose(file);
	}
	globfree(&found);
	return fd;
}

static int control_send(int fd, const char *line)
{
	size_t length = strlen(line), sent = 0;

	while (sent < length) {
		ssize_t n = write(fd, line + sent, length - sent);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			sent += n;
	}
	return 0;
}

static int control_receive(int fd, char *line, size_t size)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	size_t used = 0;

	while (used < size - 1) {
		ssize_t n;

		if (poll(&poller, 1, ANSWER_MS) != 1)
			return -ETIME;
		n = read(fd, line + used, 1);
		if (n == 0)
			return -EPIPE;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n == 1 && line[used++] == '\n')
			break;
	}
	line[used] = '\0';
	return 0;
}

int card_control(const char *format, ...)
{
	static char line[65536];
	va_list args;
	int fd, err, length;

	va_start(args, format);
	length = vsnprintf(line, 4096, format, args);
	va_end(args);
	for (char *c = line; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	strcpy(line + length, "\n");

	fd = control_open();
	if (fd < 0)
		return fd;
	err = control_send(fd, line);
	if (!err)
		err = control_receive(fd, line, sizeof(line));
	close(fd);
	if (err)
		return err;
	json_decref(answer);
	answer = json_loads(line, 0, NULL);
	return json_is_true(json_object_get(answer, "ok")) ? 0 : -EIO;
}

int card_arm(const char *point, const char *action, unsigned int skip)
{
	return card_control("{'cmd':'inject','point':'%s','action':'%s','skip':%u}", point, action,
			    skip);
}

int card_release(const char *point)
{
	return card_control("{'cmd':'release','point':'%s'}", point);
}

static uint64_t card_point(const char *point, const char *field)
{
	char path[96];

	if (card_control("{'cmd':'points'}"))
		return ~0ULL;
	snprintf(path, sizeof(path), "points/%s/%s", point, field);
	return card_answer(path);
}

uint64_t card_fired(const char *point)
{
	return card_point(point, "fired");
}

uint64_t card_holding(const char *point)
{
	return card_point(point, "holding");
}

uint64_t card_hits(const char *point)
{
	return card_point(point, "hits");
}

int card_wait_holding(const char *point, unsigned int ms)
{
	uint64_t end = now_ns() + ms * 1000000ULL, holding;

	while ((holding = card_holding(point)) == 0 || holding == ~0ULL) {
		if (now_ns() > end)
			return -ETIME;
		usleep(5000);
	}
	return 0;
}

uint64_t card_answer(const char *path)
{
	char part[64];
	json_t *at = answer;

	while (at && *path) {
		size_t length = strcspn(path, "/");

		if (length >= sizeof(part))
			return ~0ULL;
		memcpy(part, path, length);
		part[length] = '\0';
		at = json_object_get(at, part);
		path += length + (path[length] == '/');
	}
	return json_is_integer(at) ? (uint64_t)json_integer_value(at) : ~0ULL;
}

static FILE *objects_open(void)
{
	FILE *file = NULL;
	glob_t found;

	if (!glob("/sys/kernel/debug/accel/*:*/objects", 0, NULL, &found)) {
		file = fopen(found.gl_pathv[0], "re");
		globfree(&found);
	}
	return file;
}

uint64_t objects(const char *name)
{
	char line[128], key[64];
	uint64_t value = ~0ULL;
	unsigned long long number;
	FILE *file = objects_open();

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %llu", key, &number) == 2 && !strcmp(key, name))
			value = number;
	}
	if (file)
		fclose(file);
	return value;
}

int objects_wait(const char *name, uint64_t value, unsigned int ms)
{
	uint64_t end = now_ns() + ms * 1000000ULL;

	while (objects(name) != value) {
		if (now_ns() > end)
			return -ETIME;
		usleep(20000);
	}
	return 0;
}

int objects_read(struct objects *all)
{
	FILE *file = objects_open();
	size_t n = file ? fread(all->text, 1, sizeof(all->text) - 1, file) : 0;

	if (file)
		fclose(file);
	all->text[n] = '\0';
	return n ? 0 : -ENOENT;
}

int objects_wait_same(const struct objects *as, unsigned int ms)
{
	uint64_t end = now_ns() + ms * 1000000ULL;
	struct objects now;

	while (objects_read(&now) || strcmp(as->text, now.text)) {
		if (now_ns() > end) {
			fprintf(stderr, "# objects were\n%s# and are\n%s", as->text, now.text);
			return -ETIME;
		}
		usleep(20000);
	}
	return 0;
}

int boot_id(int fd, uint32_t *id)
{
	struct drm_maru_device device = { 0 };
	int err;

	err = query(fd, DRM_MARU_QUERY_DEVICE, &device, sizeof(device));
	*id = device.boot_id;
	return err;
}

int boot_wait(int fd, uint32_t old, unsigned int ms)
{
	uint64_t end = now_ns() + ms * 1000000ULL;
	uint32_t now;

	while (boot_id(fd, &now) || now == old) {
		if (now_ns() > end)
			return -ETIME;
		usleep(10000);
	}
	return 0;
}
