// SPDX-License-Identifier: MIT
/*
 * A card of our own. It belongs to nobody: its parent, a process between, ends at once and
 * silently, so that the program gets no SIGCHLD and no child that it does not know. It ends
 * when the socket does, which the kernel closes however this process ends.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "direct.h"

#define CARD_FD		3
#define REPORT_FD	4

static bool is_card(const char *path)
{
	return !access(path, X_OK);
}

/* Beside the library or the program: as installed, as in a build tree. */
static bool find_near(const char *file, char *path, size_t bytes)
{
	static const char *const places[] = {
		"../libexec/maru/maru-card", "../../libexec/maru/maru-card", "../bin/maru-card",
		"maru-card", "../maru-card",
	};
	char real[PATH_MAX], *slash;

	if (!file || !realpath(file, real))
		return false;
	slash = strrchr(real, '/');
	*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (snprintf(path, bytes, "%s/%s", real, places[i]) < (int)bytes && is_card(path))
			return true;
	}
	return false;
}

static bool find_in_path(char *path, size_t bytes)
{
	const char *at = secure_getenv("PATH");
	size_t length;

	while (at && *at) {
		length = strcspn(at, ":");
		if (*at == '/' && snprintf(path, bytes, "%.*s/maru-card", (int)length, at) <
		    (int)bytes && is_card(path))
			return true;
		at += length;
		at += *at == ':';
	}
	return false;
}

static int find_card(char *path, size_t bytes)
{
	const char *named = secure_getenv("ACCEL_CARD");
	char found[PATH_MAX];
	Dl_info info = { 0 };

	if (named && *named) {
		if (!realpath(named, path) || !is_card(path))
			return accel_refuse(-ENOENT, "accel_device_open: direct: $ACCEL_CARD: "
					    "'%s' can not be started", named);
		return 0;
	}
	if ((dladdr(&accel_kernel_ops, &info) && find_near(info.dli_fname, found, bytes)) ||
	    find_near("/proc/self/exe", found, bytes) || find_in_path(found, bytes)) {
		if (realpath(found, path))
			return 0;
	}
	return accel_refuse(-ENOENT, "accel_device_open: direct: no maru-card in $ACCEL_CARD, "
			    "beside the library or in PATH");
}

/* In the card's process to be; only calls that are safe between fork and exec. */
static void become_card(const char *path, char *const *argv, int fd, int report)
{
	sigset_t none;
	int null, error;

	setsid();
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		goto out;
	/* Out of the way of the numbers that they are to have. */
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	report = fcntl(report, F_DUPFD_CLOEXEC, 10);
	if (fd < 0 || report < 0 || dup2(fd, CARD_FD) < 0 || dup3(report, REPORT_FD, O_CLOEXEC) < 0)
		goto out;
	report = REPORT_FD;
	close_range(REPORT_FD + 1, ~0u, 0);
	if (chdir("/"))
		goto out;
	execv(path, argv);
out:
	error = errno;
	if (write(report, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* Return: errno of the start as a negative number; 0 the card runs. */
static int start(const char *path, char *const *argv, int fd, int report[2])
{
	sigset_t all, before;
	pid_t between, card;
	int error = 0;

	/* No handler of the program runs in a copy of it. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	/* No signal to the parent when it ends, and no handlers of fork(). */
	between = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
	if (!between) {
		card = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
		if (!card)
			become_card(path, argv, fd, report[1]);
		error = errno;
		if (card < 0 && write(report[1], &error, sizeof(error)) < 0)
			_exit(126);
		_exit(0);
	}
	if (between < 0)
		error = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(report[1]);
	while (between > 0 && waitpid(between, NULL, __WALL) < 0 && errno == EINTR)
		;
	if (between > 0 && read(report[0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	close(report[0]);
	return -error;
}

int direct_spawn(const struct direct_spec *spec, char *path, size_t bytes)
{
	char found[PATH_MAX] = "", *argv[16] = { "maru-card", "--private", "3", "--log", "error" };
	int pair[2], report[2], error, count = 5;
	const char *const options[] = { "--hbm", spec->hbm, "--cxl", spec->cxl, "--threads",
					spec->threads, "--profile", spec->profile };

	error = find_card(found, sizeof(found));
	if (error)
		return error;
	for (int i = 0; i < 8; i += 2) {
		if (*options[i + 1]) {
			argv[count++] = (char *)(uintptr_t)options[i];
			argv[count++] = (char *)(uintptr_t)options[i + 1];
		}
	}
	snprintf(path, bytes, "%s", found);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return accel_refuse(-errno, "accel_device_open: direct: %s", strerror(errno));
	if (pipe2(report, O_CLOEXEC)) {
		error = -errno;
		close(pair[0]);
		close(pair[1]);
		return accel_refuse(error, "accel_device_open: direct: %s", strerror(-error));
	}
	error = start(found, argv, pair[1], report);
	close(pair[1]);
	if (!error)
		return pair[0];
	close(pair[0]);
	return accel_refuse(error, "accel_device_open: direct: %s: %s", found, strerror(-error));
}
