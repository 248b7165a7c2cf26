// SPDX-License-Identifier: GPL-2.0-only
/* The stream: headers, sizes, versions, descriptors, floods, leaving at any byte. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "firmware-emu/log.h"
#include "selftests/host/slot_case.h"

static int is_alive(void)
{
	return vfu_read32(&case_vfu, MARU_BAR_REGS, MARU_REG_MAGIC) == MARU_MAGIC;
}

static int is_hung_up(void)
{
	struct wire_header header;
	char body[64];
	int ret;

	do {
		ret = vfu_recv(&case_vfu, &header, body, sizeof(body), 2000);
	} while (ret >= 0);
	return ret == VFU_CLOSED;
}

static void test_version(void **state)
{
	struct { struct wire_version version; char json[210]; } body = { 0 };
	char reply[214 - 16];
	int ret;

	(void)state;
	strcpy(body.json, "{\"capabilities\":{}}");
	ret = vfu_call(&case_vfu, WIRE_VERSION, &body, 4 + strlen(body.json) + 1, NULL, 0, reply,
		       sizeof(reply));
	assert_true(ret > 4);
	assert_int_equal(reply[ret - 1], 0);
	assert_non_null(strstr(reply + 4, "\"max_msg_fds\":8"));
	assert_null(strstr(reply + 4, "write_multiple"));
	assert_true(is_alive());
}

static void test_version_second(void **state)
{
	(void)state;
	assert_int_equal(vfu_negotiate(&case_vfu, "{}", 3), -EPROTO);
	assert_true(is_alive());
}

static void test_version_first(void **state)
{
	struct wire_device_info info = { .argsz = sizeof(info) };

	(void)state;
	assert_int_equal(vfu_call(&case_vfu, WIRE_DEVICE_GET_INFO, &info, sizeof(info), NULL, 0,
				  &info, sizeof(info)), -EPROTO);
	assert_true(is_hung_up());
}

static void test_version_wrong(void **state)
{
	static const struct { const char *json; size_t bytes; } wrong[] = {
#define TEXT(json) { json, sizeof(json) }
		{ "{\"capabilities\":{}}", 19 },		/* no NUL */
		TEXT("{}\0{}"),				/* a NUL inside */
		TEXT("{"), TEXT("nonsense"), TEXT("[]"), TEXT("{\"capabilities\":1}"),
		TEXT("{\"capabilities\":{\"max_msg_fds\":\"8\"}}"),
		TEXT("{\"capabilities\":{\"max_msg_fds\":-1}}"),
		TEXT("{\"capabilities\":{\"max_dma_maps\":0}}"),
		TEXT("{\"capabilities\":{\"pgsizes\":1e99}}"),
		TEXT("{\"capabilities\":{\"max_data_xfer_size\":99999999999999999999}}"),
		TEXT("{\"a\":1,\"a\":2}"),
#undef TEXT
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(vfu_negotiate(&case_vfu, wrong[i].json, wrong[i].bytes), -EINVAL);
		assert_true(is_hung_up());
		vfu_close(&case_vfu);
		assert_int_equal(vfu_connect(&case_vfu, &case_card, case_way(state)), 0);
	}
}

/* Less than a version and one byte, and more text than there is room for. */
static void test_version_sizes(void **state)
{
	static const size_t wrong[] = { 0, 1, 2, 3, 4, 4 + WIRE_MAX_JSON + 1, 1 << 20 };
	char *body = calloc(1, 1 << 20);

	memset(body + 4, ' ', WIRE_MAX_JSON + 1);
	memcpy(body + 4, "{}", 2);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (wrong[i] > 4)
			body[wrong[i] - 1] = '\0';
		assert_int_equal(vfu_call(&case_vfu, WIRE_VERSION, body, wrong[i], NULL, 0, NULL,
					  0), -EINVAL);
		assert_true(is_hung_up());
		vfu_close(&case_vfu);
		assert_int_equal(vfu_connect(&case_vfu, &case_card, case_way(state)), 0);
	}
	body[4 + WIRE_MAX_JSON - 1] = '\0';
	assert_int_equal(vfu_negotiate(&case_vfu, body + 4, WIRE_MAX_JSON), 0);
	assert_true(is_alive());
	free(body);
}

static void test_version_deep(void **state)
{
	char json[4096];

	(void)state;
	memset(json, '[', sizeof(json) - 1);
	json[sizeof(json) - 1] = '\0';
	assert_int_equal(vfu_negotiate(&case_vfu, json, sizeof(json)), -EINVAL);
	assert_true(is_hung_up());
}

static void test_version_major(void **state)
{
	struct { struct wire_version version; char json[3]; } body = { { .major = 1 }, "{}" };

	(void)state;
	assert_int_equal(vfu_call(&case_vfu, WIRE_VERSION, &body, 7, NULL, 0, NULL, 0),
			 -EOPNOTSUPP);
	assert_true(is_hung_up());
}

static void test_version_fds(void **state)
{
	struct { struct wire_version version; char json[3]; } body = { { 0 }, "{}" };
	int fd = case_memfd(4096);

	(void)state;
	assert_int_equal(vfu_call(&case_vfu, WIRE_VERSION, &body, 7, &fd, 1, NULL, 0), -EINVAL);
	close(fd);
	assert_true(is_hung_up());
}

static void test_header_broken(void **state)
{
	static const struct { uint32_t bytes, flags; } wrong[] = {
		{ 0, 0 }, { 1, 0 }, { 15, 0 }, { 16 + WIRE_MAX_BODY + 1, 0 },
		{ 0xffffffff, 0 }, { 0x80000000, 0 }, { 16, 1 }, { 16, 2 }, { 16, 0xf },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct wire_header header = {
			.id = 1, .command = WIRE_DEVICE_RESET, .bytes = wrong[i].bytes,
			.flags = wrong[i].flags,
		};

		assert_int_equal(vfu_send_bytes(&case_vfu, &header, 16, NULL, 0), 0);
		assert_true(is_hung_up());
		vfu_close(&case_vfu);
		assert_int_equal(vfu_open(&case_vfu, &case_card, case_way(state)), 0);
	}
	assert_true(is_alive());
}

static void test_unknown_command(void **state)
{
	static const unsigned int commands[] = { 0, 6, 11, 12, 14, 16, 17, 18, 19, 255, 65535 };
	char body[64] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		assert_int_equal(vfu_call(&case_vfu, commands[i], body, sizeof(body), NULL, 0,
					  NULL, 0), -EOPNOTSUPP);
	assert_true(is_alive());
}

static const struct { unsigned int command; size_t bytes; } fixed[] = {
	{ WIRE_DMA_MAP, 32 }, { WIRE_DMA_UNMAP, 24 }, { WIRE_DEVICE_GET_INFO, 16 },
	{ WIRE_DEVICE_GET_REGION_INFO, 32 }, { WIRE_DEVICE_GET_IRQ_INFO, 16 },
	{ WIRE_REGION_READ, 16 }, { WIRE_DEVICE_RESET, 0 },
};

static void test_payload_sizes(void **state)
{
	char body[4200] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		for (size_t n = 0; n < 40; n++) {
			if (n == fixed[i].bytes)
				continue;
			assert_int_equal(vfu_call(&case_vfu, fixed[i].command, body, n, NULL, 0,
						  NULL, 0), -EINVAL);
		}
	}
	for (size_t n = 0; n < 16; n++)
		assert_int_equal(vfu_call(&case_vfu, WIRE_REGION_WRITE, body, n, NULL, 0, NULL,
					  0), -EINVAL);
	for (size_t n = 0; n < 20; n++)
		assert_int_equal(vfu_call(&case_vfu, WIRE_DEVICE_SET_IRQS, body, n, NULL, 0, NULL,
					  0), -EINVAL);
	assert_int_equal(vfu_call(&case_vfu, WIRE_DEVICE_SET_IRQS, body, 4120, NULL, 0, NULL, 0),
			 -EINVAL);
	for (size_t n = 0; n < 8; n++)
		assert_int_equal(vfu_call(&case_vfu, WIRE_REGION_WRITE_MULTI, body, n, NULL, 0,
					  NULL, 0), -EINVAL);
	assert_true(is_alive());
}

/* What a client says to have room for: never less than the struct, never out of all measure. */
static void test_argsz(void **state)
{
	struct wire_dma_map map = { 0, 3, 0, 0x10000, 4096 };
	struct wire_dma_unmap unmap = { .flags = WIRE_UNMAP_ALL };
	struct wire_device_info device = { 0 };
	struct wire_region_info region = { .index = 2 };
	struct wire_irq_info irq = { .index = 2 };
	struct wire_irq_set set = { 0, 0x21, 2, 0, 0 };
	const struct { unsigned int command; void *body; uint32_t bytes; } all[] = {
		{ WIRE_DMA_MAP, &map, 32 }, { WIRE_DMA_UNMAP, &unmap, 24 },
		{ WIRE_DEVICE_GET_INFO, &device, 16 },
		{ WIRE_DEVICE_GET_REGION_INFO, &region, 32 },
		{ WIRE_DEVICE_GET_IRQ_INFO, &irq, 16 }, { WIRE_DEVICE_SET_IRQS, &set, 20 },
	};
	char reply[64];

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct { uint32_t argsz; bool is_wrong; } rows[] = {
			{ 0, true }, { all[i].bytes - 1, true }, { all[i].bytes, false },
			{ WIRE_MAX_BODY, false }, { WIRE_MAX_BODY + 1, true }, { UINT32_MAX, true },
		};

		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++) {
			int ret;

			memcpy(all[i].body, &rows[j].argsz, 4);
			ret = vfu_call(&case_vfu, all[i].command, all[i].body, all[i].bytes, NULL,
				       0, reply, sizeof(reply));
			if (rows[j].is_wrong ? ret != -EINVAL : ret < 0)
				fail_msg("command %u, argsz %u: %d", all[i].command,
					 rows[j].argsz, ret);
		}
	}
}

static void test_fds_flood(void **state)
{
	struct wire_header header = { .command = WIRE_DEVICE_RESET, .bytes = 16 + 200 };
	int fds[100], fd = case_memfd(4096), ret = 0;
	unsigned int first = case_way(state) == VFU_SOCKET ? 100 : 64;

	for (unsigned int i = 0; i < 100; i++)
		fds[i] = fd;
	/* More than fit into one message, or 64 more with each byte of the body. */
	assert_int_equal(vfu_send_bytes(&case_vfu, &header, 16, fds, first), 0);
	for (unsigned int i = 0; i < 100 && !ret; i++)
		ret = vfu_send_bytes(&case_vfu, "x", 1, fds, 64);
	close(fd);
	assert_true(is_hung_up());
}

static void test_dribble(void **state)
{
	struct wire_region_access access = { .region = MARU_BAR_REGS, .count = 4 };
	struct wire_header header = {
		.command = WIRE_REGION_READ, .bytes = sizeof(header) + sizeof(access), .id = 77,
	};
	struct { struct wire_region_access access; uint32_t value; } reply;
	char all[sizeof(header) + sizeof(access)];

	(void)state;
	memcpy(all, &header, sizeof(header));
	memcpy(all + sizeof(header), &access, sizeof(access));
	for (size_t i = 0; i < sizeof(all); i++) {
		assert_int_equal(vfu_send_bytes(&case_vfu, all + i, 1, NULL, 0), 0);
		slot_step(&case_card, 1);
	}
	assert_int_equal(vfu_recv(&case_vfu, &header, &reply, sizeof(reply), 1000), 20);
	assert_int_equal(header.id, 77);
	assert_int_equal(reply.value, MARU_MAGIC);
	if (case_vfu.loop)
		loopback_set_chunk(case_vfu.loop, 1);
	for (unsigned int i = 0; i < 20; i++)
		assert_true(is_alive());
}

struct sample { unsigned int command; size_t bytes; uint8_t body[64]; int with_fd; };

static unsigned int make_samples(struct sample *samples)
{
	struct wire_dma_map map = { 32, 3, 0, 0x10000, 4096 };
	struct wire_dma_unmap unmap = { 24, 0, 0x10000, 4096 };
	struct wire_device_info info = { .argsz = 16 };
	struct wire_region_info region = { .argsz = 32, .index = 2 };
	struct wire_irq_info irq = { .argsz = 16, .index = 2 };
	struct wire_irq_set set = { 20, 0x24, 2, 0, 1 };
	struct { struct wire_region_access access; uint32_t value; } write = { { 0x20, 0, 4 }, 1 };
	struct { uint64_t count; struct wire_write_one one; } multi = { 1, { 0x20, 0, 4, { 1 } } };
	const struct { unsigned int command; const void *body; size_t bytes; int fd; } all[] = {
		{ WIRE_DMA_MAP, &map, 32, 1 }, { WIRE_DMA_UNMAP, &unmap, 24, 0 },
		{ WIRE_DEVICE_GET_INFO, &info, 16, 0 },
		{ WIRE_DEVICE_GET_REGION_INFO, &region, 32, 0 },
		{ WIRE_DEVICE_GET_IRQ_INFO, &irq, 16, 0 },
		{ WIRE_DEVICE_SET_IRQS, &set, 20, 1 },
		{ WIRE_REGION_READ, &write, 16, 0 }, { WIRE_REGION_WRITE, &write, 20, 0 },
		{ WIRE_DEVICE_RESET, NULL, 0, 0 },
		{ WIRE_REGION_WRITE_MULTI, &multi, sizeof(multi), 0 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		samples[i].command = all[i].command;
		samples[i].bytes = all[i].bytes;
		samples[i].with_fd = all[i].fd;
		if (all[i].bytes)
			memcpy(samples[i].body, all[i].body, all[i].bytes);
	}
	return sizeof(all) / sizeof(all[0]);
}

/* One more than a message takes, and many: refused for that alone. */
static void test_fds_unexpected(void **state)
{
	struct sample samples[10] = { 0 };
	unsigned int n = make_samples(samples);
	int fds[8], before = case_fds();

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		fds[i] = case_memfd(4096);
	for (unsigned int i = 0; i < n; i++) {
		const struct sample *at = &samples[i];

		assert_int_equal(vfu_call(&case_vfu, at->command, at->body, at->bytes, fds,
					  at->with_fd ? 2 : 1, NULL, 0), -EINVAL);
		assert_int_equal(vfu_call(&case_vfu, at->command, at->body, at->bytes, fds, 8,
					  NULL, 0), -EINVAL);
	}
	for (unsigned int i = 0; i < 8; i++)
		close(fds[i]);
	assert_true(is_alive());
	assert_int_equal(vfu_read32(&case_vfu, 0, MARU_REG_ADMIN_SQ), 0);
	assert_int_equal(case_fds(), before);
}

static void test_leave_anywhere(void **state)
{
	struct sample samples[10] = { 0 };
	unsigned int n = make_samples(samples);
	int fd = case_memfd(4096), fds;

	vfu_close(&case_vfu);
	fds = case_fds();
	for (unsigned int i = 0; i < n; i++) {
		struct wire_header header = {
			.command = (uint16_t)samples[i].command,
			.bytes = (uint32_t)(16 + samples[i].bytes),
		};
		uint8_t all[80];

		memcpy(all, &header, 16);
		memcpy(all + 16, samples[i].body, samples[i].bytes);
		for (size_t cut = 1; cut <= 16 + samples[i].bytes; cut++) {
			assert_int_equal(vfu_open(&case_vfu, &case_card, case_way(state)), 0);
			assert_int_equal(vfu_send_bytes(&case_vfu, all, cut, &fd,
							samples[i].with_fd), 0);
			vfu_close(&case_vfu);
			assert_int_equal(case_fds(), fds);
		}
	}
	close(fd);
	assert_int_equal(case_card.windows.count, 0);
	assert_int_equal(vfu_open(&case_vfu, &case_card, case_way(state)), 0);
	assert_true(is_alive());
}

static void test_leave_version(void **state)
{
	struct { struct wire_header header; struct wire_version version; char json[3]; } all = {
		{ .command = WIRE_VERSION, .bytes = 16 + 7 }, { 0 }, "{}",
	};

	for (size_t cut = 0; cut <= 23; cut++) {
		if (cut)
			vfu_send_bytes(&case_vfu, &all, cut, NULL, 0);
		vfu_close(&case_vfu);
		assert_int_equal(vfu_connect(&case_vfu, &case_card, case_way(state)), 0);
	}
	assert_int_equal(vfu_negotiate(&case_vfu, "{}", 3), 0);
}

static void test_no_reply(void **state)
{
	struct wire_region_access bad = { .region = 99, .count = 4 };
	struct { struct wire_region_access access; uint32_t value; } good = {
		{ MARU_REG_RING_LOG2, MARU_BAR_REGS, 4 }, 0x060606,
	};
	struct wire_header header;
	char body[64];

	(void)state;
	vfu_send(&case_vfu, WIRE_REGION_WRITE, WIRE_FLAG_NO_REPLY, &good, 20, NULL, 0);
	vfu_send(&case_vfu, WIRE_REGION_WRITE, WIRE_FLAG_NO_REPLY, &bad, 16, NULL, 0);
	vfu_send(&case_vfu, WIRE_REGION_READ, WIRE_FLAG_NO_REPLY, &bad, 16, NULL, 0);
	vfu_send(&case_vfu, 99, WIRE_FLAG_NO_REPLY, &bad, 16, NULL, 0);
	vfu_send(&case_vfu, WIRE_DMA_UNMAP, WIRE_FLAG_NO_REPLY, &bad, 3, NULL, 0);
	assert_int_equal(vfu_recv(&case_vfu, &header, body, sizeof(body), 100), VFU_SILENT);
	assert_int_equal(vfu_read32(&case_vfu, MARU_BAR_REGS, MARU_REG_RING_LOG2), 0x060606);
}

static void test_fifo(void **state)
{
	struct wire_region_access access = { .region = DEVICE_CONFIG, .count = 4 };
	struct wire_header header;
	char body[64];

	(void)state;
	for (unsigned int i = 0; i < 500; i++)
		assert_int_equal(vfu_send(&case_vfu, WIRE_REGION_READ, 0, &access, 16, NULL, 0), 0);
	for (unsigned int i = 0; i < 500; i++) {
		assert_int_equal(vfu_recv(&case_vfu, &header, body, sizeof(body), 2000), 20);
		assert_int_equal((uint16_t)(case_vfu.id - 499 + i), header.id);
	}
}

#ifdef __SANITIZE_ADDRESS__
/* What was freed stays resident for long there. */
size_t __sanitizer_get_current_allocated_bytes(void);

static size_t used_kib(void)
{
	return __sanitizer_get_current_allocated_bytes() / 1024;
}
#else
static size_t used_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long all, resident = 0;

	if (fscanf(file, "%lu %lu", &all, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * 4;
}
#endif

static void test_reconnect(void **state)
{
	int fds, fd = case_memfd(1 << 20);
	size_t kib = 0;

	vfu_close(&case_vfu);
	fds = case_fds();
	for (unsigned int i = 0; i < 1000; i++) {
		assert_int_equal(vfu_open(&case_vfu, &case_card, case_way(state)), 0);
		assert_int_equal(vfu_map(&case_vfu, fd, 0, 0, 1 << 20, 3), 0);
		assert_true(is_alive());
		vfu_close(&case_vfu);
		if (i == 20)
			kib = used_kib();
	}
	close(fd);
	assert_int_equal(case_fds() + 1, fds);
	assert_true(used_kib() <= kib + 512);
	assert_int_equal(case_card.windows.count, 0);
	assert_int_equal(case_card.memory_fd, -1);
}

static void test_no_reader(void **state)
{
	struct wire_region_access access = { .region = 2, .count = WIRE_MAX_XFER };
	size_t kib = used_kib();
	uint64_t begin;

	(void)state;
	/* One reply fills the socket; what follows is not read, nothing grows, nothing waits. */
	for (unsigned int i = 0; i < 200; i++)
		vfu_send(&case_vfu, WIRE_REGION_READ, 0, &access, 16, NULL, 0);
	begin = slot_now_ms();
	vfu_pump(&case_vfu, 50);
	assert_true(slot_now_ms() - begin < 1000);
	assert_true(used_kib() <= kib + 4096);
	assert_true(case_card.session.reply_bytes > 0);
}

/* Each client makes two lines. */
static void test_log_flood(void **state)
{
	int file = case_log_begin();
	uint64_t second = slot_now_ms() / 1000 + 1;
	unsigned int lines = 0;
	char text[4096];
	ssize_t n;

	while (slot_now_ms() / 1000 < second)
		slot_step(&case_card, 1);
	log_set_level(LOG_WARN);
	for (unsigned int i = 0; i < 600; i++) {
		vfu_negotiate(&case_vfu, "{", 2);
		vfu_close(&case_vfu);
		vfu_connect(&case_vfu, &case_card, case_way(state));
	}
	log_set_level(LOG_ERROR);
	second = slot_now_ms() / 1000 - second + 1;
	case_log_end();
	for (off_t at = 0; (n = pread(file, text, sizeof(text), at)) > 0; at += n) {
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
	}
	close(file);
	print_message("# %u lines in %llu s\n", lines, (unsigned long long)second);
	assert_in_range(lines, 200, 200 * second);
}

static void test_random(void **state)
{
	unsigned int seed = 1;
	int fds, fd = case_memfd(8192);

	vfu_close(&case_vfu);
	fds = case_fds();
	for (unsigned int round = 0; round < 150; round++) {
		assert_int_equal(vfu_open(&case_vfu, &case_card, case_way(state)), 0);
		for (unsigned int i = 0; i < 60; i++) {
			uint32_t body[16];
			size_t n = (size_t)rand_r(&seed) % 65;

			for (unsigned int j = 0; j < 16; j++)
				body[j] = rand_r(&seed) % 3 ? (uint32_t)rand_r(&seed) % 64 :
							      (uint32_t)rand_r(&seed) << 12;
			if (vfu_send(&case_vfu, (unsigned int)rand_r(&seed) % 19,
				     rand_r(&seed) % 4 ? WIRE_FLAG_NO_REPLY : 0, body, n, &fd,
				     rand_r(&seed) % 5 == 0))
				break;
		}
		vfu_pump(&case_vfu, 1);
		vfu_close(&case_vfu);
	}
	assert_int_equal(case_fds(), fds);
	close(fd);
	assert_int_equal(vfu_open(&case_vfu, &case_card, case_way(state)), 0);
	assert_true(is_alive());
}

static const struct CMUnitTest tests[] = {
	CASE_RAW("[VFU-1] a version is agreed on in no more room than QEMU has", test_version),
	CASE("[VFU-1] VERSION comes once", test_version_second),
	CASE_RAW("[VFU-1] VERSION comes first", test_version_first),
	CASE_RAW("[VFU-1] texts that are no agreement", test_version_wrong),
	CASE_RAW("[VFU-1] VERSION of less than 5 bytes, texts of more than 4,096",
		 test_version_sizes),
	CASE_RAW("[VFU-1] a text 4,095 levels deep", test_version_deep),
	CASE_RAW("[VFU-1] another major version", test_version_major),
	CASE_RAW("[VFU-1] descriptors with VERSION", test_version_fds),
	CASE("[VFU-2] sizes and types that end the connection", test_header_broken),
	CASE("[VFU-2] commands that are not known", test_unknown_command),
	CASE("[VFU-3] payloads of a wrong size", test_payload_sizes),
	CASE("[VFU-3] argsz below the struct or above all measure", test_argsz),
	CASE("[VFU-4] descriptors where none belong are closed", test_fds_unexpected),
	CASE("[VFU-4] a flood of descriptors ends the connection", test_fds_flood),
	CASE("[VFU-5] byte by byte", test_dribble),
	CASE("[VFU-6] leaving at each byte of each message", test_leave_anywhere),
	CASE_RAW("[VFU-6] leaving at each byte of VERSION", test_leave_version),
	CASE("[VFU-7] NO_REPLY is never answered", test_no_reply),
	CASE("[VFU-8] replies keep the order of 500 requests", test_fifo),
	CASE("[VFU-9] 1,000 clients, descriptors and memory back to start", test_reconnect),
	CASE_SOCKET("[VFU-10] a client that does not read", test_no_reader),
	CASE_WAY("[CTL-10] a client that fills the log: 200 lines a second", test_log_flood,
		 case_setup_raw, VFU_SOCKET),
	CASE("[VFU-11] random messages", test_random),
};

static const struct check checks[] = {
	{ "header and body in any pieces",
	  { test_dribble } },
	{ "header: size, type; the connection ends, the card goes on",
	  { test_header_broken } },
	{ "command known, VERSION first and once",
	  { test_unknown_command, test_version_first, test_version_second } },
	{ "VERSION: major number, descriptors",
	  { test_version_major, test_version_fds } },
	{ "VERSION: NUL, JSON, depth, length, numbers",
	  { test_version_wrong, test_version_deep, test_version_sizes } },
	{ "payload of exactly its struct, argsz",
	  { test_payload_sizes, test_argsz } },
	{ "descriptors that none asked for, too many, cut off",
	  { test_fds_unexpected, test_fds_flood } },
	{ "one reply each and in order, none for NO_REPLY",
	  { test_fifo, test_no_reply } },
	{ "negotiation that fails, leaving at any byte",
	  { test_version_wrong, test_leave_version, test_leave_anywhere } },
	{ "descriptors and memory back to start",
	  { test_reconnect, test_random } },
	{ "bounded memory, bounded work, bounded log",
	  { test_no_reader, test_fifo, test_log_flood } },
};

CASE_MAIN_CHECKS("slot_wire", tests, checks)
