// SPDX-License-Identifier: GPL-2.0-only
/* Spans in this process: views, caches, holds, windows, files that are cut short. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "firmware-emu/mem/dma.h"
#include "firmware-emu/mem/sigbus.h"
#include "firmware-emu/mem/tier.h"
#include "firmware-emu/mem/view.h"
#include "firmware-emu/mem/vm.h"
#include "selftests/host/check_list.h"

#define HBM_BYTES	(32ULL << 20)
#define CXL_BYTES	(8ULL << 20)
#define RAM_BYTES	(8ULL << 20)
#define RAM_IOVA	0x100000000ULL
#define ROOT		0x1000ULL
#define PAGE		4096ULL
#define BLOCK		(2ULL << 20)
#define RW		(MARU_PTE_READ | MARU_PTE_WRITE)

static int memory_fd, ram_fd;
static uint8_t *memory, *ram;		/* mappings of our own */
static uint64_t next_table;
static struct span_vm *vm, *kernel;

static void map_page(uint64_t va, unsigned int tier, uint64_t addr, uint64_t flags, bool is_block)
{
	uint64_t *table = (uint64_t *)(memory + ROOT);

	for (int level = 3; level > is_block; level--) {
		uint64_t *entry = &table[va >> (12 + 9 * level) & 511];

		if (!*entry) {
			*entry = MARU_ENTRY(0, next_table) & ~MARU_PTE_LEAF;
			next_table += PAGE;
		}
		table = (uint64_t *)(memory + (*entry & MARU_PTE_ADDR_MASK));
	}
	table[va >> (is_block ? 21 : 12) & 511] =
		flags ? (MARU_ENTRY(tier, addr) & ~RW) | flags : 0;
}

static void map_pages(uint64_t va, unsigned int tier, uint64_t addr, uint64_t bytes,
		      uint64_t flags)
{
	for (uint64_t at = 0; at < bytes; at += PAGE)
		map_page(va + at, tier, addr + at, flags, false);
}

static uint8_t *byte_at(unsigned int tier, uint64_t addr)
{
	return tier == 2 ? ram + (addr - RAM_IOVA) : memory + (tier ? HBM_BYTES : 0) + addr;
}

static int setup(void **state)
{
	(void)state;
	memory_fd = memfd_create("memory", MFD_CLOEXEC);
	ram_fd = memfd_create("ram", MFD_CLOEXEC);
	if (ftruncate(memory_fd, HBM_BYTES + CXL_BYTES) || ftruncate(ram_fd, RAM_BYTES))
		return -1;
	memory = mmap(NULL, HBM_BYTES + CXL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd,
		      0);
	ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ram_fd, 0);
	next_table = ROOT + PAGE;
	if (tier_init(memory_fd, HBM_BYTES, CXL_BYTES) ||
	    dma_map(RAM_IOVA, RAM_BYTES, dup(ram_fd), 0, true))
		return -1;
	view_set_budget(0);
	vm = span_vm_create(3, MARU_ENTRY(0, ROOT) & ~MARU_PTE_LEAF);
	kernel = span_vm_create(0, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	span_vm_destroy(vm);
	span_vm_destroy(kernel);
	assert_int_equal(view_pieces_used(), 0);
	dma_fini();
	tier_fini();
	munmap(memory, HBM_BYTES + CXL_BYTES);
	munmap(ram, RAM_BYTES);
	close(memory_fd);
	close(ram_fd);
	return 0;
}

static void must(uint64_t va, uint64_t bytes, unsigned int access, struct span *span)
{
	struct span_fault fault;

	if (span_resolve(vm, va, bytes, access, span, &fault))
		fail_msg("fault kind %u at 0x%llx", fault.kind, (unsigned long long)fault.va);
}

static void must_fault(struct span_vm *space, uint64_t va, uint64_t bytes, unsigned int access,
		       uint32_t kind, uint64_t at)
{
	struct span_fault fault;
	struct span span;

	assert_int_equal(span_resolve(space, va, bytes, access, &span, &fault), -EFAULT);
	assert_int_equal(fault.kind, kind);
	assert_int_equal(fault.va, at);
	assert_null(span.view);
}

/* Contiguous in a tier, whatever the page tables look like: the tier's own mapping. */
static void mem_1_contiguous(void **state)
{
	struct span span, other;

	(void)state;
	map_pages(0x200000, 0, 0x400000, 64 * PAGE, RW);
	map_page(0x400000, 1, 0, RW, true);
	must(0x200010, 60 * PAGE, SPAN_READ | SPAN_WRITE, &span);
	memset(span.host, 0x11, span.bytes);
	assert_int_equal(*byte_at(0, 0x400010), 0x11);
	assert_int_equal(*byte_at(0, 0x400010 + 60 * PAGE - 1), 0x11);
	assert_int_equal(*byte_at(0, 0x400010 + 60 * PAGE), 0);
	assert_int_equal(span.per_tier[0], 60 * PAGE);
	assert_int_equal(view_pieces_used(), 0);
	must(0x400000 + 5, BLOCK - 5, SPAN_WRITE, &other);
	other.host[BLOCK - 6] = 0x22;
	assert_int_equal(*byte_at(1, BLOCK - 1), 0x22);
	assert_int_equal(other.per_tier[1], BLOCK - 5);
	span_release(&other);
	span_release(&span);
	must(0x200010, 0, SPAN_READ, &span);
	assert_null(span.host);
	span_release(&span);
}

/* Pages in any order and tier, a block among them, seen through one pointer. */
static void mem_2_scattered(void **state)
{
	const struct { unsigned int tier; uint64_t addr; } page[] = {
		{ 0, 0x800000 }, { 2, RAM_IOVA + 0x7000 }, { 1, 0x10000 }, { 2, RAM_IOVA },
		{ 0, 0x801000 }, { 0, 0x500000 },
	};
	uint64_t va = 0x40000000 - 6 * PAGE;
	struct span span, again;

	(void)state;
	for (int i = 0; i < 6; i++) {
		map_page(va + i * PAGE, page[i].tier, page[i].addr, RW, false);
		memset(byte_at(page[i].tier, page[i].addr), i + 1, PAGE);
	}
	map_page(0x40000000, 0, 0xa00000, RW, true);
	memset(byte_at(0, 0xa00000), 7, BLOCK);
	must(va + 100, 6 * PAGE - 100 + BLOCK, SPAN_READ | SPAN_WRITE, &span);
	for (uint64_t i = 0; i < span.bytes; i++) {
		uint64_t n = (i + 100) / PAGE;

		assert_int_equal(span.host[i], n < 6 ? n + 1 : 7);
	}
	assert_int_equal(span.per_tier[0], 3 * PAGE - 100 + BLOCK);
	assert_int_equal(span.per_tier[1], PAGE);
	assert_int_equal(span.per_tier[2], 2 * PAGE);
	span.host[PAGE] = 0x77;
	assert_int_equal(*byte_at(2, RAM_IOVA + 0x7000 + 100), 0x77);
	must(va + 200, PAGE, SPAN_READ, &again);
	assert_ptr_equal(again.host, span.host + 100);
	span_release(&again);
	span_release(&span);
	must(va + 100, 2 * PAGE, SPAN_READ, &span);
	assert_int_equal(view_pieces_used(), 7);
	span_release(&span);
}

static void mem_3_faults(void **state)
{
	(void)state;
	map_pages(0x200000, 0, 0x400000, 4 * PAGE, RW);
	map_page(0x202000, 0, 0x402000, MARU_PTE_READ, false);
	map_page(0x203000, 0, 0x403000, MARU_PTE_WRITE, false);
	map_page(0x204000, 0, HBM_BYTES, RW, false);
	map_page(0x205000, 2, RAM_IOVA + RAM_BYTES, RW, false);
	must_fault(vm, 0x100000, 8, SPAN_READ, MARU_FAULT_READ, 0x100000);
	must_fault(vm, 0x100000, 8, SPAN_WRITE, MARU_FAULT_WRITE, 0x100000);
	must_fault(vm, 0x200004, 3 * PAGE, SPAN_WRITE, MARU_FAULT_WRITE, 0x202000);
	must_fault(vm, 0x202004, 4, SPAN_WRITE, MARU_FAULT_WRITE, 0x202004);
	must_fault(vm, 0x200000, 4 * PAGE, SPAN_READ, MARU_FAULT_READ, 0x203000);
	must_fault(vm, 0x204008, 8, SPAN_READ, MARU_FAULT_PTE, 0x204008);
	must_fault(vm, 0x205000, 8, SPAN_READ, MARU_FAULT_WINDOW, 0x205000);
	must_fault(vm, UINT64_MAX - 3, 8, SPAN_READ, MARU_FAULT_READ, UINT64_MAX - 3);
	must_fault(vm, 1ULL << 48, 8, SPAN_READ, MARU_FAULT_READ, 1ULL << 48);
}

static void mem_4_kernel_space(void **state)
{
	struct span_fault fault;
	struct span span;
	uint64_t word;

	(void)state;
	assert_int_equal(span_resolve(kernel, MARU_VM0_VA(1, 0x100), 0x200, SPAN_WRITE, &span,
				      &fault), 0);
	span.host[0] = 9;
	assert_int_equal(*byte_at(1, 0x100), 9);
	span_release(&span);
	must_fault(kernel, MARU_VM0_VA(0, HBM_BYTES - 4), 8, SPAN_READ, MARU_FAULT_PTE,
		   MARU_VM0_VA(0, HBM_BYTES - 4));
	must_fault(kernel, MARU_VM0_VA(3, 0), 8, SPAN_READ, MARU_FAULT_PTE, MARU_VM0_VA(3, 0));
	must_fault(kernel, MARU_VM0_VA(2, RAM_IOVA - 8), 8, SPAN_READ, MARU_FAULT_WINDOW,
		   MARU_VM0_VA(2, RAM_IOVA - 8));
	word = 0x1234567890abcdef;
	assert_int_equal(span_write(kernel, MARU_VM0_VA(2, RAM_IOVA + PAGE - 4), &word, 8,
				    &fault), 0);
	word = 0;
	memcpy(&word, ram + PAGE - 4, 8);
	assert_int_equal(word, 0x1234567890abcdef);
	assert_int_equal(span_read(kernel, MARU_VM0_VA(2, RAM_IOVA + RAM_BYTES - 4), &word, 8,
				   &fault), -EFAULT);
	assert_int_equal(fault.kind, MARU_FAULT_WINDOW);
}

/* New look-ups see new entries at once; the old ones are waited for. */
static void mem_5_invalidate(void **state)
{
	struct span_invalidate wait, other;
	struct span old, new;
	bool is_view;

	(void)state;
	for (is_view = false; ; is_view = true) {
		map_pages(0x200000, 0, 0x400000, 4 * PAGE, RW);
		if (is_view)
			map_page(0x201000, 0, 0x600000, RW, false);
		span_invalidate_begin(&wait, vm, 0, 0);
		assert_true(span_invalidate_is_done(&wait));
		must(0x200000, 4 * PAGE, SPAN_WRITE, &old);
		map_page(0x201000, 1, 0x5000, RW, false);
		span_invalidate_begin(&other, vm, 0x300000, PAGE);
		assert_true(span_invalidate_is_done(&other));
		assert_false(span_is_wanted(&old));
		span_invalidate_begin(&wait, vm, 0x201000, PAGE);
		assert_false(span_invalidate_is_done(&wait));
		assert_true(span_waiters());
		assert_true(span_is_wanted(&old));
		must(0x200000, 4 * PAGE, SPAN_WRITE, &new);
		new.host[PAGE] = 0x31;
		assert_int_equal(*byte_at(1, 0x5000), 0x31);
		assert_false(span_is_wanted(&new));
		old.host[PAGE] = 0x32;
		assert_int_equal(*byte_at(0, is_view ? 0x600000 : 0x401000), 0x32);
		span_release(&old);
		assert_true(span_invalidate_is_done(&wait));
		assert_false(span_waiters());
		span_release(&new);
		if (is_view)
			break;
	}
}

static void mem_6_unmap_waits(void **state)
{
	struct span span, view;

	(void)state;
	map_page(0x200000, 2, RAM_IOVA + 0x3000, RW, false);
	map_page(0x201000, 2, RAM_IOVA + 0x1000, RW, false);
	must(0x200000, PAGE, SPAN_WRITE, &span);
	must(0x200000, 2 * PAGE, SPAN_WRITE, &view);
	/* A part of the window: the rest of it stays. */
	span_unmap_begin(RAM_IOVA + 0x3000, PAGE);
	assert_false(span_unmap_is_done());
	must_fault(vm, 0x200000, PAGE, SPAN_WRITE, MARU_FAULT_WINDOW, 0x200000);
	assert_true(span_is_wanted(&span) && span_is_wanted(&view));
	view.host[PAGE] = 1;
	span_release(&span);
	assert_false(span_unmap_is_done());
	span_release(&view);
	assert_true(span_unmap_is_done());
	span_unmap_end();
	assert_int_equal(view_pieces_used(), 0);
	must(0x201000, PAGE, SPAN_WRITE, &span);
	span_release(&span);
	assert_int_equal(dma_map(RAM_IOVA + 0x3000, PAGE, dup(ram_fd), 0x5000, true), 0);
	must(0x200000, 2 * PAGE, SPAN_WRITE, &view);
	view.host[3] = 0x55;
	assert_int_equal(ram[0x5003], 0x55);
	span_release(&view);
}

/* Windows that follow each other, in address and file, are one run; a read-only one is not. */
static void mem_7_windows(void **state)
{
	const uint64_t iova = 0x200000000;
	struct span_fault fault;
	struct dma_run run;
	uint64_t word = 1;
	unsigned int i;

	(void)state;
	assert_int_equal(dma_map(RAM_IOVA + RAM_BYTES - PAGE, 2 * PAGE, dup(ram_fd), 0, true),
			 -EEXIST);
	assert_int_equal(dma_map(iova, 100, dup(ram_fd), 0, true), -EINVAL);
	assert_int_equal(dma_map(UINT64_MAX - PAGE + 1, 2 * PAGE, dup(ram_fd), 0, true), -EINVAL);
	for (i = 0; i < 100; i++)
		assert_int_equal(dma_map(iova + i * PAGE, PAGE, dup(ram_fd), i * PAGE, true), 0);
	assert_int_equal(dma_map(iova + 100 * PAGE, PAGE, dup(ram_fd), 100 * PAGE, false), 0);
	dma_lock();
	assert_true(dma_find(iova + 8, UINT64_MAX, &run));
	assert_int_equal(run.bytes, 100 * PAGE - 8);
	assert_false(dma_find(iova + 101 * PAGE, 1, &run));
	dma_unlock();
	assert_int_equal(span_write(kernel, MARU_VM0_VA(2, iova + 100 * PAGE), &word, 8, &fault),
			 -EFAULT);
	assert_int_equal(fault.kind, MARU_FAULT_WRITE);
	assert_int_equal(span_read(kernel, MARU_VM0_VA(2, iova + 100 * PAGE), &word, 8, &fault),
			 0);
	must_fault(kernel, MARU_VM0_VA(2, iova + 100 * PAGE), 8, SPAN_WRITE, MARU_FAULT_WRITE,
		   MARU_VM0_VA(2, iova + 100 * PAGE));
}

/* Views that nobody holds make room for others; held ones do not. */
static void mem_8_budget(void **state)
{
	struct span spans[3], extra, none;
	struct span_fault fault;

	(void)state;
	view_set_budget(16);
	for (uint64_t i = 0; i < 64; i++)
		map_page(0x200000 + i * PAGE, 0, 0x400000 + (63 - i) * PAGE, RW, false);
	for (uint64_t i = 0; i < 16; i++) {
		must(0x200000 + i * 4 * PAGE, 4 * PAGE, SPAN_WRITE, &extra);
		span_release(&extra);
		assert_true(view_pieces_used() <= 16);
	}
	for (uint64_t i = 0; i < 3; i++)
		must(0x200000 + i * 4 * PAGE, 4 * PAGE, SPAN_WRITE, &spans[i]);
	must(0x200000 + 20 * PAGE, 4 * PAGE, SPAN_WRITE, &extra);
	assert_int_equal(span_resolve(vm, 0x200000 + 32 * PAGE, 2 * PAGE, SPAN_WRITE, &none,
				      &fault), -EFAULT);
	assert_int_equal(fault.kind, ~0u);
	span_release(&extra);
	assert_int_equal(span_resolve(vm, 0x200000, 17 * PAGE, SPAN_WRITE, &extra, &fault),
			 -EFAULT);
	must(0x200000 + 32 * PAGE, 2 * PAGE, SPAN_WRITE, &extra);
	span_release(&extra);
	for (uint64_t i = 0; i < 3; i++)
		span_release(&spans[i]);
}

static void mem_9_cut_short(void **state)
{
	const uint64_t iova = 0x300000000;
	int fd = memfd_create("cut", MFD_CLOEXEC);
	struct span_fault fault;
	struct span span, view;
	uint64_t word = 7;

	(void)state;
	sigbus_install();		/* here: cmocka takes the signal around each test */
	assert_int_equal(ftruncate(fd, 16 * PAGE), 0);
	assert_int_equal(dma_map(iova, 16 * PAGE, dup(fd), 0, true), 0);
	map_pages(0x200000, 2, iova, 8 * PAGE, RW);
	map_page(0x208000, 0, 0x400000, RW, false);
	must(0x200000, 8 * PAGE, SPAN_READ | SPAN_WRITE, &span);
	must(0x200000, 9 * PAGE, SPAN_READ | SPAN_WRITE, &view);
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_false(span_is_dead(&span));
	assert_int_equal(((volatile uint8_t *)view.host)[3 * PAGE], 0);
	assert_true(span_is_dead(&view));
	((volatile uint8_t *)span.host)[5 * PAGE] = 1;
	assert_true(span_is_dead(&span));
	assert_int_equal(span_read(vm, 0x200000, &word, 8, &fault), -EFAULT);
	assert_int_equal(fault.kind, MARU_FAULT_WINDOW);
	span_release(&view);
	span_release(&span);
	/* Mapped again, it is a new chance. */
	span_unmap_begin(iova, 16 * PAGE);
	assert_true(span_unmap_is_done());
	span_unmap_end();
	assert_int_equal(ftruncate(fd, 16 * PAGE), 0);
	assert_int_equal(dma_map(iova, 16 * PAGE, dup(fd), 0, true), 0);
	assert_int_equal(span_read(vm, 0x200000, &word, 8, &fault), 0);
	/* By span_read() itself. */
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(span_read(vm, 0x200000, &word, 8, &fault), -EFAULT);
	assert_int_equal(fault.kind, MARU_FAULT_WINDOW);
	close(fd);
}

#define T(function, text) { text, function, setup, teardown, NULL }

int main(void)
{
	static const struct check checks[] = {
		{ "accesses split at windows and pages, gaps, permissions",
		  { mem_7_windows, mem_2_scattered, mem_3_faults } },
	};
	const struct CMUnitTest tests[] = {
		T(mem_1_contiguous, "[MMU-2] what is contiguous in a tier"),
		T(mem_2_scattered, "[MMU-7] scattered pages through one view"),
		T(mem_3_faults, "[MMU-4] [MMU-5] kinds and addresses of faults"),
		T(mem_4_kernel_space, "[MMU-6] VM 0"),
		T(mem_5_invalidate, "[MMU-8] INVALIDATE waits for what is held"),
		T(mem_6_unmap_waits, "[MMU-9] DMA_UNMAP waits for what is held"),
		T(mem_7_windows, "[MMU-10] windows merge, and permit what they permit"),
		T(mem_8_budget, "[MMU-7] the bound on pieces"),
		T(mem_9_cut_short, "[MMU-11] files that are cut short"),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("span", tests, NULL, NULL) +
	       check_list(checks, sizeof(checks) / sizeof(checks[0]), tests,
			  sizeof(tests) / sizeof(tests[0]));
}
