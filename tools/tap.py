#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sum up the TAP files of a test run.

    tap.py stage NAME     print the suites of build/logs/tap/NAME/*.tap; 1 if something failed
    tap.py total          print the last line of the run, over all stages
    tap.py expect         write selftests/expect/NAME.count from the last run

Each file ends with "# exit STATUS SECONDS", which its runner adds. A suite fails by a point
that is not ok, a plan that is not kept, a status, a skip that selftests/expect/skips does not
list, or fewer points than selftests/expect/STAGE.count (lines "SUITE POINTS") says. With
MARU_WHOLE=1 every stage that has a count has to have run.
"""

import glob
import os
import re
import sys

TAP = "build/logs/tap"
EXPECT = "selftests/expect"
ALONE = {"guest-debug", "sanitized"}  # not of a whole run
WHOLE = os.environ.get("MARU_WHOLE")
POINT = re.compile(r"(not )?ok\b\s*(\d+)?\s*(?:- )?(.*)")
SKIP = re.compile(r"#\s*SKIP\S*\s*(.*)", re.I)


class Suite:
    """What one TAP file says."""

    def __init__(self, path):
        self.name = os.path.basename(path)[:-4]
        self.passed, self.failed, self.skipped, self.checks = 0, 0, 0, 0
        self.problems, self.skips = [], []
        self.seconds = ""
        self.read(path)

    def points(self):
        return self.passed + self.failed + self.skipped

    def read(self, path):
        planned, status = None, None
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                line = line.strip()
                plan = re.match(r"1\.\.(\d+)", line)
                end = re.match(r"# exit (\d+) ?(\S*)$", line)
                if plan:
                    planned = (planned or 0) + int(plan.group(1))
                    if plan.group(1) == "0" and "SKIP" in line.upper():
                        self.skip(line)
                        planned += 1
                elif end:
                    status, self.seconds = int(end.group(1)), end.group(2)
                elif line.startswith("# check: "):
                    self.checks += 1
                elif line.startswith("Bail out!"):
                    self.problems.append(line)
                else:
                    self.point(line)
        self.check(planned, status)

    def point(self, line):
        match = POINT.match(line)
        if not match:
            return
        if SKIP.search(line):
            self.skip(line)
        elif match.group(1):
            self.failed += 1
            self.problems.append(line)
        else:
            self.passed += 1

    def skip(self, line):
        self.skipped += 1
        self.skips.append(line)

    def check(self, planned, status):
        if status is None:
            self.problems.append("the suite did not end")
        elif status in (124, 137) and self.seconds:
            self.problems.append(f"stopped with status {status} after {self.seconds} s")
        elif status and not self.failed:
            self.problems.append(f"exit status {status}")
        if planned is None:
            self.problems.append("no plan")
        elif planned != self.points():
            self.problems.append(f"{self.points()} points of {planned} planned")

    def expect(self, count):
        if self.points() < count:
            self.problems.append(f"{self.points()} points, {EXPECT} says {count}")

    def allow(self, reasons):
        for line in self.skips:
            if not any(reason.search(line) for reason in reasons):
                self.problems.append(f"{EXPECT}/skips does not list: {line}")


def entries(name, words):
    """Lines of a file of EXPECT as lists of words; there may be none."""
    try:
        with open(f"{EXPECT}/{name}", encoding="ascii") as file:
            return [line.split(maxsplit=words - 1) for line in file
                    if line.strip() and line[0] != "#"]
    except FileNotFoundError:
        return []


def expected(stage):
    return {name: int(count) for name, count in entries(f"{stage}.count", 2)}


def allowed(stage, suite):
    return [re.compile(text.strip()) for where, name, when, text in entries("skips", 4)
            if re.fullmatch(where, stage) and re.fullmatch(name, suite) and
            (when == "any" or not WHOLE)]


def load(stage):
    suites = [Suite(path) for path in sorted(glob.glob(f"{TAP}/{stage}/*.tap"))]
    counts = expected(stage)
    for suite in suites:
        suite.expect(counts.pop(suite.name, 0))
        suite.allow(allowed(stage, suite.name))
    return suites, [f"{name} did not run" for name in counts]


def failures(suites, missing):
    """A suite that is bad in another way than by points that failed counts as one."""
    return sum(s.failed or bool(s.problems) for s in suites) + len(missing)


def show(stage):
    suites, missing = load(stage)
    for suite in suites:
        verdict = "FAIL" if suite.problems else "ok"
        skipped = f", {suite.skipped} skipped" if suite.skipped else ""
        print(f"  {verdict:4} {suite.name:32} {suite.passed:4} passed{skipped}"
              f"{'  ' + suite.seconds + ' s' if suite.seconds else ''}")
        for text in suite.skips:
            print(f"         {text}")
        for text in suite.problems[:20]:
            print(f"         {text}")
    checks = sum(suite.checks for suite in suites)
    if checks:
        print(f"  {checks} checks of hostile peers, each with its cases: "
              f"grep -h '^# check' {TAP}/{stage}/*.tap")
    for text in missing:
        print(f"  FAIL {text}")
    failed = failures(suites, missing)
    if failed:
        print(f"  logs: {TAP}/{stage}/")
    return 1 if failed else 0


def total():
    passed = failed = skipped = 0
    stages = set(os.listdir(TAP)) if os.path.isdir(TAP) else set()
    if WHOLE:
        stages |= {name[:-6] for name in os.listdir(EXPECT) if name.endswith(".count")}
        stages -= ALONE
    for stage in sorted(stages):
        suites, missing = load(stage)
        passed += sum(s.passed for s in suites)
        skipped += sum(s.skipped for s in suites)
        failed += failures(suites, missing)
    if not passed and not failed:
        failed = 1
        print("nothing was tested")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


def write_expect():
    for stage in sorted(os.listdir(TAP)):
        suites, _ = load(stage)
        with open(f"{EXPECT}/{stage}.count", "w", encoding="ascii") as file:
            file.write("# Points that each suite must reach; written by tools/tap.py expect\n")
            file.writelines(f"{s.name} {s.points()}\n" for s in suites)
    return 0


def main():
    command = sys.argv[1:]
    if len(command) == 2 and command[0] == "stage":
        return show(command[1])
    if command == ["total"]:
        return total()
    if command == ["expect"]:
        return write_expect()
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
