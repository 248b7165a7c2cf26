/* SPDX-License-Identifier: MIT */
#ifndef ACCEL_IOCTL_H
#define ACCEL_IOCTL_H

/** accel_ioctl() - The one place that calls ioctl(). Return: 0 or -errno; never -EINTR, -EAGAIN. */
int accel_ioctl(int fd, unsigned long request, void *argument);

#endif
