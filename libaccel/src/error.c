// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <drm/maru_cmd_ops.h>

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

/* No bytes of a line: of what the operand holds; all of it. */
#define FIELD_ELEMENT	0xff
#define FIELD_ALL	0xfe

static void describe_operand_field(char *text, size_t bytes, uint16_t op, uint32_t role,
				   uint32_t field)
{
	const struct accel_op_role *row = accel_op_role_find(op, role);
	char name[24];

	if (row)
		snprintf(name, sizeof(name), "operand %s", row->name);
	else
		snprintf(name, sizeof(name), "operand %u", role);
	if (field == FIELD_ALL)
		snprintf(text, bytes, "%s", name);
	else if (field == FIELD_ELEMENT)
		snprintf(text, bytes, "%s, element", name);
	else if (field < MARU_FIELD_TYPE)
		snprintf(text, bytes, "%s, address", name);
	else if (field < 16)
		snprintf(text, bytes, "%s, %s", name, field == MARU_FIELD_TYPE ? "type" :
			 field == MARU_FIELD_LAYOUT ? "layout" : "mbz");
	else if (field < 32)
		snprintf(text, bytes, "%s, dim[%u]", name, (field - 16) / 4);
	else
		snprintf(text, bytes, "%s, stride[%u]", name, (field - 32) / 8);
}

/* What stands beside the error word: an element of numbers in memory, the bits of a float, … */
static void describe_value(char *text, size_t bytes, uint16_t op, uint32_t word, uint64_t value)
{
	uint32_t role = MARU_ERROR_ROLE(word), field = MARU_ERROR_FIELD(word);
	const struct accel_op_param *param = accel_op_param_find(op, field);
	uint32_t bits = (uint32_t)value;
	float number;

	if (role == MARU_ROLE_NONE && param && param->kind == MARU_PARAM_FLOAT) {
		memcpy(&number, &bits, sizeof(number));
		snprintf(text, bytes, "%g", (double)number);
	} else if (role != MARU_ROLE_NONE && field == MARU_FIELD_TYPE) {
		snprintf(text, bytes, "%llu (%s)", (unsigned long long)value,
			 accel_type_name((enum accel_type)value));
	} else {
		snprintf(text, bytes, "%llu", (unsigned long long)value);
	}
}

void accel_error_describe(char *text, size_t bytes, const struct maru_packet *packet,
			  uint32_t number, uint32_t offset, uint32_t word, uint64_t value,
			  uint64_t va)
{
	uint32_t code = MARU_ERROR_CODE(word), role = MARU_ERROR_ROLE(word);
	bool is_fault = code >= MARU_ERR_FAULT_READ && code <= MARU_ERR_FAULT_WINDOW;
	uint32_t field = is_fault ? FIELD_ALL : code == MARU_ERR_BAD_INDEX ? FIELD_ELEMENT :
			 MARU_ERROR_FIELD(word);
	const struct accel_op *op = packet ? accel_op_find(packet->op) : NULL;
	uint16_t number_of_op = packet ? packet->op : 0xffff;
	char place[64], field_text[64], value_text[40];

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
		describe_header_field(field_text, sizeof(field_text), number_of_op,
				      MARU_ERROR_FIELD(word));
	else
		describe_operand_field(field_text, sizeof(field_text), number_of_op, role, field);
	describe_value(value_text, sizeof(value_text), number_of_op, word, value);
	if (is_fault)
		snprintf(text, bytes, "%s: %s at address 0x%llx: %s, %s", place, field_text,
			 (unsigned long long)va, codes[code].name, codes[code].meaning);
	else if (code >= MARU_ERR_TIMEOUT)
		snprintf(text, bytes, "%s: %s, %s", place, codes[code].name, codes[code].meaning);
	else
		snprintf(text, bytes, "%s: %s %s%s: %s, %s", place, field_text,
			 code == MARU_ERR_BAD_INDEX ? "" : "= ", value_text, codes[code].name,
			 codes[code].meaning);
}
