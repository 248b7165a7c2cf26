// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "firmware-emu/log.h"
#include "firmware-emu/slot/inject.h"
#include "firmware-emu/slot/slot.h"

static const char *const state_names[] = {
	[LIFE_OFF] = "off", [LIFE_STOPPING] = "stopping", [LIFE_SCRUBBING] = "scrubbing",
	[LIFE_BACKOFF] = "backoff", [LIFE_BOOTING] = "booting", [LIFE_READY] = "ready",
	[LIFE_CRASHED] = "crashed", [LIFE_FAILED] = "failed",
};

/**
 * life_name() - Turn a state into its word.
 * @state: the state
 *
 * Return: the word.
 */
const char *life_name(enum life_state state)
{
	return state_names[state];
}

/* A guest is told of each change by the event vector. */
static void life_tell(struct slot *slot, uint32_t status)
{
	regs_put(slot, MARU_REG_STATUS, status);
	vectors_raise(&slot->vectors, MARU_VECTOR_EVENT);
}

static void life_retry(struct slot *slot, uint32_t error)
{
	struct life *life = &slot->life;

	life->error = error;
	if (++life->tries < LIFE_TRIES) {
		life->state = LIFE_BACKOFF;
		life->deadline_ms = slot_now_ms() +
				    (LIFE_BACKOFF_MS << (2 * (life->tries - 1)));
		return;
	}
	life->state = LIFE_FAILED;
	life->failed++;
	log_error("slot", "the core did not boot in %d tries, error %#x", LIFE_TRIES, error);
	life_tell(slot, MARU_STATUS_FAILED | error << 16);
}

static void life_boot(struct slot *slot)
{
	struct life *life = &slot->life;
	int ret;

	regs_forget(slot);
	regs_put(slot, MARU_REG_BOOT_ID, regs_get(slot, MARU_REG_BOOT_ID) + 1);
	regs_put(slot, MARU_REG_STATUS, MARU_STATUS_BOOTING);
	life->error = 0;
	life->started++;
	ret = channel_open(slot);
	if (ret) {
		log_error("slot", "no core can be started: %s", strerror(-ret));
		life_retry(slot, LIFE_ERROR_START);
		return;
	}
	life->is_alive = true;
	life->state = LIFE_BOOTING;
	life->deadline_ms = slot_now_ms() + IPC_BOOT_MS;
}

/* No core is alive: go on towards what is wanted. */
static void life_proceed(struct slot *slot)
{
	struct life *life = &slot->life;

	if (!life->is_wanted) {
		life->state = LIFE_OFF;
		regs_put(slot, MARU_REG_STATUS, MARU_STATUS_OFF);
		slot_quiesced(slot);
	} else if (life->is_scrub) {
		life->state = LIFE_SCRUBBING;
		life->scrub_at = 0;
	} else {
		life_boot(slot);
	}
}

static void life_halt(struct slot *slot)
{
	struct life *life = &slot->life;

	life->tries = 0;
	if (!life->is_alive) {
		life_proceed(slot);
		return;
	}
	life->state = LIFE_STOPPING;
	if (spawn_signal(&slot->spawn, SIGKILL))
		log_error("slot", "the core can not be killed: %s", strerror(errno));
}

/**
 * life_power_on() - Start the first core for a client.
 * @slot: the slot
 */
void life_power_on(struct slot *slot)
{
	if (slot->life.state != LIFE_OFF)
		return;
	slot->life.is_wanted = true;
	slot->life.tries = 0;
	life_proceed(slot);
}

/**
 * life_reset() - Replace the core.
 * @slot: the slot
 * @kind: what of the card is kept
 */
void life_reset(struct slot *slot, enum life_reset kind)
{
	struct life *life = &slot->life;

	if (!life->is_wanted)
		return;
	life->resets++;
	if (kind == LIFE_RESET_POWER)
		life->is_scrub = true;
	regs_forget(slot);
	regs_put(slot, MARU_REG_STATUS, MARU_STATUS_RESETTING);
	if (life->state != LIFE_STOPPING && life->state != LIFE_SCRUBBING)
		life_halt(slot);
}

/**
 * life_stop() - Kill the core and start no other; slot_quiesced() follows, perhaps at once.
 * @slot: the slot
 */
void life_stop(struct slot *slot)
{
	slot->life.is_wanted = false;
	slot->life.is_scrub = false;
	if (slot->life.state != LIFE_STOPPING)
		life_halt(slot);
}

/**
 * life_kill() - Kill the core; for the guest it has crashed.
 * @slot: the slot
 * @why: the reason, for the log
 */
void life_kill(struct slot *slot, const char *why)
{
	if (!slot->life.is_alive)
		return;
	slot->life.killed++;
	log_warn("slot", "core %u killed: %s", slot->spawn.number, why);
	spawn_signal(&slot->spawn, SIGKILL);
}

/**
 * life_ready() - Note that the core has booted.
 * @slot: the slot
 *
 * Return: whether it was expected.
 */
bool life_ready(struct slot *slot)
{
	struct life *life = &slot->life;

	if (life->state != LIFE_BOOTING)
		return false;
	life->state = LIFE_READY;
	life->tries = 0;
	life->ready++;
	log_info("slot", "core %u is ready", slot->spawn.number);
	life_tell(slot, MARU_STATUS_READY);
	return true;
}

/**
 * life_failed() - Note that the core can not boot.
 * @slot: the slot
 * @error: its number for it
 * @text: and its words
 */
void life_failed(struct slot *slot, uint32_t error, const char *text)
{
	log_error("slot", "core %u can not boot: %s", slot->spawn.number, text);
	if (slot->life.state == LIFE_BOOTING)
		slot->life.error = error & 0xffff;
	life_kill(slot, "it gave up");
}

static void life_log_exit(const struct slot *slot, int status)
{
	unsigned int number = slot->spawn.number;

	if (status == -1)
		log_error("slot", "core %u could not be started", number);
	else if (WIFSIGNALED(status))
		log_warn("slot", "core %u ended by signal %d", number, WTERMSIG(status));
	else
		log_warn("slot", "core %u ended with code %d", number, WEXITSTATUS(status));
}

static void life_exited(struct slot *slot, int status)
{
	struct life *life = &slot->life;
	enum life_state was = life->state;

	if (was != LIFE_STOPPING)
		life_log_exit(slot, status);
	life->is_alive = false;
	life->pid = 0;
	inject_core_gone(slot->shared);
	if (was == LIFE_READY) {
		life->state = LIFE_CRASHED;
		life->crashed++;
		regs_put(slot, MARU_REG_STATUS, MARU_STATUS_CRASHED);
	}
	channel_close(slot);
	if (was == LIFE_READY)
		vectors_raise(&slot->vectors, MARU_VECTOR_EVENT);
	else if (was == LIFE_BOOTING)
		life_retry(slot, life->error ? life->error : LIFE_ERROR_DIED);
	else if (was == LIFE_STOPPING)
		life_proceed(slot);
}

/**
 * life_hung_up() - Note that the core closed its channel.
 * @slot: the slot
 *
 * A core that only let go is of no use and killed. Without a spawner nobody else reports its
 * end; its memory is unmapped before its files are closed, so this is one.
 */
void life_hung_up(struct slot *slot)
{
	if (slot->spawn.fd < 0 && slot->life.is_alive)
		life_exited(slot, SIGKILL);
	else if (slot->life.state == LIFE_BOOTING || slot->life.state == LIFE_READY)
		spawn_signal(&slot->spawn, SIGKILL);
}

/**
 * life_read_spawn() - Take the reports of the spawner.
 * @slot: the slot
 */
void life_read_spawn(struct slot *slot)
{
	struct spawn_message message;
	int ret;

	while (!(ret = spawn_read(&slot->spawn, &message))) {
		if (message.number != slot->spawn.number)
			continue;
		if (message.type == SPAWN_STARTED)
			slot->life.pid = message.value;
		else if (message.type == SPAWN_EXITED && slot->life.is_alive)
			life_exited(slot, message.value);
	}
	if (ret == -EAGAIN)
		return;
	/* Cores die with the spawner: the kernel sees to that. */
	log_error("slot", "the process that starts cores is gone");
	if (slot->life.is_alive && (slot->channel.fd < 0 || slot->channel.is_hung_up))
		life_exited(slot, SIGKILL);
}

/**
 * life_expire() - Do what is due.
 * @slot: the slot
 * @now_ms: the time
 */
void life_expire(struct slot *slot, uint64_t now_ms)
{
	struct life *life = &slot->life;

	if (life->state == LIFE_SCRUBBING) {
		if (!memory_scrub(slot->memory_fd, slot->plan.bar[MARU_BAR_MEMORY].bytes,
				  &life->scrub_at))
			return;
		life->is_scrub = false;
		life_proceed(slot);
	} else if (life->state == LIFE_BACKOFF && now_ms >= life->deadline_ms) {
		life_proceed(slot);
	} else if (life->state == LIFE_BOOTING && now_ms >= life->deadline_ms) {
		life->deadline_ms = now_ms + IPC_BOOT_MS;
		life->error = LIFE_ERROR_DEADLINE;
		life_kill(slot, "not ready in time");
	}
}

/**
 * life_deadline() - Tell when something is due.
 * @slot: the slot
 *
 * Return: the time in ms, UINT64_MAX for never.
 */
uint64_t life_deadline(const struct slot *slot)
{
	const struct life *life = &slot->life;

	if (life->state == LIFE_SCRUBBING)
		return 0;
	if (life->state == LIFE_BACKOFF || life->state == LIFE_BOOTING)
		return life->deadline_ms;
	return UINT64_MAX;
}
