"""Measures how the cost of an invocation grows, and draws it."""

import argparse
import csv
import hashlib
import statistics
import subprocess
import sys
from itertools import groupby
from pathlib import Path

from kit.bench import natural
from kit.command import ending
from kit.contender import KIT, Contender, build, cache
from kit.measure import prepare, quietest, shoot
from kit.report import QUIET
from kit.results import about
from kit.sweeps import SWEEPS

DRAWN = KIT.parent.parent / "docs/performance"
KEY = ("server", "round", "sweep", "series", "x")
SHOT = [*KEY, "calls", "requests", "cpu_us", "rss", "foreign_load"]
FIGURE = ["series", "x", "cpu_us", "cpu_us_min", "cpu_us_max", "resident_mib"]

EPILOG = """\
A shot is 2 s of load at this project's server alone, on core 0, with wrk on core 1. What was measured is kept and not
measured again, until the server is another one or --fresh is given: after an interruption, run the same command again.

  benches/grow                          all of it, into docs/performance
  benches/grow --only states --fresh    one plot
  benches/grow --draw                   the plots again, from the CSV beside them

Needs wrk, taskset, cargo, and python3 with venv for matplotlib.
"""


def sweep_names(text):
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in SWEEPS:
            raise argparse.ArgumentTypeError(f"{name!r}: expected some of {','.join(SWEEPS)}")
    return names


def arguments():
    parser = argparse.ArgumentParser(
        prog="benches/grow",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", type=sweep_names, default=list(SWEEPS), metavar="PLOT,…", help=f"default: {','.join(SWEEPS)}"
    )
    parser.add_argument("--rounds", type=natural, default=3, metavar="N", help="default: 3")
    parser.add_argument("--out", type=Path, default=DRAWN, help="folder of plots and CSV; default: docs/performance")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured before")
    parser.add_argument("--draw", action="store_true", help="only draw")
    return parser.parse_args()


def read(path):
    """The shots of before."""
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def key(row):
    return tuple(str(row[name]) for name in KEY)


def shots(options, folder, server, kept):
    """Fires what was not fired before, and adds it to the file."""
    done = {key(row) for row in read(kept)}
    points = [point for name in options.only for point in SWEEPS[name]()]
    todo = [(turn, point) for turn in range(options.rounds) for point in points]
    todo = [each for each in todo if key(row_of(server, *each)) not in done]
    minutes = sum(point.seconds for _, point in todo) / 60
    print(f"{len(todo)} shots, {minutes:.0f} minutes and what starting takes", flush=True)
    body, logs = folder / "growth.req", folder / "logs"
    logs.mkdir(exist_ok=True)
    new = not kept.exists()
    with open(kept, "a", newline="") as file:
        writer = csv.DictWriter(file, SHOT)
        if new:
            writer.writeheader()
        # What follows each other with the same arguments is measured at the same process.
        for (turn, sweep, arguments), group in groupby(todo, lambda each: (each[0], each[1].sweep, each[1].arguments)):
            contender = Contender("statefun", f"{folder}/statefun-bench {arguments}")
            try:
                contender.start(logs)
                for _, point in group:
                    body.write_bytes(point.body)
                    writer.writerow(row_of(server, turn, point) | fire(contender, point, body))
                    file.flush()
            finally:
                contender.stop()
            print(f"round {turn + 1} of {options.rounds}: {sweep} {arguments}", flush=True)


def row_of(server, turn, point):
    """What says which shot it is."""
    return {"server": server, "round": turn, "sweep": point.sweep, "series": point.series, "x": point.x}


def fire(contender, point, body):
    """The figures of a shot. RuntimeError where a request failed."""

    def shot():
        return shoot(contender, body, point.connections, point.seconds, point.addresses)

    row = quietest(QUIET, shot)
    if row["failed"]:
        raise RuntimeError(f"{point.sweep}, {point.series}, {point.x}: {row['failed']} of {row['requests']} failed")
    if row["requests"] < point.addresses:
        print(f"only {row['requests']:,} of {point.addresses:,} addresses were reached", file=sys.stderr)
    return {
        "calls": point.calls,
        "requests": row["requests"],
        "cpu_us": row["cpu"] / (row["requests"] * point.calls) * 1e6,
        "rss": row["rss"],
        "foreign_load": row["foreign_load"],
    }


def write(options, rows):
    """A CSV for each plot: medians over the rounds."""
    for name in options.only:
        found = {}
        for row in rows:
            if row["sweep"] == name:
                found.setdefault((row["series"], int(row["x"])), []).append(row)
        with open(options.out / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(FIGURE)
            for (series, x), group in sorted(found.items()):
                cost = [float(row["cpu_us"]) for row in group]
                rss = max(float(row["rss"]) for row in group)
                figures = (statistics.median(cost), min(cost), max(cost), rss)
                writer.writerow([series, x, *(f"{figure:.4g}" for figure in figures)])


def measure(options, folder):
    build(["statefun"], folder)
    prepare()
    server = hashlib.sha256((folder / "statefun-bench").read_bytes()).hexdigest()[:16]
    kept = folder / "growth.csv"
    if options.fresh:
        kept.unlink(missing_ok=True)
    shots(options, folder, server, kept)
    write(options, [row for row in read(kept) if row["server"] == server and int(row["round"]) < options.rounds])
    facts = "\n".join(f"- {name}: {value}" for name, value in about(rounds=options.rounds).items())
    (options.out / "machine.md").write_text(f"What the plots beside this file were measured on:\n\n{facts}\n")


def main():
    options = arguments()
    folder = cache()
    options.out.mkdir(parents=True, exist_ok=True)
    with ending("benches/grow"):
        if not options.draw:
            measure(options, folder)
        build(["plot"], folder)
        subprocess.run([folder / "plot/bin/python", KIT / "plot.py", options.out, *options.only], check=True)
    return 0
