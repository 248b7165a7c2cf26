// SPDX-License-Identifier: GPL-2.0-only
/* The pure parts: geometry, configuration space, options, and what lspci reads out of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware-emu/pci/config.h"
#include "firmware-emu/options.h"
#include "selftests/host/slot_case.h"

#define MIB	(1ull << 20)

static void test_geometry(void **state)
{
	static const struct { uint64_t hbm, cxl, bar; } good[] = {
		{ 512 * MIB, 1024 * MIB, 2048 * MIB }, { 16 * MIB, 0, 16 * MIB },
		{ 16 * MIB, 2 * MIB, 32 * MIB }, { 1024 * MIB, 1024 * MIB, 2048 * MIB },
		{ 1ull << 40, 3ull << 40, 4ull << 40 },
	};
	static const struct { uint64_t hbm, cxl; } bad[] = {
		{ 0, 0 }, { 14 * MIB, 0 }, { 17 * MIB, 0 }, { 16 * MIB, 1 },
		{ 16 * MIB + 4096, 0 }, { 4ull << 40, 2 * MIB }, { INT64_MAX & ~0x1fffffll, 0 },
		{ 16 * MIB, UINT64_MAX & ~0x1fffffull },
	};
	struct bar_plan plan;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(bar_plan_make(&plan, good[i].hbm, good[i].cxl, &why), 0);
		assert_int_equal(plan.bar[2].bytes, good[i].bar);
		assert_true(plan.bar[2].is_64 && plan.bar[2].is_prefetchable);
		assert_int_equal(plan.bar[3].bytes, 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(bar_plan_make(&plan, bad[i].hbm, bad[i].cxl, &why), -EINVAL);
		assert_non_null(why);
	}
}

static void test_msix_geometry(void **state)
{
	(void)state;
	assert_true(bar_holds_msix(MARU_REGS_BYTES, MARU_MSIX_TABLE, MARU_MSIX_PBA,
				   MARU_MSIX_VECTORS));
	assert_false(bar_holds_msix(0x10000, 0x8000, 0x8100, 16));
	assert_false(bar_holds_msix(0x10000, 0x8000, 0xc000, 0));
	assert_false(bar_holds_msix(0x10000, 0x8000, 0xc000, 2049));
	assert_false(bar_holds_msix(0x10000, 0x8000, 0xc000, 1500));
	assert_false(bar_holds_msix(0x10000, 0x8004, 0xc000, 16));
	assert_false(bar_holds_msix(0x10000, 0xffff8000, 0xc000, 16));
	assert_false(bar_holds_msix(0xc000, 0x8000, 0xc000, 16));
}

static void test_masks(void **state)
{
	struct pci_config config;
	struct bar_plan plan;
	const char *why;
	uint32_t value = 0xffffffff, before;

	(void)state;
	bar_plan_make(&plan, 512 * MIB, 1024 * MIB, &why);
	config_init(&config, &plan);
	assert_int_equal(config_write(&config, 0x18, &value, 4), 0);
	config_read(&config, 0x18, &value, 4);
	assert_int_equal(value, 0x8000000c);
	value = 0xffffffff;
	config_write(&config, 0x1c, &value, 4);
	config_read(&config, 0x1c, &value, 4);
	assert_int_equal(value, 0xffffffff);
	/* Bits that a written one clears. */
	config.data[0x07] |= 0x80;
	value = 0x00000000;
	config_write(&config, 0x04, &value, 4);
	assert_int_equal(config.data[0x07] & 0x80, 0x80);
	value = 0x80000000;
	config_write(&config, 0x04, &value, 4);
	assert_int_equal(config.data[0x07] & 0x80, 0);
	config_read(&config, 0x04, &before, 4);
	assert_int_equal(before >> 16 & 1, 1);
	/* FLR: by the byte, the word, in a long write; not beside it. */
	value = 0x80;
	assert_int_equal(config_write(&config, 0x69, &value, 1), PCI_WRITE_FLR);
	value = 0x8000;
	assert_int_equal(config_write(&config, 0x68, &value, 2), PCI_WRITE_FLR);
	assert_int_equal(config_write(&config, 0x66, "\0\0\0\x80", 4), PCI_WRITE_FLR);
	assert_int_equal(config_write(&config, 0x6a, &value, 2), 0);
	assert_int_equal(config_write(&config, 0x68, "\xff", 1), 0);
	assert_int_equal(config.data[0x69] & 0x80, 0);
	/* Behind the end. */
	assert_int_equal(config_write(&config, 4094, "\xff\xff\xff\xff", 4), 0);
	value = 1;
	config_read(&config, 4096, &value, 4);
	assert_int_equal(value, 0);
}

static const char *const lspci_wants[] = {
	"1200: 1234:4d52 (rev 01)", "Subsystem: 1234:4d52",
	"Region 0: Memory at c0000000 (32-bit, non-prefetchable)",
	"Region 2: Memory at 800000000 (64-bit, prefetchable)",
	"Region 4: Memory at c0100000 (32-bit, non-prefetchable)",
	"Capabilities: [40] Power Management version 3", "NoSoftRst+",
	"Capabilities: [50] MSI-X: Enable- Count=16 Masked-",
	"Vector table: BAR=0 offset=00008000", "PBA: BAR=0 offset=0000c000",
	"Capabilities: [60] Express (v2) Endpoint", "FLReset+", "Speed 16GT/s",
};

static void test_lspci(void **state)
{
	static const struct { unsigned int reg; uint32_t value; } writes[] = {
		{ 0x10, 0xc0000000 }, { 0x18, 0 }, { 0x1c, 8 }, { 0x20, 0xc0100000 }, { 4, 6 },
	};
	char name[] = "/tmp/lspci-XXXXXX", line[80], *text = NULL;
	FILE *dump = fdopen(mkstemp(name), "w"), *lspci;
	struct pci_config config;
	struct bar_plan plan;
	const char *why;
	size_t n = 0;

	(void)state;
	bar_plan_make(&plan, 512 * MIB, 1024 * MIB, &why);
	config_init(&config, &plan);
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		config_write(&config, writes[i].reg, &writes[i].value, 4);
	fprintf(dump, "01:00.0 Class 1200: 1234:4d52\n");
	for (unsigned int at = 0; at < 4096; at++) {
		if (at % 16 == 0)
			fprintf(dump, "%03x:", at);
		fprintf(dump, " %02x%s", config.data[at], at % 16 == 15 ? "\n" : "");
	}
	fclose(dump);
	snprintf(line, sizeof(line), "lspci -F %s -n -vvv 2>&1", name);
	lspci = popen(line, "r");
	assert_true(getdelim(&text, &n, '\0', lspci) > 0);
	pclose(lspci);
	unlink(name);
	for (size_t i = 0; i < sizeof(lspci_wants) / sizeof(lspci_wants[0]); i++) {
		if (!strstr(text, lspci_wants[i]))
			print_error("not in lspci's output: %s\n%s", lspci_wants[i], text);
		assert_non_null(strstr(text, lspci_wants[i]));
	}
	assert_null(strstr(text, "access denied"));
	assert_null(strstr(text, "Interrupt: pin"));
	free(text);
}

static int parse(const char *const *words, struct options *options, char *error)
{
	char *argv[16] = { "maru-card" };
	int argc = 1;

	while (*words)
		argv[argc++] = (char *)*words++;
	return options_parse(options, argc, argv, error, 200);
}

static void test_options(void **state)
{
	static const char *const bad[][6] = {
		{ NULL }, { "--socket" }, { "--socket", "" }, { "--sock" "et=a", "--frob" },
		{ "--socket", "a", "b" }, { "--socket", "a", "--hbm", "x" },
		{ "--socket", "a", "--hbm", "1X" }, { "--socket", "a", "--hbm", "1KB" },
		{ "--socket", "a", "--hbm", "-1" }, { "--socket", "a", "--hbm", " 1" },
		{ "--socket", "a", "--cxl", "99999999999999999999" },
		{ "--socket", "a", "--cxl", "9999999999T" },
		{ "--socket", "a", "--threads", "257" },
		{ "--socket", "a", "--threads", "1.5" }, { "--private", "999999" },
		{ "--private", "x" }, { "--socket", "a", "--private", "0" },
		{ "--socket", "a", "--control", "a" }, { "--socket", "a", "--log", "" },
		{ "--core", "12345" }, { "--socket", "a", "--profile", "5" },
		{ "--socket", "a", "--profile", "avx2" },
	};
	static const char *const good[] = {
		"--socket", "s", "--control=c", "--hbm", "64M", "--cxl=0", "--log", "debug",
		"--log", "file", "--threads", "2", "--profile", "0", NULL,
	};
	struct options options;
	char error[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error[0] = '\0';
		assert_int_equal(parse(bad[i], &options, error), -EINVAL);
		assert_true(strlen(error) > 5 && !strchr(error, '\n'));
	}
	assert_int_equal(parse(good, &options, error), 0);
	assert_int_equal(options.hbm_bytes, 64 * MIB);
	assert_int_equal(options.cxl_bytes, 0);
	assert_int_equal(options.log_level, 3);
	assert_string_equal(options.log_file, "file");
	assert_int_equal(options.threads, 2);
	assert_int_equal(options.profile, 0);
	assert_int_equal(options_parse_bytes("3G", &options.hbm_bytes), 0);
	assert_int_equal(options.hbm_bytes, 3ull << 30);
	assert_int_equal(options_parse_bytes("1T", &options.hbm_bytes), 0);
	assert_int_equal(options.hbm_bytes, 1ull << 40);
}

#define PURE(text, fn)	{ text, fn, NULL, NULL, NULL }

static const struct CMUnitTest tests[] = {
	PURE("[PCI-7] [PCI-8] sizes of tiers and BARs", test_geometry),
	PURE("[PCI-4] MSI-X table and PBA in pages of their own", test_msix_geometry),
	PURE("[PCI-9] [PCI-5] masks, bits cleared by ones, FLR", test_masks),
	PURE("[PCI-1] [PCI-2] lspci reads the configuration space", test_lspci),
	PURE("[CTL-7] options, good and bad", test_options),
};

CASE_MAIN("slot_pci", tests)
