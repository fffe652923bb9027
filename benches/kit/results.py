"""Shots on disk, and the figures that are made of them."""

import csv
import json
import os
import platform
import statistics
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from kit.contender import KIT

CELL = ("function", "calls", "connections")
FIELDS = [
    *CELL,
    "round",
    "contender",
    "requests",
    "rps",
    "failed",
    "p50",
    "p99",
    "p999",
    "cpu",
    "server_load",
    "driver_load",
    "foreign_load",
    "steal",
    "rss",
]


def about(**more):
    """What is measured, when and on what."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    commit = subprocess.run(
        ["git", "-C", str(KIT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
        check=False,
        capture_output=True,
        text=True,
    ).stdout.strip()
    return {
        "machine": f"{model}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release()}",
        "commit": commit or "unknown",
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    } | more


def save(folder, facts, rows):
    (folder / "about.json").write_text(json.dumps(facts, indent=2) + "\n")
    with open(folder / "results.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)


def load(folder):
    """The facts and the rows that `save` left."""
    with open(folder / "results.csv", newline="") as file:
        rows = [
            {
                key: text if key in ("function", "contender") else float(text) if "." in text else int(text)
                for key, text in row.items()
            }
            for row in csv.DictReader(file)
        ]
    return json.loads((folder / "about.json").read_text()), rows


def cpu(row):
    """CPU seconds per million invocations."""
    return row["cpu"] / (row["requests"] * row["calls"]) * 1e6


def rate(row):
    """Invocations per second."""
    return row["rps"] * row["calls"]


def p99(row):
    """Milliseconds."""
    return row["p99"] / 1000


def p50(row):
    """Milliseconds."""
    return row["p50"] / 1000


class Results:
    """The shots of a run by cell, contender and round; a cell is (function, calls, connections)."""

    def __init__(self, rows):
        self.rows, self.cells = rows, {}
        for row in rows:
            runs = self.cells.setdefault(tuple(row[key] for key in CELL), {})
            runs.setdefault(row["contender"], {})[row["round"]] = row
        self.contenders = list(dict.fromkeys(row["contender"] for row in rows))

    def of(self, cell, contender):
        """Round -> shot."""
        return self.cells.get(cell, {}).get(contender, {})

    def median(self, figure, cell, contender):
        """The median over the rounds; None where nothing was measured."""
        return statistics.median(map(figure, shots.values())) if (shots := self.of(cell, contender)) else None

    def ratio(self, figure, cell, one, other):
        """The median of the rounds' ratios: of what was measured shortly after another, so that a machine that is
        slower for a while makes no difference. None where there is no pair."""
        ours, theirs = self.of(cell, one), self.of(cell, other)
        pairs = [
            figure(ours[turn]) / figure(theirs[turn]) for turn in ours if turn in theirs and figure(theirs[turn]) > 0
        ]
        return statistics.median(pairs) if pairs else None

    def peak(self, cell, contender):
        """The most MiB that were resident in any round."""
        return max((row["rss"] for row in self.of(cell, contender).values()), default=None)
