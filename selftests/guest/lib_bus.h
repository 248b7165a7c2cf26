/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The card on its bus: sysfs, for root. Functions return 0 and -errno.
 */
#ifndef MARU_GUEST_LIB_BUS_H
#define MARU_GUEST_LIB_BUS_H

#include <stdbool.h>
#include <stddef.h>

/* Path of a file of the first card's PCI device; empty when there is no card. */
void bus_path(char *path, size_t size, const char *file);
int bus_write(const char *path, const char *text);
int bus_read_hex(const char *file, unsigned long *value);

int bus_reset(void);			/* function-level reset */
int bus_bind(void);
int bus_unbind(void);
int bus_remove(void);
int bus_rescan(void);
bool bus_is_bound(void);
bool bus_has_card(void);
/* Open files, mappings, fences that keep the module; -1: it is not loaded. */
long bus_module_refs(void);
/* Waits until nothing keeps it: freeing goes through workqueues. */
int bus_module_wait_unused(unsigned int ms);

#endif
