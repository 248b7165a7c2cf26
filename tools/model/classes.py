#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes samples/generate/classes.h: which code points are letters and which are numbers.

    classes.py >samples/generate/classes.h
"""
import unicodedata


def changes(category):
    """Code points where membership of a category changes, from 'not in it' on."""
    inside, out = False, []
    for code in range(0x110000):
        if (unicodedata.category(chr(code))[0] == category) != inside:
            inside = not inside
            out.append(code)
    return out


def array(name, numbers):
    print(f"\nstatic const uint32_t {name}[] = {{")
    line = ""
    for number in numbers:
        word = f"{number:#x},"
        if len(line) + len(word) > 90:
            print(f"\t{line}")
            line = ""
        line += word if not line else " " + word
    print(f"\t{line}\n}};")


print(f"""/* SPDX-License-Identifier: MIT */
/*
 * Letters and numbers of Unicode {unicodedata.unidata_version}, made by tools/model/classes.py. Of each two code points
 * the first is in the class and the second no longer.
 */
#ifndef GENERATE_CLASSES_H
#define GENERATE_CLASSES_H

#include <stdint.h>""")
array("letters", changes("L"))
array("numbers", changes("N"))
print("\n#endif")
