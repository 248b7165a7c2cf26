// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdlib.h>

#include "firmware-emu/fw/admin.h"
#include "firmware-emu/fw/doorbell.h"
#include "firmware-emu/fw/sched.h"
#include "firmware-emu/mem/mmu.h"
#include "firmware-emu/mem/point.h"
#include "firmware-emu/mem/tier.h"

static bool va_is_reachable(uint64_t va, struct span_fault *fault)
{
	uint64_t word;

	return !span_read(fw_kernel(), va, &word, sizeof(word), fault);
}

/* Fields of VM_CREATE on their own. Return: 0, or a status. */
static uint16_t vm_check(struct admin_command *command)
{
	const struct maru_admin_vm *args = &command->sqe.vm;
	unsigned int offset;

	if (!args->vm || args->vm >= FW_VMS)
		return admin_invalid(command, ADMIN_FIELD(vm.vm));
	if (args->group >= FW_GROUPS)
		return admin_invalid(command, ADMIN_FIELD(vm.group));
	if (admin_has_bits(command, ADMIN_FIELD(vm.mbz), ADMIN_FIELD(vm.root), &offset) ||
	    admin_has_bits(command, ADMIN_FIELD(vm.mbz2), sizeof(command->sqe), &offset))
		return admin_invalid(command, offset);
	if (!mmu_table_is_ok(args->root))
		return admin_invalid(command, ADMIN_FIELD(vm.root));
	if (args->group ? !mmu_entry_is_ok(args->group_page) : !!args->group_page)
		return admin_invalid(command, ADMIN_FIELD(vm.group_page));
	return MARU_ADMIN_OK;
}

static uint16_t vm_insert(const struct maru_admin_vm *args)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return MARU_ADMIN_NO_SPACE;
	vm->id = args->vm;
	vm->group = args->group;
	vm->space = span_vm_create(args->vm, args->root);
	if (!vm->space || (vm->group && !group_create(vm->group, fw_entry_va(args->group_page)))) {
		if (vm->space)
			span_vm_destroy(vm->space);
		free(vm);
		return MARU_ADMIN_NO_SPACE;
	}
	fw.vms[vm->id] = vm;
	__atomic_store_n(&fw.shared->vms, ++fw.vm_count, __ATOMIC_RELAXED);
	return MARU_ADMIN_OK;
}

uint16_t admin_vm_create(struct admin_command *command)
{
	const struct maru_admin_vm *args = &command->sqe.vm;
	uint16_t status = vm_check(command);
	struct span_fault fault;
	uint64_t root;

	if (status)
		return status;
	if (fw.vms[args->vm] || (args->group && group_exists(args->group)))
		return MARU_ADMIN_EXISTS;
	root = fw_entry_va(args->root);
	if (!tier_has(root >> MARU_VM0_TIER_SHIFT, args->root & MARU_PTE_ADDR_MASK,
		      MARU_PAGE_BYTES))
		return admin_fault(command, root);
	if (args->group && !va_is_reachable(fw_entry_va(args->group_page), &fault))
		return admin_fault(command, fault.va);
	return vm_insert(args);
}

uint16_t admin_vm_destroy(struct admin_command *command)
{
	unsigned int id = command->sqe.vm.vm, offset;
	struct vm *vm;

	if (!id || id >= FW_VMS)
		return admin_invalid(command, ADMIN_FIELD(vm.vm));
	if (admin_has_bits(command, ADMIN_FIELD(vm.group), sizeof(command->sqe), &offset))
		return admin_invalid(command, offset);
	vm = fw.vms[id];
	if (!vm)
		return MARU_ADMIN_NOT_FOUND;
	if (vm->queues)
		return MARU_ADMIN_BUSY;
	if (vm->group)
		group_destroy(vm->group);
	fw.vms[id] = NULL;
	span_vm_destroy(vm->space);
	free(vm);
	__atomic_store_n(&fw.shared->vms, --fw.vm_count, __ATOMIC_RELAXED);
	return MARU_ADMIN_OK;
}

static uint16_t invalidate_check(struct admin_command *command)
{
	const struct maru_admin_invalidate *args = &command->sqe.invalidate;
	const uint64_t end = 1ULL << MARU_VA_BITS;
	unsigned int offset;

	if (!args->vm || args->vm >= FW_VMS)
		return admin_invalid(command, ADMIN_FIELD(invalidate.vm));
	if (admin_has_bits(command, ADMIN_FIELD(invalidate.mbz), ADMIN_FIELD(invalidate.va),
			   &offset) ||
	    admin_has_bits(command, ADMIN_FIELD(invalidate.mbz2), sizeof(command->sqe), &offset))
		return admin_invalid(command, offset);
	if (args->va % MARU_PAGE_BYTES || args->va >= end)
		return admin_invalid(command, ADMIN_FIELD(invalidate.va));
	if (args->bytes % MARU_PAGE_BYTES || args->bytes > end - args->va)
		return admin_invalid(command, ADMIN_FIELD(invalidate.bytes));
	return MARU_ADMIN_OK;
}

uint16_t admin_invalidate(struct admin_command *command)
{
	const struct maru_admin_invalidate *args = &command->sqe.invalidate;
	uint16_t status;

	if (!command->is_begun) {
		status = invalidate_check(command);
		if (status)
			return status;
		if (!fw.vms[args->vm])
			return MARU_ADMIN_NOT_FOUND;
		command->is_begun = true;
		span_invalidate_begin(&command->wait, fw.vms[args->vm]->space, args->va,
				      args->bytes);
		sched_suspend_wanted();
	}
	if (!command->is_held && !span_invalidate_is_done(&command->wait))
		return ADMIN_WAIT;
	switch (point_try(IPC_POINT_ADMIN_INVALIDATE, &command->is_held)) {
	case POINT_HELD:
		return ADMIN_WAIT;
	case POINT_FAIL:
		return MARU_ADMIN_INTERNAL;
	default:
		return MARU_ADMIN_OK;
	}
}
