// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firmware-emu/slot/spawn.h"

#define SPAWNER_FD		3	/* in the spawner */
#define CORE_FD			3	/* in the core */

struct spawner {
	pid_t core;			/* or 0 */
	uint32_t number;
};

static ssize_t spawn_send(int fd, const struct spawn_message *message, int pass)
{
	union {
		char data[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .data = { 0 } };
	struct iovec iov = { .iov_base = (void *)message, .iov_len = sizeof(*message) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (pass >= 0) {
		msg.msg_control = control.data;
		msg.msg_controllen = sizeof(control.data);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &pass, sizeof(pass));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

/* In the new process. Only what a core needs is open when it begins. */
static void spawner_exec(int core_fd)
{
	char *const argv[] = { "maru-card", "--core", "3", NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(core_fd, CORE_FD) < 0)
		_exit(127);
	close_range(CORE_FD + 1, ~0u, 0);
	execv("/proc/self/exe", argv);
	_exit(127);
}

static void spawner_report(uint32_t type, uint32_t number, int value)
{
	struct spawn_message message = { .type = type, .number = number, .value = value };

	spawn_send(SPAWNER_FD, &message, -1);
}

static void spawner_reap(struct spawner *spawner, int options)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, options)) > 0) {
		if (pid != spawner->core)
			continue;
		spawner->core = 0;
		spawner_report(SPAWN_EXITED, spawner->number, status);
	}
}

static void spawner_start(struct spawner *spawner, uint32_t number, int core_fd)
{
	pid_t pid;

	if (spawner->core) {
		kill(spawner->core, SIGKILL);
		spawner_reap(spawner, 0);
	}
	spawner->number = number;
	/* dup2() onto the same number would keep the close-on-exec flag. */
	if (core_fd == CORE_FD)
		_exit(1);
	pid = core_fd < 0 ? -1 : fork();
	if (!pid)
		spawner_exec(core_fd);
	if (pid < 0) {
		spawner_report(SPAWN_EXITED, number, -1);
		return;
	}
	spawner->core = pid;
	spawner_report(SPAWN_STARTED, number, pid);
}

/* Returns whether the slot is still there. */
static int spawner_serve(struct spawner *spawner)
{
	union {
		char data[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct spawn_message message;
	struct iovec iov = { .iov_base = &message, .iov_len = sizeof(message) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.data, .msg_controllen = sizeof(control.data),
	};
	ssize_t n = recvmsg(SPAWNER_FD, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *cmsg;
	int fd = -1;

	if (n < 0 && errno == EINTR)
		return 1;
	if (n != sizeof(message))
		return 0;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	if (message.type == SPAWN_START)
		spawner_start(spawner, message.number, fd);
	else if (message.type == SPAWN_SIGNAL && spawner->core)
		kill(spawner->core, message.value);
	if (fd >= 0)
		close(fd);
	return 1;
}

static void spawner_run(void)
{
	struct spawner spawner = { 0 };
	struct pollfd poller[2] = { { .fd = SPAWNER_FD, .events = POLLIN } };
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGINT);	/* the terminal's; the slot decides when to end */
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	poller[1].fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	poller[1].events = POLLIN;
	for (;;) {
		struct signalfd_siginfo info;

		if (poll(poller, 2, -1) < 0 && errno != EINTR)
			break;
		if (poller[1].revents && read(poller[1].fd, &info, sizeof(info)) > 0)
			spawner_reap(&spawner, WNOHANG);
		if (poller[0].revents && !spawner_serve(&spawner))
			break;
	}
	if (spawner.core) {
		kill(spawner.core, SIGKILL);
		waitpid(spawner.core, NULL, 0);
	}
	_exit(0);
}

/**
 * spawn_init() - Fork the process that starts cores.
 * @spawn: the slot's end
 *
 * To be called before anything is opened that a core must not have.
 *
 * Return: 0 or -errno.
 */
int spawn_init(struct spawn *spawn)
{
	int pair[2];

	spawn->number = 0;
	spawn->fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	spawn->pid = fork();
	if (spawn->pid < 0) {
		int ret = -errno;

		close(pair[0]);
		close(pair[1]);
		return ret;
	}
	if (!spawn->pid) {
		setpgid(0, 0);
		if (pair[1] != SPAWNER_FD && dup2(pair[1], SPAWNER_FD) < 0)
			_exit(1);
		fcntl(SPAWNER_FD, F_SETFD, FD_CLOEXEC);
		close_range(SPAWNER_FD + 1, ~0u, 0);
		prctl(PR_SET_NAME, "maru-spawner");
		spawner_run();
	}
	close(pair[1]);
	spawn->fd = pair[0];
	fcntl(spawn->fd, F_SETFL, O_NONBLOCK);
	return 0;
}

/**
 * spawn_fini() - End the spawner, and the core with it.
 * @spawn: the slot's end
 */
void spawn_fini(struct spawn *spawn)
{
	if (spawn->fd >= 0)
		close(spawn->fd);
	spawn->fd = -1;
	if (spawn->pid > 0)
		waitpid(spawn->pid, NULL, 0);
	spawn->pid = 0;
}

/**
 * spawn_start() - Ask for a core.
 * @spawn: the slot's end
 * @core_fd: the core's end of its channel, still the caller's
 *
 * Return: 0 or -errno; SPAWN_STARTED or SPAWN_EXITED follows.
 */
int spawn_start(struct spawn *spawn, int core_fd)
{
	struct spawn_message message = { .type = SPAWN_START, .number = ++spawn->number };

	return spawn_send(spawn->fd, &message, core_fd) < 0 ? -errno : 0;
}

/**
 * spawn_signal() - Send the core a signal.
 * @spawn: the slot's end
 * @sig: the signal
 *
 * Return: 0 or -errno.
 */
int spawn_signal(struct spawn *spawn, int sig)
{
	struct spawn_message message = {
		.type = SPAWN_SIGNAL, .number = spawn->number, .value = sig,
	};

	return spawn_send(spawn->fd, &message, -1) < 0 ? -errno : 0;
}

/**
 * spawn_read() - Take the next report.
 * @spawn: the slot's end
 * @message: the report
 *
 * Return: 0; -EAGAIN when there is none; -EPIPE when the spawner is gone.
 */
int spawn_read(struct spawn *spawn, struct spawn_message *message)
{
	ssize_t n = recv(spawn->fd, message, sizeof(*message), MSG_DONTWAIT);

	if (n == sizeof(*message))
		return 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	close(spawn->fd);
	spawn->fd = -1;
	return -EPIPE;
}
