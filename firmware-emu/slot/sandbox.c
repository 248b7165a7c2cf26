// SPDX-License-Identifier: MIT
/*
 * After its start the slot needs few system calls; all others fail. Cores are started by the
 * spawner, which was forked before.
 */
#include <errno.h>
#include <jansson.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "firmware-emu/log.h"
#include "firmware-emu/slot/slot.h"

#define SANDBOX_FILES		4096

static const int allowed[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(close), SCMP_SYS(fcntl),
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
	SCMP_SYS(accept4), SCMP_SYS(socketpair), SCMP_SYS(shutdown),
	SCMP_SYS(memfd_create), SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(getrandom), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall), SCMP_SYS(wait4), SCMP_SYS(unlink),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/**
 * sandbox_limit() - Bound what the process may use, and let nobody raise its rights.
 *
 * Return: 0 or -errno.
 */
int sandbox_limit(void)
{
	struct rlimit files;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (getrlimit(RLIMIT_NOFILE, &files))
		return -errno;
	files.rlim_cur = files.rlim_max < SANDBOX_FILES ? files.rlim_max : SANDBOX_FILES;
	return setrlimit(RLIMIT_NOFILE, &files) ? -errno : 0;
}

static int sandbox_fill(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int ret = 0;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && !ret; i++)
		ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	if (!ret)
		ret = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &no_exec);
	if (!ret)
		ret = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
					     &no_exec);
	return ret;
}

/**
 * sandbox_enter() - Leave only the system calls that the loop needs.
 *
 * A kernel without seccomp is told of and no failure. A call that is not on the list fails with
 * EPERM: the card goes on.
 *
 * Return: 0, or -errno when the filter can not be made.
 */
int sandbox_enter(void)
{
	scmp_filter_ctx filter;
	int ret;

	/* jansson reads /dev/urandom at its first object; that is now. */
	json_object_seed(0);
	filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return -ENOMEM;
	/* else the library says -ECANCELED for whatever the kernel says */
	ret = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	if (!ret)
		ret = sandbox_fill(filter);
	if (!ret)
		ret = seccomp_load(filter);
	seccomp_release(filter);
	if (ret == -EINVAL || ret == -ENOSYS || ret == -EOPNOTSUPP) {
		log_warn("slot", "this kernel has no seccomp, the slot runs without it");
		return 0;
	}
	if (ret)
		log_error("slot", "no filter of system calls: %s", strerror(-ret));
	return ret;
}
