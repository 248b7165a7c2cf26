// SPDX-License-Identifier: MIT
/*
 * The peer may cut a file short that we have mapped. The page that faults becomes a private
 * page of zeroes and its file is marked dead; whoever used it finds that out afterwards.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "firmware-emu/mem/sigbus.h"
#include "firmware-emu/mem/view.h"
#include "firmware-emu/mem/dma.h"

bool sigbus_patch(uintptr_t address, uintptr_t page_bytes)
{
	void *page = (void *)(address & ~(page_bytes - 1));

	return mmap(page, page_bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page;
}

static void sigbus_handle(int sig, siginfo_t *info, void *context)
{
	uintptr_t address = (uintptr_t)info->si_addr;

	(void)context;
	if (dma_sigbus(address) || view_sigbus(address))
		return;
	/* Not ours to contain: the access is done again and ends the process. */
	signal(sig, SIG_DFL);
}

void sigbus_install(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = sigbus_handle;
	action.sa_flags = SA_SIGINFO | SA_NODEFER;
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}
