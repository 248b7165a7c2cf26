// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/maru_hw.h"
#include "lib_bus.h"

#define DRIVER	"/sys/bus/pci/drivers/maru"

static int bus_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n < 0 ? -EIO : 0;
}

int bus_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

void bus_path(char *path, size_t size, const char *file)
{
	char name[512], text[32];
	glob_t found;

	path[0] = '\0';
	if (glob("/sys/bus/pci/devices/*", 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc && !path[0]; i++) {
		snprintf(name, sizeof(name), "%s/vendor", found.gl_pathv[i]);
		if (bus_read(name, text, sizeof(text)) ||
		    strtoul(text, NULL, 16) != MARU_PCI_VENDOR)
			continue;
		snprintf(name, sizeof(name), "%s/device", found.gl_pathv[i]);
		if (bus_read(name, text, sizeof(text)) ||
		    strtoul(text, NULL, 16) != MARU_PCI_DEVICE)
			continue;
		snprintf(path, size, "%s/%s", found.gl_pathv[i], file);
	}
	globfree(&found);
}

int bus_read_hex(const char *file, unsigned long *value)
{
	char path[512], text[32];
	int err;

	bus_path(path, sizeof(path), file);
	err = bus_read(path, text, sizeof(text));
	if (!err)
		*value = strtoul(text, NULL, 16);
	return err;
}

static int bus_write_device(const char *file)
{
	char path[512];

	bus_path(path, sizeof(path), file);
	return bus_write(path, "1");
}

static int bus_write_driver(const char *file)
{
	char path[512], *name;

	bus_path(path, sizeof(path), "");
	if (!path[0])
		return -ENODEV;
	path[strlen(path) - 1] = '\0';
	name = strrchr(path, '/') + 1;
	return bus_write(file, name);
}

int bus_reset(void)
{
	return bus_write_device("reset");
}

int bus_bind(void)
{
	return bus_write_driver(DRIVER "/bind");
}

int bus_unbind(void)
{
	return bus_write_driver(DRIVER "/unbind");
}

int bus_remove(void)
{
	return bus_write_device("remove");
}

int bus_rescan(void)
{
	return bus_write("/sys/bus/pci/rescan", "1");
}

bool bus_is_bound(void)
{
	char path[512];

	bus_path(path, sizeof(path), "driver");
	return path[0] && !access(path, F_OK);
}

bool bus_has_card(void)
{
	char path[512];

	bus_path(path, sizeof(path), "");
	return path[0];
}

long bus_module_refs(void)
{
	char text[32];

	if (bus_read("/sys/module/maru/refcnt", text, sizeof(text)))
		return -1;
	return strtol(text, NULL, 10);
}

int bus_module_wait_unused(unsigned int ms)
{
	for (unsigned int waited = 0; bus_module_refs(); waited += 20) {
		if (waited > ms)
			return -ETIME;
		usleep(20000);
	}
	return 0;
}
