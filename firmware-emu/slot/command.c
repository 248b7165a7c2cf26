// SPDX-License-Identifier: MIT
/* The commands of the control socket. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>

#include "firmware-emu/log.h"
#include "firmware-emu/slot/inject.h"
#include "firmware-emu/slot/slot.h"

/* Each takes the request and adds to the reply; returns NULL or what was wrong. */
typedef const char *(*command_fn)(struct slot *slot, const json_t *request, json_t *reply);

static void put(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static void put_text(json_t *object, const char *name, const char *text)
{
	json_object_set_new(object, name, json_string(text));
}

static void put_bool(json_t *object, const char *name, bool value)
{
	json_object_set_new(object, name, json_boolean(value));
}

static const char *command_state(struct slot *slot, const json_t *request, json_t *reply)
{
	const struct slot *card = slot;

	(void)request;
	put_text(reply, "core", life_name(card->life.state));
	put(reply, "pid", (uint64_t)card->life.pid);
	put(reply, "boot_id", regs_get(card, MARU_REG_BOOT_ID));
	put(reply, "status", regs_get(card, MARU_REG_STATUS));
	put_text(reply, "link", card->is_link_down ? "down" : "up");
	put_bool(reply, "client", card->session.transport != NULL);
	put_bool(reply, "enabled", card->channel.is_enabled);
	put(reply, "hbm_bytes", card->plan.hbm_bytes);
	put(reply, "cxl_bytes", card->plan.cxl_bytes);
	put(reply, "windows", card->windows.count);
	put(reply, "windows_with_file", card->windows.with_file);
	put(reply, "files", windows_files(&card->windows));
	put(reply, "vectors", vectors_armed(&card->vectors));
	put(reply, "queues", card->shared->queues);
	put(reply, "vms", card->shared->vms);
	put(reply, "running", card->shared->running);
	put(reply, "asleep", card->shared->asleep);
	put(reply, "core_windows", card->shared->windows);
	put_text(reply, "log", log_level_name(log_get_level()));
	return NULL;
}

static void counters_life(const struct slot *slot, json_t *reply)
{
	const struct session_stats *stats = &slot->session.stats;
	const struct life *life = &slot->life;

	put(reply, "sessions", stats->sessions);
	put(reply, "messages", stats->messages);
	put(reply, "replies", stats->replies);
	put(reply, "error_replies", stats->errors);
	put(reply, "broken_sessions", stats->broken);
	put(reply, "cores_started", life->started);
	put(reply, "cores_ready", life->ready);
	put(reply, "cores_crashed", life->crashed);
	put(reply, "cores_killed", life->killed);
	put(reply, "boots_failed", life->failed);
	put(reply, "resets", life->resets);
	put(reply, "vectors_raised", slot->vectors.raised);
}

static const char *command_counters(struct slot *slot, const json_t *request, json_t *reply)
{
	const struct maru_telemetry *telemetry = &slot->shared->telemetry;
	json_t *points = json_object(), *core = json_object();

	(void)request;
	counters_life(slot, reply);
	for (unsigned int i = 0; i < IPC_POINT_COUNT; i++)
		put(points, inject_point_name(i), slot->shared->points[i].hits);
	json_object_set_new(reply, "points", points);
	put(core, "card_ns", telemetry->card_ns);
	put(core, "jobs", telemetry->jobs);
	put(core, "packets", telemetry->packets);
	put(core, "faults", telemetry->faults);
	put(core, "errors", telemetry->errors);
	put(core, "queue_resets", telemetry->queue_resets);
	put(core, "wakes", telemetry->wakes);
	put(core, "busy_compute_ns", telemetry->busy_ns[MARU_CLASS_COMPUTE]);
	put(core, "busy_copy_ns", telemetry->busy_ns[MARU_CLASS_COPY]);
	put(core, "hbm_read_bytes", telemetry->read_bytes[MARU_TIER_HBM]);
	put(core, "cxl_read_bytes", telemetry->read_bytes[MARU_TIER_CXL]);
	put(core, "host_read_bytes", telemetry->read_bytes[MARU_TIER_HOST]);
	put(core, "hbm_write_bytes", telemetry->write_bytes[MARU_TIER_HBM]);
	put(core, "cxl_write_bytes", telemetry->write_bytes[MARU_TIER_CXL]);
	put(core, "host_write_bytes", telemetry->write_bytes[MARU_TIER_HOST]);
	json_object_set_new(reply, "core", core);
	return NULL;
}

static const char *command_points(struct slot *slot, const json_t *request, json_t *reply)
{
	json_t *points = json_object();

	(void)request;
	for (unsigned int i = 0; i < IPC_POINT_COUNT; i++) {
		const struct ipc_arm *arm = &slot->shared->points[i];
		json_t *point = json_object();

		put_text(point, "action", inject_action_name(arm->action));
		put(point, "hits", arm->hits);
		put(point, "holding", arm->holding);
		put(point, "fired", arm->fired);
		json_object_set_new(points, inject_point_name(i), point);
	}
	json_object_set_new(reply, "points", points);
	return NULL;
}

static const char *command_kill(struct slot *slot, const json_t *request, json_t *reply)
{
	(void)request;
	(void)reply;
	if (!slot->life.is_alive)
		return "no core is alive";
	life_kill(slot, "control socket");
	return NULL;
}

static const char *command_hang(struct slot *slot, const json_t *request, json_t *reply)
{
	(void)request;
	(void)reply;
	if (!slot->life.is_alive)
		return "no core is alive";
	return spawn_signal(&slot->spawn, SIGSTOP) ? "the core can not be stopped" : NULL;
}

static const char *command_resume(struct slot *slot, const json_t *request, json_t *reply)
{
	(void)request;
	(void)reply;
	if (!slot->life.is_alive)
		return "no core is alive";
	return spawn_signal(&slot->spawn, SIGCONT) ? "the core can not go on" : NULL;
}

static const char *take_point(const json_t *request, unsigned int *point)
{
	const char *name = json_string_value(json_object_get(request, "point"));
	int found = name ? inject_point(name) : -ENOENT;

	if (found < 0)
		return name ? "no such point" : "point is missing";
	*point = (unsigned int)found;
	return NULL;
}

static const char *arm_point(struct slot *slot, const json_t *request, int action)
{
	const json_t *skip = json_object_get(request, "skip");
	const char *wrong;
	unsigned int point;

	wrong = take_point(request, &point);
	if (wrong)
		return wrong;
	if (skip && (!json_is_integer(skip) || json_integer_value(skip) < 0 ||
		     json_integer_value(skip) > UINT32_MAX))
		return "skip is no count";
	inject_arm(slot->shared, point, (enum ipc_action)action,
		   (uint32_t)json_integer_value(skip));
	return NULL;
}

static const char *command_inject(struct slot *slot, const json_t *request, json_t *reply)
{
	const char *name = json_string_value(json_object_get(request, "action"));
	int action = name ? inject_action(name) : -ENOENT;

	(void)reply;
	if (action < 0)
		return name ? "no such action" : "action is missing";
	return arm_point(slot, request, action);
}

static const char *command_hold(struct slot *slot, const json_t *request, json_t *reply)
{
	(void)reply;
	return arm_point(slot, request, IPC_ACTION_HOLD);
}

static const char *command_release(struct slot *slot, const json_t *request, json_t *reply)
{
	unsigned int point;
	const char *wrong = take_point(request, &point);

	(void)reply;
	if (!wrong)
		inject_release(slot->shared, point);
	return wrong;
}

static const char *command_link_loss(struct slot *slot, const json_t *request, json_t *reply)
{
	(void)request;
	(void)reply;
	return link_down(slot) ? "the link is down" : NULL;
}

static const char *command_power_on(struct slot *slot, const json_t *request, json_t *reply)
{
	int ret = link_up(slot);

	(void)request;
	(void)reply;
	return ret == -EAGAIN ? "the core is still ending" : ret ? "the link is up" : NULL;
}

static const char *command_log(struct slot *slot, const json_t *request, json_t *reply)
{
	const char *name = json_string_value(json_object_get(request, "level"));
	int level = name ? log_level_parse(name) : -EINVAL;

	(void)reply;
	if (level < 0)
		return "level is none of error, warn, info, debug";
	log_set_level((enum log_level)level);
	__atomic_store_n(&slot->shared->log_level, (uint32_t)level, __ATOMIC_RELEASE);
	return NULL;
}

static const char *command_quit(struct slot *slot, const json_t *request, json_t *reply)
{
	(void)request;
	(void)reply;
	slot->is_done = true;
	return NULL;
}

static const struct {
	const char *name;
	command_fn run;
} commands[] = {
	{ "state", command_state },
	{ "counters", command_counters },
	{ "points", command_points },
	{ "kill", command_kill },
	{ "hang", command_hang },
	{ "resume", command_resume },
	{ "inject", command_inject },
	{ "hold", command_hold },
	{ "release", command_release },
	{ "link-loss", command_link_loss },
	{ "power-on", command_power_on },
	{ "log", command_log },
	{ "quit", command_quit },
};

static const char *command_find(struct slot *slot, const json_t *request, json_t *reply)
{
	const char *name = json_string_value(json_object_get(request, "cmd"));

	if (!name)
		return "cmd is missing";
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(commands[i].name, name))
			return commands[i].run(slot, request, reply);
	}
	return "no such cmd";
}

/**
 * command_run() - Run one line.
 * @slot: the card
 * @line: the text, without its newline
 * @bytes: its length
 * @reply: where the answer goes, one line with its newline
 * @room: bytes there
 *
 * Return: bytes of the answer.
 */
size_t command_run(struct slot *slot, const char *line, size_t bytes, char *reply, size_t room)
{
	json_t *request = json_loadb(line, bytes, JSON_REJECT_DUPLICATES, NULL);
	json_t *answer = json_object();
	const char *wrong = "the line is no JSON object";
	size_t n;

	put_bool(answer, "ok", true);
	if (json_is_object(request))
		wrong = command_find(slot, request, answer);
	if (wrong) {
		json_object_clear(answer);
		put_bool(answer, "ok", false);
		put_text(answer, "error", wrong);
	}
	n = json_dumpb(answer, reply, room - 1, JSON_COMPACT);
	if (!n || n > room - 1) {
		static const char lost[] = "{\"ok\":false,\"error\":\"the answer is too long\"}";

		n = sizeof(lost) - 1;
		memcpy(reply, lost, n);
	}
	reply[n++] = '\n';
	json_decref(request);
	json_decref(answer);
	return n;
}
