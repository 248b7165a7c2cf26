# SPDX-License-Identifier: MIT
"""What in a kernel's log means that a run has failed."""

import re

BAD = re.compile(
    r"BUG:|WARNING:|Oops|Kernel panic|general protection fault|KASAN|UBSAN|kmemleak: \d+ new|"
    r"unable to handle|possible circular|possible recursive|inconsistent lock state|"
    r"suspicious RCU|refcount_t|list_(?:add|del) corruption|ODEBUG|"
    r"DMA-API: (?!preallocated|debugging)|blocked for more than|soft lockup|hard LOCKUP|hung_task|detected stalls|"
    r"self-detected stall|Call Trace:|stack-protector|scheduling while atomic|"
    r"sleeping function called|slab.*(?:corrupt|Objects remaining)|bad page|VM_BUG")
ALLOW = "selftests/expect/dmesg.allow"


def allowed():
    """Regular expressions of lines that are no failure; the file gives a reason for each."""
    try:
        with open(ALLOW, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
    except FileNotFoundError:
        return []
    return [re.compile(line) for line in lines if line and not line.startswith("#")]


def findings(path, context=12):
    """Bad lines of a log, each with the lines after it, at most a screen in all."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line.rstrip() for line in file]
    except FileNotFoundError:
        return []
    allow = allowed()
    shown = []
    until = -1
    for number, line in enumerate(lines):
        if BAD.search(line) and not any(a.search(line) for a in allow):
            until = max(until, number + context)
        if number <= until and len(shown) < 60:
            shown.append(line)
    return shown
