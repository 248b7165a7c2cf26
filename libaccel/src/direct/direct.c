// SPDX-License-Identifier: MIT
/* The table of this way; a card from its start to its end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "direct.h"

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, direct) all = LIST_HEAD_INITIALIZER(all);
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void before_fork(void)
{
	pthread_mutex_lock(&all_lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&all_lock);
}

/* A socket left open here would keep the card when the parent has ended. */
static void in_child(void)
{
	struct direct *direct;

	LIST_FOREACH(direct, &all, entry) {
		atomic_store(&direct->is_forked, true);
		close(direct->client.fd);
		direct->client.fd = -1;
		direct->client.is_dead = true;
	}
	pthread_mutex_unlock(&all_lock);
}

static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, in_child);
}

static void init(struct direct *direct)
{
	pthread_condattr_t attr;

	direct->client.fd = -1;
	direct->memory_fd = -1;
	direct->host_fd = -1;
	for (int i = 0; i < DIRECT_VECTORS; i++)
		direct->vector_fds[i] = -1;
	for (int tier = 0; tier < MARU_TIER_COUNT; tier++)
		LIST_INIT(&direct->heaps[tier].holes);
	STAILQ_INIT(&direct->deferred);
	pthread_mutex_init(&direct->client.lock, NULL);
	pthread_mutex_init(&direct->memory_lock, NULL);
	pthread_mutex_init(&direct->admin_lock, NULL);
	pthread_mutex_init(&direct->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&direct->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* Closing the socket ends the card. */
static void fini(struct direct *direct)
{
	struct direct_deferred *deferred;

	close_fd(direct->client.fd);
	while ((deferred = STAILQ_FIRST(&direct->deferred))) {
		STAILQ_REMOVE_HEAD(&direct->deferred, entry);
		free(deferred);
	}
	for (uint32_t i = 0; i < direct->queue_top; i++) {
		if (direct->queues[i])	/* of a parent */
			free(direct->queues[i]->ends);
		free(direct->queues[i]);
	}
	for (int tier = 0; tier < MARU_TIER_COUNT; tier++)
		heap_fini(&direct->heaps[tier]);
	if (direct->memory)
		munmap(direct->memory, direct->memory_bytes);
	if (direct->host)
		munmap(direct->host, direct->host_bytes);
	close_fd(direct->memory_fd);
	close_fd(direct->host_fd);
	for (int i = 0; i < DIRECT_VECTORS; i++)
		close_fd(direct->vector_fds[i]);
	free(direct->timelines);
	free(direct->ops);
	pthread_cond_destroy(&direct->changed);
	pthread_mutex_destroy(&direct->lock);
	pthread_mutex_destroy(&direct->admin_lock);
	pthread_mutex_destroy(&direct->memory_lock);
	pthread_mutex_destroy(&direct->client.lock);
	free(direct);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -errno;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static const char *why(int error)
{
	switch (error) {
	case -EBUSY:
		return "it does not answer: has it another client?";
	case -EPROTO:
		return "it is no card of this contract";
	case -ENODEV:
		return "it ended, or is no MARU card";
	case -EIO:
		return "it did not boot";
	default:
		return strerror(-error);
	}
}

static int bring_up(struct direct *direct)
{
	int error = boot_attach(direct);

	if (!error)
		error = boot_wait(direct);
	if (!error)
		error = boot_caps(direct);
	if (!error)
		error = boot_rings(direct);
	if (!error) {
		pthread_mutex_lock(&direct->admin_lock);
		error = boot_enable(direct);
		pthread_mutex_unlock(&direct->admin_lock);
		error = error == -ECANCELED ? -EIO : error;
	}
	return error ? error : boot_ops(direct);
}

static int start_or_connect(struct accel_device *device, const struct direct_spec *spec)
{
	int fd;

	if (!*spec->socket)
		return direct_spawn(spec, device->path, sizeof(device->path));
	snprintf(device->path, sizeof(device->path), "%s", spec->socket);
	fd = connect_to(spec->socket);
	return fd < 0 ? accel_refuse(fd, "accel_device_open: direct: %s: %s", spec->socket,
				     strerror(-fd)) : fd;
}

/* No fork() of another thread comes between the socket and the list that forks look at. */
static int take_socket(struct direct *direct, struct accel_device *device,
		       const struct direct_spec *spec)
{
	int fd;

	pthread_once(&fork_once, watch_forks);
	pthread_mutex_lock(&all_lock);
	fd = start_or_connect(device, spec);
	if (fd >= 0) {
		direct->client.fd = fd;
		LIST_INSERT_HEAD(&all, direct, entry);
	}
	pthread_mutex_unlock(&all_lock);
	return fd < 0 ? fd : 0;
}

static void forget(struct direct *direct)
{
	pthread_mutex_lock(&all_lock);
	LIST_REMOVE(direct, entry);
	pthread_mutex_unlock(&all_lock);
	fini(direct);
}

/* @place: all behind "direct". */
static int direct_open(struct accel_device *device, const char *place)
{
	struct direct *direct;
	struct direct_spec spec;
	int error = direct_spec_parse(&spec, place ? place : "");

	if (error)
		return error;
	direct = calloc(1, sizeof(*direct));
	if (!direct)
		return accel_refuse(-ENOMEM, "accel_device_open: out of host memory");
	init(direct);
	error = take_socket(direct, device, &spec);
	if (error) {
		fini(direct);
		return error;
	}
	error = client_open(&direct->client, direct->client.fd);
	if (!error)
		error = bring_up(direct);
	if (error) {
		forget(direct);
		return accel_refuse(error, "accel_device_open: direct: %s: %s", device->path,
				    why(error));
	}
	device->backend = direct;
	return 0;
}

static void direct_close(struct accel_device *device)
{
	forget(direct_of(device));
}

const struct accel_backend_ops accel_direct_ops = {
	.way			= "direct",
	.explains_open		= true,
	.open			= direct_open,
	.close			= direct_close,
	.query			= direct_query,
	.memory_create		= direct_memory_create,
	.memory_destroy		= direct_memory_destroy,
	.memory_map		= direct_memory_map,
	.memory_wait		= direct_memory_wait,
	.queue_create		= direct_queue_create,
	.queue_destroy		= direct_queue_destroy,
	.queue_info		= direct_queue_info,
	.queue_submit		= direct_queue_submit,
	.job_status		= direct_job_status,
	.job_free		= direct_job_free,
	.timeline_create	= direct_timeline_create,
	.timeline_destroy	= direct_timeline_destroy,
	.timeline_value		= direct_timeline_value,
	.timeline_wait		= direct_timeline_wait,
	.timeline_signal	= direct_timeline_signal,
};
