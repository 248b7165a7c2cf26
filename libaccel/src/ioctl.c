// SPDX-License-Identifier: MIT
#include <errno.h>

#include <xf86drm.h>

#include "ioctl.h"

int accel_ioctl(int fd, unsigned long request, void *argument)
{
	return drmIoctl(fd, request, argument) ? -errno : 0;
}
