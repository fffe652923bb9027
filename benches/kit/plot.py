"""Draws the plots of benches/grow: `plot.py FOLDER NAME...` makes NAME.svg of NAME.csv. Needs matplotlib."""

import csv
import sys
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

# Readable on white and on black.
GREY = "#7d8590"
COLOURS = ("#2f81f7", "#e8590c", "#2f9e44")
STYLE = {
    "svg.hashsalt": "statefun",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": GREY,
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def line(xs, ys):
    """The line a + b x that is closest by relative distance, so that small figures count as much as large ones."""
    weights = [1 / y**2 for y in ys]
    total = sum(weights)
    x_mean = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
    y_mean = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
    spread = sum(w * (x - x_mean) ** 2 for w, x in zip(weights, xs, strict=True))
    slope = sum(w * (x - x_mean) * (y - y_mean) for w, x, y in zip(weights, xs, ys, strict=True)) / spread
    return y_mean - slope * x_mean, slope


def per_batch(xs, ys):
    once, each = line(xs, [x * y for x, y in zip(xs, ys, strict=True)])
    return f"{once:.1f} µs a request + {each:.2f} µs an invocation", [once / x + each for x in xs]


def per_size(xs, ys):
    base, slope = line(xs, ys)
    return f"{base:.1f} µs + {slope * 1e6:.0f} ns/KB", [base + slope * x for x in xs]


def per_state(xs, ys):
    base, slope = line(xs, ys)
    return f"{base:.1f} µs + {slope:.2f} µs a state", [base + slope * x for x in xs]


def flat(xs, ys):
    return f"{min(ys):.1f} to {max(ys):.1f} µs", None


def grown(xs, ys):
    base, slope = line(xs, ys)
    return f"{base:.1f} MiB + {slope * 1024:.0f} KiB a connection", [base + slope * x for x in xs]


# Name -> title, what x is, its scale, the scale of y, what is fitted.
COSTS = {
    "batch": ("Batch size", "invocations in a request", "log", "log", per_batch),
    "state-size": ("Size of a state", "bytes", "symlog", "log", per_size),
    "states": ("Number of states", "states, all read and written", "linear", "linear", per_state),
    "addresses": ("Number of addresses", "addresses that take turns", "log", "linear", flat),
    "connections": ("Connections", "connections", "log", "linear", flat),
}


def si(value, _):
    """1000 -> 1k."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def panel(axes, rows, column, fit):
    """A line for each series: its points, their range over the rounds, and what was fitted."""
    series = list(dict.fromkeys(row["series"] for row in rows))
    for colour, name in zip(COLOURS, series, strict=False):
        mine = [row for row in rows if row["series"] == name]
        xs, ys = [float(row["x"]) for row in mine], [float(row[column]) for row in mine]
        text, fitted = fit(xs, ys)
        axes.plot(xs, ys, "o", color=colour, markersize=5, label=f"{name}: {text}")
        if column == "cpu_us":
            lows, highs = ([float(row[f"cpu_us_{end}"]) for row in mine] for end in ("min", "max"))
            axes.vlines(xs, lows, highs, color=colour, linewidth=1)
        if fitted:
            axes.plot(xs, fitted, "-", color=colour, linewidth=1, alpha=0.7)
    axes.legend(loc="best")


def draw(folder, name):
    """NAME.svg of NAME.csv."""
    with open(folder / f"{name}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    title, unit, x_scale, y_scale, fit = COSTS[name]
    memory = name == "connections"
    figure = Figure(figsize=(8, 4.5 + 3.5 * memory), layout="tight")
    panels = figure.subplots(1 + memory, 1, squeeze=False, sharex=True)
    panel(panels[0][0], rows, "cpu_us", fit)
    panels[0][0].set(title=title, ylabel="CPU µs an invocation", yscale=y_scale)
    if memory:
        panel(panels[1][0], rows, "resident_mib", grown)
        panels[1][0].set(ylabel="MiB resident", ylim=(0, None))
    bottom = panels[-1][0]
    bottom.set_xscale(x_scale, **({"linthresh": 1000} if x_scale == "symlog" else {}))
    bottom.set_xlabel(unit)
    bottom.xaxis.set_major_formatter(FuncFormatter(si))
    for [each] in panels:
        each.yaxis.set_major_formatter(FuncFormatter(si))
        if each.get_yscale() == "linear":
            each.set_ylim(0, None)
    figure.savefig(folder / f"{name}.svg", transparent=True, metadata={"Date": None, "Creator": None})


def main():
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    matplotlib.rcParams.update(STYLE)
    for name in names:
        draw(folder, name)
        print(folder / f"{name}.svg")


if __name__ == "__main__":
    main()
