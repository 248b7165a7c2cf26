// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "internal.h"
#include "ops.h"

/*
 * Packets are recorded in host memory and copied to the card before the first submission that
 * follows: recording reads back what it wrote, which card memory is too slow for, and the
 * buffer's size is known by then.
 */
struct accel_cmd {
	struct accel_device *device;
	LIST_ENTRY(accel_cmd) entry;
	atomic_uint refs;		/* the handle, and each pending submission */
	atomic_uint pending;		/* submissions not known to be over */
	uint32_t flags;
	uint32_t tag;

	uint8_t *lines;
	uint32_t bytes, room;
	uint32_t *offsets;		/* of packets */
	uint32_t packets, packet_room;
	uint32_t classes;		/* of queues that take all of them */
	struct accel_memory **named;	/* by line: the memory of an operand, referenced */

	struct accel_memory *memory;	/* on the card */
	uint32_t sealed_bytes;		/* of it that equal lines; ~0 changed by a patch */
	bool is_idempotent;		/* of what is sealed */
};

#define CHANGED	UINT32_MAX

int accel_cmd_create(struct accel_device *device, uint32_t flags, struct accel_cmd **out)
{
	struct accel_cmd *cmd;

	if (!device || !out)
		return accel_refuse(-EINVAL, "accel_cmd_create: %s: NULL",
				    device ? "cmd" : "device");
	if (flags & ~ACCEL_CMD_CHECK)
		return accel_refuse(-EINVAL, "accel_cmd_create: flags: 0x%x: unknown bits", flags);
	cmd = calloc(1, sizeof(*cmd));
	if (!cmd)
		return accel_refuse(-ENOMEM, "accel_cmd_create: out of host memory");
	cmd->device = device;
	cmd->flags = flags;
	cmd->classes = ~0u;
	cmd->is_idempotent = true;
	atomic_init(&cmd->refs, 1);
	pthread_mutex_lock(&device->lock);
	LIST_INSERT_HEAD(&device->cmds, cmd, entry);
	pthread_mutex_unlock(&device->lock);
	*out = cmd;
	return 0;
}

static void forget_packets(struct accel_cmd *cmd)
{
	for (uint32_t line = 0; line < cmd->bytes / MARU_LINE_BYTES; line++) {
		accel_memory_put(cmd->named[line]);
		cmd->named[line] = NULL;
	}
	cmd->bytes = 0;
	cmd->packets = 0;
	cmd->classes = ~0u;
	cmd->sealed_bytes = 0;
	cmd->is_idempotent = true;
}

void accel_cmd_free(struct accel_cmd *cmd)
{
	pthread_mutex_lock(&cmd->device->lock);
	LIST_REMOVE(cmd, entry);
	pthread_mutex_unlock(&cmd->device->lock);
	forget_packets(cmd);
	accel_memory_put(cmd->memory);
	free(cmd->lines);
	free(cmd->offsets);
	free(cmd->named);
	free(cmd);
}

static void cmd_put(struct accel_cmd *cmd)
{
	if (atomic_fetch_sub(&cmd->refs, 1) == 1)
		accel_cmd_free(cmd);
}

void accel_cmd_destroy(struct accel_cmd *cmd)
{
	if (cmd)
		cmd_put(cmd);
}

void accel_cmd_get_pending(struct accel_cmd *cmd)
{
	atomic_fetch_add(&cmd->refs, 1);
	atomic_fetch_add(&cmd->pending, 1);
}

void accel_cmd_put_pending(struct accel_cmd *cmd)
{
	atomic_fetch_sub(&cmd->pending, 1);
	cmd_put(cmd);
}

/* Queues drop what is over when they are looked at: look at all of them. */
static bool is_pending(struct accel_cmd *cmd)
{
	struct accel_device *device = cmd->device;
	struct accel_queue *queue;

	if (!atomic_load(&cmd->pending))
		return false;
	pthread_mutex_lock(&device->queues_lock);
	LIST_FOREACH(queue, &device->queues, entry)
		accel_queue_retire(queue);
	pthread_mutex_unlock(&device->queues_lock);
	return atomic_load(&cmd->pending);
}

int accel_cmd_reset(struct accel_cmd *cmd)
{
	if (!cmd)
		return accel_refuse(-EINVAL, "accel_cmd_reset: cmd: NULL");
	if (is_pending(cmd))
		return accel_refuse(-EBUSY, "accel_cmd_reset: cmd: a submission of it is pending");
	forget_packets(cmd);
	return 0;
}

int accel_cmd_tag(struct accel_cmd *cmd, uint32_t tag)
{
	if (!cmd)
		return accel_refuse(-EINVAL, "accel_cmd_tag: cmd: NULL");
	cmd->tag = tag;
	return 0;
}

uint32_t accel_cmd_packets(const struct accel_cmd *cmd)
{
	return cmd ? cmd->packets : 0;
}

int accel_cmd_is_idempotent(struct accel_cmd *cmd)
{
	return cmd && accel_packets_idempotent(cmd->lines, cmd->bytes);
}

struct accel_device *accel_cmd_device(const struct accel_cmd *cmd)
{
	return cmd->device;
}

bool accel_cmd_is_check(const struct accel_cmd *cmd)
{
	return cmd->flags & ACCEL_CMD_CHECK;
}

static const struct maru_packet *packet_at(const struct accel_cmd *cmd, uint32_t number)
{
	return (const struct maru_packet *)(cmd->lines + cmd->offsets[number]);
}

uint32_t accel_cmd_classes(const struct accel_cmd *cmd)
{
	return cmd->classes;
}

static void find_classes(struct accel_cmd *cmd)
{
	cmd->classes = ~0u;
	for (uint32_t i = 0; i < cmd->packets; i++)
		cmd->classes &= accel_packet_classes(packet_at(cmd, i));
}

const struct maru_packet *accel_cmd_packet_at(const struct accel_cmd *cmd, uint32_t offset,
					      uint32_t *number)
{
	for (uint32_t i = 0; i < cmd->packets; i++) {
		if (cmd->offsets[i] == offset) {
			*number = i;
			return packet_at(cmd, i);
		}
	}
	return NULL;
}

/* Room for one more packet of @bytes. */
static int make_room(struct accel_cmd *cmd, uint32_t bytes)
{
	uint32_t room = cmd->room ? cmd->room : 4096, packet_room = cmd->packet_room;
	void *lines, *named, *offsets;

	while (room < cmd->bytes + bytes)
		room *= 2;
	if (room > cmd->room) {
		lines = realloc(cmd->lines, room);
		if (!lines)
			return -ENOMEM;
		cmd->lines = lines;
		named = realloc(cmd->named, room / MARU_LINE_BYTES * sizeof(*cmd->named));
		if (!named)
			return -ENOMEM;
		cmd->named = named;
		cmd->room = room;
	}
	if (cmd->packets == packet_room) {
		packet_room = packet_room ? 2 * packet_room : 64;
		offsets = realloc(cmd->offsets, packet_room * sizeof(*cmd->offsets));
		if (!offsets)
			return -ENOMEM;
		cmd->offsets = offsets;
		cmd->packet_room = packet_room;
	}
	return 0;
}

static const char *role_name(uint16_t op, unsigned int role)
{
	const struct accel_op_role *row = accel_op_role_find(op, role);

	return row ? row->name : "?";
}

/* A tensor by itself; @what it is to the caller. */
static int check_tensor(const struct accel_cmd *cmd, const char *call, const char *what,
			const char *name, const struct accel_tensor *tensor)
{
	const char *why;
	int error = accel_tensor_refusal(tensor, &why);

	if (!error && !tensor->memory && !accel_cmd_is_check(cmd)) {
		error = -EINVAL;
		why = "it has no memory";
	}
	if (!error && tensor->memory && tensor->memory->device != cmd->device) {
		error = -EINVAL;
		why = "its memory belongs to another device";
	}
	return error ? accel_refuse(error, "%s: %s%s: %s", call, what, name, why) : 0;
}

/* Tensors into the lines behind @header, each checked by itself. */
static int gather_operands(const struct accel_cmd *cmd, const struct accel_packet *packet,
			   struct maru_packet *header)
{
	struct maru_operand *line = (struct maru_operand *)(header + 1);
	const struct accel_tensor *tensor;
	int error;

	for (unsigned int role = 0; role < MARU_ROLES; role++) {
		tensor = packet->tensors[role];
		if (!tensor)
			continue;
		error = check_tensor(cmd, packet->call, "operand ", role_name(header->op, role),
				     tensor);
		if (error)
			return error;
		accel_operand_from_tensor(line++, tensor);
		header->roles |= 1u << role;
	}
	header->bytes = (uint32_t)((uint8_t *)line - (uint8_t *)header);
	return 0;
}

static int check_packet(const struct accel_cmd *cmd, const char *call, uint32_t number,
			uint32_t offset, const struct maru_packet *header)
{
	bool has_addresses = !accel_cmd_is_check(cmd);
	char text[ACCEL_TEXT_BYTES];
	struct accel_fault fault;

	fault = accel_packet_check(header, &cmd->device->caps, has_addresses);
	if (!fault.word)
		return 0;
	accel_error_describe(text, sizeof(text), header, number, offset, fault.word, fault.value,
			     0);
	return accel_refuse(accel_error_errno(fault.word), "%s: %s", call, text);
}

/* The memory that a line names, referenced; NULL for a header. */
static void name_memory(struct accel_cmd *cmd, uint32_t line, struct accel_memory *memory)
{
	accel_memory_get(memory);
	accel_memory_put(cmd->named[line]);
	cmd->named[line] = memory;
}

/* Lines and references of a checked packet into their place, which names nothing yet. */
static void store_packet(struct accel_cmd *cmd, uint32_t offset, const struct accel_packet *packet,
			 const struct maru_packet *header)
{
	uint32_t line = offset / MARU_LINE_BYTES;

	memcpy(cmd->lines + offset, header, header->bytes);
	cmd->named[line++] = NULL;
	for (unsigned int role = 0; role < MARU_ROLES; role++) {
		if (!packet->tensors[role])
			continue;
		cmd->named[line] = NULL;
		name_memory(cmd, line++, packet->tensors[role]->memory);
	}
}

int accel_refuse_desc(const char *call, size_t size, size_t want)
{
	return accel_refuse(-EINVAL, "%s: desc: its size is %zu, not %zu", call, size, want);
}

int accel_cmd_append(struct accel_cmd *cmd, struct accel_packet *packet)
{
	union {
		struct maru_packet header;
		uint8_t lines[MARU_PACKET_MAX_BYTES];
	} line = { .header = packet->header };
	int error;

	if (!cmd)
		return accel_refuse(-EINVAL, "%s: cmd: NULL", packet->call);
	if (!accel_cmd_is_check(cmd) && is_pending(cmd))
		return accel_refuse(-EBUSY, "%s: cmd: a submission of it is pending",
				    packet->call);
	line.header.tag = cmd->tag;
	error = gather_operands(cmd, packet, &line.header);
	if (!error)
		error = check_packet(cmd, packet->call, cmd->packets, cmd->bytes, &line.header);
	if (error || accel_cmd_is_check(cmd))
		return error;
	if (cmd->bytes + line.header.bytes > cmd->device->caps.limits.command_bytes)
		return accel_refuse(-E2BIG, "%s: cmd: more than the %u bytes that the card takes",
				    packet->call, cmd->device->caps.limits.command_bytes);
	if (make_room(cmd, line.header.bytes))
		return accel_refuse(-ENOMEM, "%s: out of host memory", packet->call);
	store_packet(cmd, cmd->bytes, packet, &line.header);
	cmd->classes &= accel_packet_classes(&line.header);
	cmd->offsets[cmd->packets++] = cmd->bytes;
	cmd->bytes += line.header.bytes;
	return 0;
}

int accel_cmd_patch(struct accel_cmd *cmd, uint32_t number, enum accel_role role,
		    struct accel_tensor tensor)
{
	static const char call[] = "accel_cmd_patch";
	union {
		struct maru_packet header;
		uint8_t lines[MARU_PACKET_MAX_BYTES];
	} line;
	const struct maru_packet *old;
	struct maru_operand *operand;
	uint32_t at;
	int error;

	if (!cmd)
		return accel_refuse(-EINVAL, "%s: cmd: NULL", call);
	if (number >= cmd->packets)
		return accel_refuse(-ENOENT, "%s: packet: %u of %u", call, number, cmd->packets);
	old = packet_at(cmd, number);
	if ((unsigned int)role >= MARU_ROLES || !(old->roles >> role & 1))
		return accel_refuse(-ENOENT, "%s: role: packet %u has no operand %u", call, number,
				    (unsigned int)role);
	if (is_pending(cmd))
		return accel_refuse(-EBUSY, "%s: cmd: a submission of it is pending", call);
	error = check_tensor(cmd, call, "tensor", "", &tensor);
	if (error)
		return error;
	memcpy(&line, old, old->bytes);
	operand = (struct maru_operand *)accel_packet_operand(&line.header, role);
	accel_operand_from_tensor(operand, &tensor);
	error = check_packet(cmd, call, number, cmd->offsets[number], &line.header);
	if (error)
		return error;
	memcpy(cmd->lines + cmd->offsets[number], &line, line.header.bytes);
	at = cmd->offsets[number] + (uint32_t)((uint8_t *)operand - line.lines);
	name_memory(cmd, at / MARU_LINE_BYTES, tensor.memory);
	if (line.header.op == MARU_OP_COPY)	/* the one whose types decide */
		find_classes(cmd);
	if (cmd->sealed_bytes)
		cmd->sealed_bytes = CHANGED;
	return 0;
}

/* A patched buffer is written whole: it is in no submission, and patches are few. */
int accel_cmd_seal(struct accel_cmd *cmd)
{
	struct accel_memory *memory;
	uint32_t from = cmd->sealed_bytes == CHANGED ? 0 : cmd->sealed_bytes;
	int error;

	if (cmd->sealed_bytes == cmd->bytes)
		return 0;
	if (!cmd->memory || cmd->memory->bytes < cmd->bytes) {
		error = accel_memory_create_at(cmd->device, ACCEL_TIER_SYSTEM, cmd->room, true,
					       &memory);
		if (error)
			return error;
		accel_memory_put(cmd->memory);
		cmd->memory = memory;
		from = 0;
	}
	error = accel_memory_upload(cmd->memory, from, cmd->lines + from, cmd->bytes - from);
	if (error)
		return error;
	cmd->sealed_bytes = cmd->bytes;
	cmd->is_idempotent = accel_packets_idempotent(cmd->lines, cmd->bytes);
	return 0;
}

void accel_cmd_job(struct accel_cmd *cmd, struct accel_job *job)
{
	job->address = cmd->bytes ? cmd->memory->address : 0;
	job->bytes = cmd->bytes;
	job->is_idempotent = cmd->is_idempotent;
}
