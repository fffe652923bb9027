"""Compares this project's server with the official SDKs and with what the HTTP stack costs alone."""

import argparse
import functools
import re
import sys
from pathlib import Path

from kit.answers import wrong
from kit.command import ending
from kit.contender import BUILTIN, JIT, PACED, PAYLOADS, Contender, build, cache
from kit.measure import prepare, quietest, shoot
from kit.report import QUIET, report
from kit.results import Results, about, load, save
from kit.targets import RESIDENT, cell_name, targets

BATCHES = (1, 10, 100)
USUAL = [("counter", calls, connections) for calls in BATCHES for connections in (1, 16, 64)] + [("echo", 1, 16)]
# After all others: a server keeps memory that it once had.
CROWDED = [("counter", 1, max(RESIDENT))]

EPILOG = """\
It builds what is missing into a folder ($BUILD, or statefun-server/benches in the cache of the user), checks every
answer of every contender, and then fires shots: one contender at a time on core 0, wrk on core 1. A round is every cell
with every contender. Tables (results.md) and all shots (results.csv) are written after every cell.

CPU seconds per million invocations is the figure to trust: throughput and latency move with whatever else runs.

  benches/run                                     all of it
  benches/run --check                             the same, and status 1 naming each target that is not met
  benches/run --only limit-codec,statefun --cells counter_10@16 --rounds 5
  benches/run --only statefun --add 'before=/path/to/statefun-bench'    two builds of the server, side by side
  benches/run --out docs/performance              all of it, into the tables that docs/performance.md speaks of
  benches/run --report --check                    the tables of the last run again

Needs wrk and taskset, and for each contender its language: cargo, java with mvn, go, node with npm, python3.
"""


def cell(text):
    match = re.fullmatch(r"(counter|echo)_(\d+)@(\d+)", text)
    found = match and (match[1], int(match[2]), int(match[3]))
    if not found or found[1] not in BATCHES or not 1 <= found[2] <= max(RESIDENT):
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected FUNCTION_BATCH@CONNECTIONS, such as counter_10@16, with counter or echo, a batch of "
            "1, 10 or 100, and 1 to 2048 connections"
        )
    return found


def listed(one):
    return lambda text: [one(each) for each in text.split(",") if each]


def known(text):
    if text not in BUILTIN:
        raise argparse.ArgumentTypeError(f"{text!r}: expected some of {','.join(BUILTIN)}")
    return text


def natural(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 1")
    return int(text)


def arguments():
    parser = argparse.ArgumentParser(
        prog="benches/run", description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only",
        type=listed(known),
        default=[name for name in BUILTIN if name not in PACED],
        metavar="NAME,…",
        help=f"these contenders, in this order: {', '.join(BUILTIN)}",
    )
    parser.add_argument(
        "--add",
        action="append",
        default=[],
        type=Contender.added,
        metavar="NAME=COMMAND",
        help="one more contender, which takes its port from $PORT and hosts the functions of "
        "benches/kit/WORKLOAD.md; may be given several times",
    )
    parser.add_argument(
        "--cells",
        type=listed(cell),
        default=USUAL + CROWDED,
        metavar="CELL,…",
        help=f"default: {','.join(map(cell_name, USUAL + CROWDED))}",
    )
    parser.add_argument("--rounds", type=natural, default=3, metavar="N", help="default: 3")
    parser.add_argument("--seconds", type=natural, default=5, metavar="N", help="of each shot; default: 5")
    parser.add_argument(
        "--warm",
        type=natural,
        default=3,
        metavar="N",
        help="seconds of load before the first shot, for each request; five times as long for what "
        "compiles as it runs; default: 3",
    )
    parser.add_argument("--out", type=Path, help="folder of tables; default: results beside what is built")
    parser.add_argument("--check", action="store_true", help="end with 1 and name what is missed of the targets")
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument("--build", action="store_true", help="only build")
    doing.add_argument("--report", action="store_true", help="only make the tables of --out again")
    return parser.parse_args()


def write(out, facts, rows):
    save(out, facts, rows)
    (out / "results.md").write_text(report(facts, rows))


def fire(contender, wanted, seconds):
    function, calls, connections = wanted
    return shoot(contender, PAYLOADS / f"{function}_{calls}.req", connections, seconds)


def campaign(options, contenders, facts):
    """All shots. SystemExit where a contender gives a wrong answer."""
    for contender in contenders:
        contender.start(options.logs)
        if problems := wrong(contender.url):
            sys.exit(f"{contender.name} is no contender:\n  " + "\n  ".join(problems))
    print("all answers are right", flush=True)
    for contender in contenders:
        for function, calls in dict.fromkeys(each[:2] for each in options.cells):
            fire(contender, (function, calls, 16), options.warm * (5 if contender.name in JIT else 1))
    rows = []
    for crowded in (False, True):
        cells = [each for each in options.cells if (each[2] > 64) == crowded]
        for turn in range(options.rounds if cells else 0):
            for wanted in cells:
                # There and back, so that nobody always comes after the same one.
                for contender in contenders if turn % 2 == 0 else reversed(contenders):
                    row = quietest(QUIET, functools.partial(fire, contender, wanted, options.seconds))
                    function, calls, connections = wanted
                    rows.append(
                        row
                        | {
                            "function": function,
                            "calls": calls,
                            "connections": connections,
                            "round": turn,
                            "contender": contender.name,
                        }
                    )
                write(options.out, facts, rows)
                print(f"round {turn + 1} of {options.rounds}: {cell_name(wanted)}", flush=True)
    return rows


def measure(options, folder):
    names = [*options.only, *(each.name for each in options.add)]
    if len(set(names)) < len(names):
        sys.exit(f"contenders {', '.join(names)}: expected names that differ")
    build(list(dict.fromkeys(BUILTIN[name][0] for name in options.only)), folder)
    if options.build:
        return []
    prepare()
    facts = about(rounds=f"{options.rounds} of {options.seconds} s a shot")
    contenders = [Contender.builtin(name, folder) for name in options.only] + options.add
    shots = len(contenders) * len(options.cells) * options.rounds
    print(f"{shots} shots of {options.seconds} s: {shots * options.seconds / 60:.0f} minutes and what warming up takes")
    try:
        return campaign(options, contenders, facts)
    finally:
        for contender in contenders:
            contender.stop()


def main():
    options = arguments()
    folder = cache()
    options.out, options.logs = options.out or folder / "results", folder / "logs"
    for needed in (options.out, options.logs):
        needed.mkdir(parents=True, exist_ok=True)
    with ending("benches/run"):
        if options.report:
            facts, rows = load(options.out)
            write(options.out, facts, rows)
        else:
            rows = measure(options, folder)
    if options.build:
        return 0
    print((options.out / "results.md").read_text())
    print(f"written to {options.out}: results.md, results.csv")
    missed = [each for each in targets(Results(rows)) if not each.met] if options.check else []
    for each in missed:
        print(f"missed: {each}", file=sys.stderr)
    return 1 if missed else 0
