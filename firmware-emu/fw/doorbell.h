/* SPDX-License-Identifier: MIT */
/*
 * Doorbell groups. A group is hot while its kicks are polled (need_wake 0) and cold when a
 * submitter has to store to its wake page. Only used slots of hot groups cost anything.
 */
#ifndef MARU_DOORBELL_H
#define MARU_DOORBELL_H

#include <stdbool.h>
#include <stdint.h>

struct queue;

/** group_create() - Use the group page at @va of the kernel's space. fw.lock held, as below. */
bool group_create(unsigned int group, uint64_t va);

/** group_destroy() - Forget the page. */
void group_destroy(unsigned int group);

bool group_exists(unsigned int group);

/** group_bind() - Let a slot kick a queue. Return: false when the slot is taken. */
bool group_bind(unsigned int group, unsigned int slot, const struct queue *queue);
void group_unbind(unsigned int group, unsigned int slot);

/** doorbell_poll() - Look at the hot groups. Return: kicks found. */
unsigned int doorbell_poll(void);

/** doorbell_wake() - A wake page was stored to: look at all groups. Return: kicks found. */
unsigned int doorbell_wake(void);

/** doorbell_rest() - Make all groups cold. Return: kicks found meanwhile. */
unsigned int doorbell_rest(void);

/** doorbell_is_hot() - Some group is polled. */
bool doorbell_is_hot(void);

#endif
