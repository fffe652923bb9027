"""Instructions per request, counted by Valgrind and compared with the recorded ones.

A count hardly depends on what else the machine does, so that a slower change shows in a shared one as well.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

BENCHES = Path(__file__).resolve().parent.parent
RECORDED = BENCHES / "instructions.tsv"
BUILD = ["cargo", "build", "--quiet", "--profile", "dist", "-p", "statefun-bench", "--example", "requests"]
# How many requests are counted: the count of one differs by what the allocator happens to do.
REQUESTS = 50
TOLERANCE = 0.10


def build():
    """Builds the driver and returns its path."""
    told = subprocess.run(BUILD + ["--message-format", "json"], cwd=BENCHES, stdout=subprocess.PIPE, check=True, text=True)
    artifacts = (json.loads(line) for line in told.stdout.splitlines())
    return [artifact["executable"] for artifact in artifacts if artifact.get("executable")][-1]


def count(driver, case):
    """Instructions for one request of a case such as `handle counter_10`."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*over_and_over*"]
    ended = subprocess.run([*command, driver, *case.split(), str(REQUESTS)], capture_output=True, text=True)
    collected = re.search(r"Collected : (\d+)", ended.stderr)
    if ended.returncode != 0 or not collected or int(collected[1]) == 0:
        sys.exit(f"benches/instructions: {case} was not counted:\n{ended.stderr}")
    return round(int(collected[1]) / REQUESTS)


def recorded():
    """Case -> instructions, as last recorded."""
    lines = RECORDED.read_text().splitlines() if RECORDED.exists() else []
    return {case: int(instructions) for case, instructions in (line.split("\t") for line in lines)}


def compare(before, now):
    """The lines to print, and the cases that became slower or that nobody recorded."""
    lines, failed = [], []
    for case, instructions in now.items():
        if case not in before:
            lines.append(f"{case:22}{instructions:>12,}  not recorded")
            failed.append(case)
            continue
        change = instructions / before[case] - 1
        lines.append(f"{case:22}{instructions:>12,}  {change:+.1%}")
        if instructions > before[case] * (1 + TOLERANCE):
            failed.append(case)
    return lines, failed


def main():
    """Counts, then compares or records."""
    parser = argparse.ArgumentParser(
        prog="benches/instructions",
        description=f"Counts the instructions that a request takes, without a socket, and compares them with those in "
        f"benches/{RECORDED.name}. Exits with 1 where one takes {TOLERANCE:.0%} more. Needs valgrind (Debian: valgrind).",
    )
    parser.add_argument("--record", action="store_true", help="write the counts down, with a change that is worth its cost")
    options = parser.parse_args()
    os.environ.setdefault("CARGO_TERM_COLOR", "never")
    driver = build()
    cases = subprocess.run([driver], stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    now = {case: count(driver, case) for case in cases}
    if options.record:
        RECORDED.write_text("".join(f"{case}\t{instructions}\n" for case, instructions in now.items()))
    lines, failed = compare(recorded(), now)
    print("\n".join(lines))
    if failed:
        print(f"slower by more than {TOLERANCE:.0%}, or not recorded: {', '.join(failed)}; benches/instructions --record")
    return 1 if failed else 0
