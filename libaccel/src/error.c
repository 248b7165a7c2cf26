// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "ops.h"

static _Thread_local char last_text[ACCEL_TEXT_BYTES + 64];

const char *accel_error_text(void)
{
	return last_text;
}

int accel_refuse(int error, const char *format, ...)
{
	char text[sizeof(last_text)];	/* an argument may be the last text itself */
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	memcpy(last_text, text, sizeof(text));
	return error;
}

const char *accel_errno_text(int error)
{
	switch (error) {
	case 0:
		return "no error";
	case -EINVAL:
		return "refused as wrong";
	case -EOPNOTSUPP:
		return "not supported by this card";
	case -ERANGE:
		return "a value in memory is out of range";
	case -EFAULT:
		return "the card used an address that is not mapped";
	case -ETIME:
		return "time ran out";
	case -ECANCELED:
		return "cancelled: an earlier error stopped the queue, or the card was reset for "
		       "another program's fault";
	case -EIO:
		return "the card failed";
	case -ENODEV:
		return "the card is gone";
	case -ENOMEM:
		return "out of memory";
	case -E2BIG:
		return "more than the card takes";
	case -ENOSPC:
		return "the card has no more of them";
	case -EDQUOT:
		return "more pinned memory than allowed";
	case -EACCES:
	case -EPERM:
		return "no right to do this";
	case -EMFILE:
		return "too many open files";
	case -EPROTO:
		return "the card answers in a form that cannot be read";
	}
	return strerror(-error);
}

static const struct {
	const char *name;
	const char *meaning;
	int error;
} codes[] = {
	[MARU_ERR_NONE]		= { "NONE", "no error", 0 },
	[MARU_ERR_BAD_LENGTH]	= { "BAD_LENGTH", "bytes do not fit the operands", -EINVAL },
	[MARU_ERR_BAD_FLAG]	= { "BAD_FLAG", "must be zero", -EINVAL },
	[MARU_ERR_BAD_ROLES]	= { "BAD_ROLES", "an operand is missing or too many", -EINVAL },
	[MARU_ERR_BAD_PARAM]	= { "BAD_PARAM", "out of range", -EINVAL },
	[MARU_ERR_BAD_TYPE]	= { "BAD_TYPE", "not a type for this operand", -EINVAL },
	[MARU_ERR_BAD_LAYOUT]	= { "BAD_LAYOUT", "not a layout for this operand", -EINVAL },
	[MARU_ERR_BAD_STRIDE]	= { "BAD_STRIDE", "not a stride for this operand", -EINVAL },
	[MARU_ERR_BAD_ALIGN]	= { "BAD_ALIGN", "not a multiple of the element", -EINVAL },
	[MARU_ERR_BAD_SHAPE]	= { "BAD_SHAPE", "sizes do not go together", -EINVAL },
	[MARU_ERR_BAD_DESC]	= { "BAD_DESC", "wrong ring descriptor", -EINVAL },
	[MARU_ERR_RANGE]	= { "RANGE", "reaches beyond 2^48", -EINVAL },
	[MARU_ERR_OVERLAP]	= { "OVERLAP", "shares bytes with the destination", -EINVAL },
	[MARU_ERR_TOO_LARGE]	= { "TOO_LARGE", "too many elements", -EINVAL },
	[MARU_ERR_UNSUPPORTED]	= { "UNSUPPORTED", "right, but not on this card", -EOPNOTSUPP },
	[MARU_ERR_BAD_INDEX]	= { "BAD_INDEX", "a value in memory is out of range", -ERANGE },
	[MARU_ERR_FAULT_READ]	= { "FAULT_READ", "read where nothing is mapped", -EFAULT },
	[MARU_ERR_FAULT_WRITE]	= { "FAULT_WRITE", "write where it may not", -EFAULT },
	[MARU_ERR_FAULT_PTE]	= { "FAULT_PTE", "damaged page table", -EFAULT },
	[MARU_ERR_FAULT_WINDOW]	= { "FAULT_WINDOW", "host memory out of reach", -EFAULT },
	[MARU_ERR_TIMEOUT]	= { "TIMEOUT", "ran into its time limit", -ETIME },
	[MARU_ERR_CANCELLED]	= { "CANCELLED", "cancelled", -ECANCELED },
	[MARU_ERR_INNOCENT]	= { "INNOCENT", "lost to another program's fault", -ECANCELED },
	[MARU_ERR_INTERNAL]	= { "INTERNAL", "the card failed", -EIO },
	[MARU_ERR_STORAGE]	= { "STORAGE", "storage failed", -EIO },
	[MARU_ERR_ECC]		= { "ECC", "memory failed", -EIO },
};

#define CODES (sizeof(codes) / sizeof(codes[0]))

int accel_error_errno(uint32_t word)
{
	uint32_t code = MARU_ERROR_CODE(word);

	return code < CODES ? codes[code].error : -EIO;
}

static void describe_header_field(char *text, size_t bytes, uint16_t op, uint32_t field)
{
	static const struct {
		uint8_t end;
		const char *name;
	} fields[] = {
		{ 2, "op" }, { 3, "revision" }, { 4, "flags" }, { 8, "bytes" }, { 10, "roles" },
		{ 11, "unit" }, { 12, "mbz" }, { 16, "tag" },
	};
	const struct accel_op_param *param = accel_op_param_find(op, field);

	if (param) {
		snprintf(text, bytes, "%s", param->name);
		return;
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (field < fields[i].end) {
			snprintf(text, bytes, "%s", fields[i].name);
			return;
		}
	}
	snprintf(text, bytes, "parameter byte %u", field);
}

static void describe_operand_field(char *text, size_t bytes, uint16_t op, uint32_t role,
				   uint32_t field)
{
	const struct accel_op_role *row = accel_op_role_find(op, role);
	char name[24];

	if (row)
		snprintf(name, sizeof(name), "operand %s", row->name);
	else
		snprintf(name, sizeof(name), "operand %u", role);
	if (field < MARU_FIELD_TYPE)
		snprintf(text, bytes, "%s, address", name);
	else if (field < 16)
		snprintf(text, bytes, "%s, %s", name, field == MARU_FIELD_TYPE ? "type" :
			 field == MARU_FIELD_LAYOUT ? "layout" : "mbz");
	else if (field < 32)
		snprintf(text, bytes, "%s, dim[%u]", name, (field - 16) / 4);
	else
		snprintf(text, bytes, "%s, stride[%u]", name, (field - 32) / 8);
}

void accel_error_describe(char *text, size_t bytes, const struct maru_packet *packet,
			  uint32_t number, uint32_t offset, uint32_t word, uint64_t value,
			  uint64_t va)
{
	uint32_t code = MARU_ERROR_CODE(word), role = MARU_ERROR_ROLE(word);
	uint32_t field = MARU_ERROR_FIELD(word);
	const struct accel_op *op = packet ? accel_op_find(packet->op) : NULL;
	char place[64], field_text[64], type[24] = "";

	if (packet)
		snprintf(place, sizeof(place), "packet %u (+0x%x) %s", number, offset,
			 op ? op->name : "unknown operation");
	else
		snprintf(place, sizeof(place), "packet at +0x%x", offset);
	if (code >= CODES) {
		snprintf(text, bytes, "%s: unknown error %u", place, code);
		return;
	}
	if (role == MARU_ROLE_NONE)
		describe_header_field(field_text, sizeof(field_text), packet ? packet->op : 0xffff,
				      field);
	else
		describe_operand_field(field_text, sizeof(field_text),
				       packet ? packet->op : 0xffff, role, field);
	if (role != MARU_ROLE_NONE && field == MARU_FIELD_TYPE)
		snprintf(type, sizeof(type), " (%s)", accel_type_name((enum accel_type)value));
	if (code >= MARU_ERR_FAULT_READ && code <= MARU_ERR_FAULT_WINDOW)
		snprintf(text, bytes, "%s: %s at address 0x%llx: %s, %s", place, field_text,
			 (unsigned long long)va, codes[code].name, codes[code].meaning);
	else if (code >= MARU_ERR_TIMEOUT)
		snprintf(text, bytes, "%s: %s, %s", place, codes[code].name, codes[code].meaning);
	else
		snprintf(text, bytes, "%s: %s = %llu%s: %s, %s", place, field_text,
			 (unsigned long long)value, type, codes[code].name, codes[code].meaning);
}
