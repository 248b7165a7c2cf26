// SPDX-License-Identifier: GPL-2.0-only
/* The core with its real engines: how soon long tiles leave, what steady work costs the host. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "selftests/host/queue_case.h"

#define MATRIX	(64ull << 20)	/* bytes of one long row, that all rows are */
#define SUBMITS	1000u

struct copy {
	struct maru_packet head;
	struct maru_operand dst, src;
};

/* Allocations of the core, a child: counted in memory that both see. */
static atomic_ulong *allocations;

static void count(void)
{
	if (allocations)
		atomic_fetch_add_explicit(allocations, 1, memory_order_relaxed);
}

#ifdef __SANITIZE_ADDRESS__
/* What it keeps back, of stacks too, touches new pages all the time. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_stack_use_after_return=0:quarantine_size_mb=0";
}

/* All functions that allocate are the sanitizer's already. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
					      void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *memory, size_t bytes)
{
	(void)memory;
	(void)bytes;
	count();
}

static void on_free(const volatile void *memory)
{
	(void)memory;
}

static bool watch_allocations(void)
{
	return __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0;
}
#else
static bool watch_allocations(void)
{
	return true;
}

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t align, size_t bytes);

void *malloc(size_t bytes)
{
	count();
	return __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
	count();
	return __libc_calloc(n, bytes);
}

void *realloc(void *memory, size_t bytes)
{
	count();
	return __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t align, size_t bytes)
{
	count();
	return __libc_memalign(align, bytes);
}

int posix_memalign(void **memory, size_t align, size_t bytes)
{
	count();
	*memory = __libc_memalign(align, bytes);
	return *memory ? 0 : ENOMEM;
}
#endif

static int setup(void **state)
{
	(void)state;
	return queue_case_start(&(struct card_config){ .hbm_bytes = 128 << 20 });
}

/* Processor time of the core: other load makes no difference. */
static uint64_t work_ns(void)
{
	struct timespec t;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(card->pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &t), 0);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/*
 * All rows of A and of B are one row of 64 MiB: tiles of some billions of multiply-adds, in
 * parts of k.
 */
static void long_tile(unsigned int type, uint32_t m)
{
	uint32_t k = MATRIX / maru_type_bytes(type);
	uint64_t out = card_alloc(card, MARU_TIER_HBM, 65536);
	uint64_t row = card_alloc(card, MARU_TIER_HBM, MATRIX);
	struct matmul matmul = matmul_of(type == MARU_TYPE_I8 ? MARU_TYPE_I32 : MARU_TYPE_F32);
	struct maru_desc desc;
	uint64_t took;
	uint8_t *dst = card_ptr(card, MARU_TIER_HBM, out);

	matmul.dst = operand(out, matmul.dst.type, 0, 64, m);
	matmul.a = operand(row, type, 0, k, 64);
	matmul.a.stride[1] = 0;
	matmul.b = operand(row, type, 0, k, m);
	matmul.b.stride[1] = 0;
	memset(dst, 0x5a, 64 * 4 * m);
	desc = exec_of(&matmul, sizeof(matmul));
	card_submit(queue, &desc);
	assert_int_equal(card_wait_u64(card, &queue->block->started, queue->tail, 5000), 0);
	usleep(100000);
	assert_int_equal(queue->block->done, queue->tail - 1);
	took = work_ns();
	assert_int_equal(card_queue_reset(queue, MARU_RESET_CANCEL), MARU_ADMIN_OK);
	took = work_ns() - took;
	print_message("# type %u, %u rows: left after %.1f ms\n", type, m, (double)took / 1e6);
	assert_true(took < 40000000);		/* 20 ms on each of two threads */
	assert_int_equal(queue->block->error, MARU_ERROR(MARU_ERR_CANCELLED, 0xff, 0));
	for (uint32_t i = 0; i < 64 * 4 * m; i++)
		assert_int_equal(dst[i], 0x5a);
}

/* [DET-2] a sum of millions of terms is left between its parts, with nothing written. */
static void cancel_f32(void **state)
{
	(void)state;
	long_tile(MARU_TYPE_F32, 64);
}

static void cancel_bf16(void **state)
{
	(void)state;
	long_tile(MARU_TYPE_BF16, 64);
}

static void cancel_i8(void **state)
{
	(void)state;
	long_tile(MARU_TYPE_I8, 64);
}

static unsigned long faults_of(pid_t pid)
{
	unsigned long minor, major;
	char path[40];
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	stat = fopen(path, "r");
	assert_non_null(stat);
	assert_int_equal(fscanf(stat, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %lu %*u %lu",
				&minor, &major), 2);
	fclose(stat);
	return minor + major;
}

/* Runs a descriptor SUBMITS times. Return: allocations; @faults: pages touched first. */
static unsigned long measure(const struct maru_desc *desc, unsigned long *faults)
{
	unsigned long before;

	*faults = faults_of(card->pid);
	before = atomic_load(allocations);
	for (unsigned int i = 0; i < SUBMITS; i++) {
		card_submit(queue, desc);
		assert_int_equal(card_wait(queue, queue->tail, 10000), 0);
	}
	before = atomic_load(allocations) - before;	/* looking at faults allocates here */
	*faults = faults_of(card->pid) - *faults;
	return before;
}

/* Warm is when each thread has had work: the last of a few rounds counts. */
static unsigned long steady(const void *packets, uint32_t bytes, const char *what)
{
	struct maru_desc desc = exec_of(packets, bytes);
	unsigned long faults = 1, allocated = 0;

	for (unsigned int round = 0; round < 5 && faults; round++)
		allocated = measure(&desc, &faults);
	print_message("# %s: %u submits, %lu faults, %lu allocations\n", what, SUBMITS, faults,
		      allocated);
	assert_int_equal(faults, 0);
	return allocated;
}

static uint64_t touched(uint64_t bytes)
{
	uint64_t at = card_alloc(card, MARU_TIER_HBM, bytes);

	memset(card_ptr(card, MARU_TIER_HBM, at), 0x11, bytes);
	return at;
}

/* Products, matrix × vector, copies: no page is touched first and nothing allocated. */
static void steady_state(void **state)
{
	const uint32_t n = 256;
	uint64_t out = touched(n * n * 4), a = touched(n * n * 4), b = touched(n * n * 4);
	struct matmul matmul = matmul_of(MARU_TYPE_F32);
	struct copy copy = { .head = { .op = MARU_OP_COPY, .bytes = sizeof(copy), .roles = 3 } };

	(void)state;
	copy.dst = operand(out, MARU_TYPE_F32, 0, n, n);
	copy.src = operand(a, MARU_TYPE_F32, 0, n, n);
	assert_int_equal(steady(&copy, sizeof(copy), "copy"), 0);
	matmul.dst = operand(out, MARU_TYPE_F32, 0, n, 1);
	matmul.a = operand(a, MARU_TYPE_BF16, MARU_LAYOUT_K16N64, n, n);
	matmul.b = operand(b, MARU_TYPE_F32, 0, n, 1);
	assert_int_equal(steady(&matmul, sizeof(matmul), "matrix x vector"), 0);
	matmul.dst = operand(out, MARU_TYPE_I32, 0, n, n);
	matmul.a = operand(a, MARU_TYPE_I8, MARU_LAYOUT_K16N64K4, n, n);
	matmul.b = operand(b, MARU_TYPE_I8, 0, n, n);
	steady(&matmul, sizeof(matmul), "matmul i8");
	/* The library makes a table of its arguments in each call, and frees it. */
	matmul.dst = operand(out, MARU_TYPE_F32, 0, n, n);
	matmul.a = operand(a, MARU_TYPE_F32, MARU_LAYOUT_K16N64, n, n);
	matmul.b = operand(b, MARU_TYPE_F32, 0, n, n);
	steady(&matmul, sizeof(matmul), "matmul f32");
}

struct timestamp {
	struct maru_packet head;
	struct maru_operand dst;
};

static struct timestamp timestamp_of(uint64_t va)
{
	return (struct timestamp){
		.head = { .op = MARU_OP_TIMESTAMP, .bytes = sizeof(struct timestamp), .roles = 1 },
		.dst = operand(va, MARU_TYPE_U64, 0, 2, 1),
	};
}

/* [TIM-3] the wall time of each packet, by TIMESTAMPs between them: a product and a NOP. */
static void packet_times(void **state)
{
	const uint32_t n = 512;
	uint64_t at = card_alloc(card, MARU_TIER_HOST, 4096), out = touched(n * n * 4);
	uint64_t a = touched(n * n * 4), product_ns = UINT64_MAX, nop_ns = UINT64_MAX;
	const volatile uint64_t *words = card_ptr(card, MARU_TIER_HOST, at);
	struct {
		struct timestamp first;
		struct matmul product;
		struct timestamp second;
		struct maru_packet nop;
		struct timestamp third;
	} packets = {
		timestamp_of(HOST(at)), matmul_of(MARU_TYPE_F32), timestamp_of(HOST(at + 16)),
		{ .op = MARU_OP_NOP, .bytes = 64 }, timestamp_of(HOST(at + 32)),
	};
	struct maru_desc desc;

	(void)state;
	packets.product.dst = operand(out, MARU_TYPE_F32, 0, n, n);
	packets.product.a = operand(a, MARU_TYPE_F32, 0, n, n);
	packets.product.b = packets.product.a;
	desc = exec_of(&packets, sizeof(packets));
	desc.times_va = HOST(at + 64);
	for (int i = 0; i < 10; i++) {
		card_submit(queue, &desc);
		assert_int_equal(card_wait(queue, queue->tail, 10000), 0);
		assert_true(words[8] <= words[0] && words[0] <= words[2] &&
			    words[2] <= words[4] && words[4] <= words[9]);
		product_ns = words[2] - words[0] < product_ns ? words[2] - words[0] : product_ns;
		nop_ns = words[4] - words[2] < nop_ns ? words[4] - words[2] : nop_ns;
	}
	print_message("# a product of 512: %llu ns, a NOP: %llu ns\n",
		      (unsigned long long)product_ns, (unsigned long long)nop_ns);
	/* 2^27 multiply-adds by two threads: never faster than 1 TFLOP/s each. */
	assert_true(product_ns > 134000 && nop_ns < product_ns / 2);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, queue_case_teardown)
	const struct CMUnitTest tests[] = {
		TEST(cancel_f32), TEST(cancel_bf16), TEST(cancel_i8), TEST(steady_state),
		TEST(packet_times),
	};

	allocations = mmap(NULL, sizeof(*allocations), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (allocations == MAP_FAILED || !watch_allocations())
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("core_engine", tests, NULL, NULL);
}
