// SPDX-License-Identifier: GPL-2.0-only
/* All 256 ioctl numbers as a user without any right: the listed ones pass, the rest is -ENOTTY. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"

#define NOBODY	65534
#define NR(request)	_IOC_NR(request)

/* SET_CLIENT_NAME came after 6.12: either answer is right. */
#define NR_SET_CLIENT_NAME	0xd1

static bool is_core(unsigned int nr)
{
	switch (nr) {
	case NR(DRM_IOCTL_VERSION):
	case NR(DRM_IOCTL_GET_CAP):
	case NR(DRM_IOCTL_GEM_CLOSE):
	case NR(DRM_IOCTL_PRIME_HANDLE_TO_FD):
	case NR(DRM_IOCTL_PRIME_FD_TO_HANDLE):
	case NR(DRM_IOCTL_SYNCOBJ_CREATE):
	case NR(DRM_IOCTL_SYNCOBJ_DESTROY):
	case NR(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD):
	case NR(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE):
	case NR(DRM_IOCTL_SYNCOBJ_WAIT):
	case NR(DRM_IOCTL_SYNCOBJ_RESET):
	case NR(DRM_IOCTL_SYNCOBJ_SIGNAL):
	case NR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT):
	case NR(DRM_IOCTL_SYNCOBJ_QUERY):
	case NR(DRM_IOCTL_SYNCOBJ_TRANSFER):
	case NR(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL):
	case NR(DRM_IOCTL_SYNCOBJ_EVENTFD):
		return true;
	}
	return false;
}

static bool is_own(unsigned int nr)
{
	switch (nr - DRM_COMMAND_BASE) {
	case DRM_MARU_QUERY ... DRM_MARU_BO_WAIT:
	case DRM_MARU_VM_CREATE ... DRM_MARU_SUBMIT:
		return true;
	}
	return false;
}

static int try(int fd, unsigned int type, unsigned int nr, unsigned int size)
{
	char arg[4096] = { 0 };

	return ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, type, nr, size), arg) ? errno : 0;
}

/* Returns the number of wrong answers. */
static int try_all(int fd)
{
	static const unsigned int sizes[] = { 0, 4, 8, 64, 256, 4000 };
	int wrong = 0;

	for (unsigned int nr = 0; nr < 256; nr++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			bool listed = is_core(nr) || is_own(nr);
			int err = try(fd, DRM_IOCTL_BASE, nr, sizes[i]);

			if (nr == NR_SET_CLIENT_NAME || listed == (err != ENOTTY))
				continue;
			ksft_print_msg("nr 0x%02x size %u: %s\n", nr, sizes[i], strerror(err));
			wrong++;
		}
	}
	return wrong;
}

FIXTURE(filter) {
	int fd;
};

FIXTURE_SETUP(filter)
{
	self->fd = node_open();
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(filter)
{
	close(self->fd);
}

TEST_F(filter, all_numbers_as_nobody)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(255);
		_exit(try_all(self->fd) ? 1 : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* the node lives, and so does the next user */
	EXPECT_EQ(0, query(self->fd, DRM_MARU_QUERY_DEVICE, NULL, 0));
}

TEST_F(filter, all_numbers_as_root)
{
	EXPECT_EQ(0, try_all(self->fd));
}

TEST_F(filter, other_types)
{
	for (unsigned int type = 0; type < 256; type++) {
		/* T: the tty's, some of which every file answers */
		if (type == DRM_IOCTL_BASE || type == 'T' || type == 'f')
			continue;
		EXPECT_EQ(ENOTTY, try(self->fd, type, NR(DRM_IOCTL_VERSION), 64));
	}
}

/* These two dereference a master that accel nodes do not have. */
TEST_F(filter, magic_and_unique)
{
	struct drm_auth auth = { 0 };
	struct drm_unique unique = { 0 };

	EXPECT_EQ(-ENOTTY, node_call(self->fd, DRM_IOCTL_GET_MAGIC, &auth));
	EXPECT_EQ(-ENOTTY, node_call(self->fd, DRM_IOCTL_GET_UNIQUE, &unique));
	EXPECT_EQ(-ENOTTY, node_call(self->fd, DRM_IOCTL_SET_VERSION, &auth));
}

TEST_HARNESS_MAIN
