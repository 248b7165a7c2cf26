// SPDX-License-Identifier: GPL-2.0-only
/*
 * Working sets that fit HBM one by one and not together: each job finds its own, with what was
 * in it, however often the others took its place. Nobody is told -ENOMEM.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "lib.h"

#define PROCESSES	2
#define PIECE		(16 * MIB)
#define PIECES_MAX	1024

static int rounds(void)
{
	return getenv("MARU_FULL") ? 200 : 12;
}

/* Six tenths of HBM. */
static uint32_t pieces(int fd)
{
	struct drm_maru_tier_info tiers[3] = { 0 };
	uint64_t count;

	if (query(fd, DRM_MARU_QUERY_TIERS, tiers, sizeof(tiers)))
		return 0;
	count = tiers[DRM_MARU_TIER_HBM].bytes * 6 / 10 / PIECE;
	return count < PIECES_MAX ? count : PIECES_MAX;
}

static uint64_t piece_va(uint32_t i)
{
	return 1024 * MIB + i * PIECE;
}

/* Each piece's word goes to @data, and a new one comes in its place, at its end too. */
static uint32_t record(struct work *w, uint32_t count, uint32_t value)
{
	char *at = w->commands.map, *start = at;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t va = piece_va(i);

		at += packet_copy(at, VA_DATA + i * 8, va, MARU_TYPE_I32, 1);
		at += packet_copy(at, VA_DATA + i * 8 + 4, va + PIECE - 4, MARU_TYPE_I32, 1);
		at += packet_fill(at, va, MARU_TYPE_I32, 1, value + i);
		at += packet_fill(at, va + PIECE - 4, MARU_TYPE_I32, 1, value + i);
	}
	return at - start;
}

static int check(struct work *w, uint32_t count, uint32_t value)
{
	const volatile uint32_t *words = w->data.map;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t want = value ? value + i : 0;

		if (words[2 * i] != want || words[2 * i + 1] != want)
			return -EBADMSG;
	}
	return 0;
}

static int fill_hbm(struct work *w, uint32_t count, bool is_private)
{
	for (uint32_t i = 0; i < count; i++) {
		struct bo bo;
		int err = bo_create(w->fd, &bo, PIECE, DRM_MARU_TIER_HBM, is_private ? w->vm : 0);

		if (!err)
			err = vm_map(w->fd, w->vm, &bo, piece_va(i));
		if (err) {
			fprintf(stderr, "# piece %u: %d\n", i, err);
			return err;
		}
	}
	return 0;
}

static int child_main(bool is_private)
{
	struct work w;
	uint32_t count;
	int err = work_open(&w, DRM_MARU_CLASS_COPY, 0, 64 << 10, DRM_MARU_TIER_SYSTEM);

	if (err)
		return -err;
	count = pieces(w.fd);
	err = count ? fill_hbm(&w, count, is_private) : -EINVAL;
	for (int i = 0; i < rounds() && !err; i++) {
		err = submit_run(w.fd, w.queue, VA_COMMANDS,
				 record(&w, count, (i + 1) * 100000));
		if (!err)
			err = check(&w, count, i * 100000);
		if (err)
			fprintf(stderr, "# round %d: %d\n", i, err);
	}
	work_close(&w);
	return -err;
}

FIXTURE(overcommit) {
	int unused;
};

FIXTURE_VARIANT(overcommit) {
	bool is_private;	/* to the VM: one lock for all pieces, else one for each */
};

FIXTURE_VARIANT_ADD(overcommit, of_vms) { .is_private = true };
FIXTURE_VARIANT_ADD(overcommit, of_files) { .is_private = false };

FIXTURE_SETUP(overcommit) { }

FIXTURE_TEARDOWN(overcommit) { }

TEST_F_TIMEOUT(overcommit, processes, 300)
{
	pid_t pids[PROCESSES];

	for (uint32_t i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(child_main(variant->is_private));
	}
	for (uint32_t i = 0; i < PROCESSES; i++) {
		int status = -1;

		waitpid(pids[i], &status, 0);
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(0, objects_wait("bos", 0, 10000));
}

TEST_HARNESS_MAIN
