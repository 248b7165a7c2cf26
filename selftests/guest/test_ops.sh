#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# test_ops.sh - the operations of a transformer through the driver: the program that runs them by
# the direct way, with no difference but the device it opens.
CASE_DEVICE=kernel exec build/bin/test_direct_ops
