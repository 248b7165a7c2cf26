// SPDX-License-Identifier: MIT
/* Commands to the firmware, one at a time. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "direct.h"

#define SPIN_NS		50000
#define SLICE_MS	20
#define LIMIT_NS	10000000000ll
#define ATTEMPTS	3

#define ERRNO_ROW(status, error)	[MARU_ADMIN_##status] = -(error),

static int status_errno(uint16_t status)
{
	static const int errnos[] = { MARU_ADMIN_ERRNOS(ERRNO_ROW) };

	return status < sizeof(errnos) / sizeof(errnos[0]) ? errnos[status] : -EIO;
}

uint64_t direct_entry(const struct direct *direct, const void *host)
{
	uint64_t offset = (uint64_t)((const uint8_t *)host - direct->host);

	return MARU_ENTRY(MARU_TIER_HOST, offset + DIRECT_HOST_IOVA);
}

/* Tail, kick, mb(), need_wake; the core: need_wake, mb(), kicks (fw/doorbell.c). */
void direct_kick(struct direct *direct, unsigned int slot)
{
	__atomic_store_n(&direct->group->kick[slot], 1, __ATOMIC_RELEASE);
	accel_mb();
	if (CARD_READ(direct->group->need_wake))
		client_wake(&direct->client);
}

/* Looks every slice whether somebody is there to answer. */
static int is_silent(struct direct *direct)
{
	uint32_t status = 0, boot_id = 0;

	if (client_is_dead(&direct->client) ||
	    client_read(&direct->client, MARU_BAR_REGS, MARU_REG_STATUS, &status, 4) ||
	    client_read(&direct->client, MARU_BAR_REGS, MARU_REG_BOOT_ID, &boot_id, 4) ||
	    status == ~0u)
		return -ENODEV;
	return (status & 0xffff) != MARU_STATUS_READY || boot_id != direct->boot_id ?
	       -ECANCELED : 0;
}

static int wait_for(struct direct *direct, const struct maru_admin_cqe *cqe, uint32_t phase)
{
	struct pollfd poller = { .fd = direct->vector_fds[MARU_VECTOR_ADMIN], .events = POLLIN };
	int64_t start = direct_now_ns(), now = start;
	int64_t end = start + LIMIT_NS * direct->caps.limits.timeout_scale;
	uint64_t count;
	int error, n;

	while (CARD_READ(cqe->phase) != phase) {
		if (now - start < SPIN_NS) {
			__builtin_ia32_pause();
		} else {
			n = poll(&poller, 1, SLICE_MS);
			if (n > 0 && read(poller.fd, &count, sizeof(count)) > 0)
				continue;
			error = n ? 0 : is_silent(direct);
			if (error)
				return error;
		}
		now = direct_now_ns();
		if (now > end)
			return -ECANCELED;
	}
	return 0;
}

int admin_once(struct direct *direct, struct maru_admin_sqe *sqe, uint64_t *value)
{
	uint64_t count = 1ull << DIRECT_ADMIN_LOG2, tail = direct->admin_tail;
	struct maru_admin_cqe *cqe = &direct->cq[tail % count];
	int error;

	sqe->id = (uint16_t)tail;
	direct->sq->sqe[tail % count] = *sqe;
	direct->admin_tail = tail + 1;
	__atomic_store_n(&direct->sq->tail, tail + 1, __ATOMIC_RELEASE);
	direct_kick(direct, MARU_SLOT_ADMIN);
	error = wait_for(direct, cqe, !(tail / count & 1));
	if (error)
		return error;
	if (cqe->id != sqe->id)
		return -ECANCELED;	/* a core that answers what nobody asked */
	if (value)
		memcpy(value, cqe->value, sizeof(cqe->value));
	return status_errno(cqe->status);
}

/* Before the core is told of anything, look whether there is still a card. */
static int get_generation(struct direct *direct, uint32_t *generation)
{
	int error;

	if (atomic_load(&direct->is_forked))
		return -ENODEV;
	pthread_mutex_lock(&direct->lock);
	error = direct->error;
	*generation = direct->generation;
	pthread_mutex_unlock(&direct->lock);
	return error;
}

/* @answer: where *bytes of what the command wrote go. */
static int call(struct direct *direct, struct maru_admin_sqe *sqe, uint64_t *value, void *answer,
		uint32_t *bytes)
{
	uint32_t generation;
	uint64_t own[2];
	int error;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		error = get_generation(direct, &generation);
		if (error)
			return error;
		pthread_mutex_lock(&direct->admin_lock);
		error = admin_once(direct, sqe, value ? value : own);
		if (!error && answer && value[0] > sqe->buffer.bytes)
			error = -EIO;
		if (!error && answer) {
			*bytes = (uint32_t)value[0];
			memcpy(answer, direct->answer, *bytes);
		}
		pthread_mutex_unlock(&direct->admin_lock);
		if (error != -ECANCELED && error != -ENODEV)
			return error;
		pthread_mutex_lock(&direct->lock);
		if (error == -ENODEV)
			done_lose(direct, -ENODEV);
		else if (generation == direct->generation)
			recover(direct);
		pthread_mutex_unlock(&direct->lock);
	}
	return -EIO;
}

int direct_admin(struct direct *direct, struct maru_admin_sqe *sqe, uint64_t *value)
{
	return call(direct, sqe, value, NULL, NULL);
}

int direct_admin_ask(struct direct *direct, unsigned int op, uint32_t page, void *answer,
		     uint32_t room, uint32_t *bytes)
{
	struct maru_admin_sqe sqe = { .op = (uint16_t)op };
	uint64_t value[2] = { 0 };

	sqe.buffer.page = page;
	sqe.buffer.bytes = room;
	sqe.buffer.buffer = direct_entry(direct, direct->answer);
	return call(direct, &sqe, value, answer, bytes);
}
