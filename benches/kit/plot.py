"""Draws the plots of benches/grow: `plot.py FOLDER NAME...` makes NAME.svg of NAME.csv. Needs matplotlib."""

import csv
import sys
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.scale import SymmetricalLogScale
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
    return f"{once:.1f} µs a request + {each:.2f} µs an invocation", lambda x: once / x + each


def per_size(xs, ys):
    base, slope = line(xs, ys)
    return f"{base:.1f} µs + {slope * 1e6:.0f} ns/KB", lambda x: base + slope * x


def per_state(xs, ys):
    base, slope = line(xs, ys)
    return f"{base:.1f} µs + {slope:.2f} µs a state", lambda x: base + slope * x


def flat(xs, ys):
    return f"{min(ys):.1f} to {max(ys):.1f} µs", None


def grown(xs, ys):
    base, slope = line(xs, ys)
    return f"{base:.1f} MiB + {slope * 1024:.0f} KiB a connection", lambda x: base + slope * x


X_AXES = {
    "linear": {"xscale": "linear"},
    "log": {"xscale": "log"},
    # Zero has a place, and is as far from a thousand as that from ten thousand.
    "from zero": {
        "xscale": SymmetricalLogScale(None, linthresh=1000),
        "xticks": [0, 1e3, 1e4, 1e5, 1e6],
        "xlim": (-100, 1.5e6),
    },
}

# Name -> title, what x is, its scale, the scale of y, what is fitted.
COSTS = {
    "batch": ("Batch size", "invocations in a request", "log", "log", per_batch),
    "state-size": ("Size of a state", "bytes", "from zero", "log", per_size),
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


def between(first, last):
    """Enough places for a curve on a scale of either kind."""
    even = [first + (last - first) * step / 100 for step in range(101)]
    return sorted(even + [each**2 / last for each in even] + [each**4 / last**3 for each in even])


def panel(axes, rows, column, fit):
    """The points of each series, their range over the rounds, and what was fitted with how far off it is."""
    series = list(dict.fromkeys(row["series"] for row in rows))
    for colour, name in zip(COLOURS, series, strict=False):
        mine = [row for row in rows if row["series"] == name]
        xs, ys = [float(row["x"]) for row in mine], [float(row[column]) for row in mine]
        text, fitted = fit(xs, ys)
        if fitted:
            off = max(abs(y / fitted(x) - 1) for x, y in zip(xs, ys, strict=True))
            text += f" (within {off:.0%})"
            places = [x for x in between(xs[0], xs[-1]) if x >= xs[0]]
            axes.plot(places, [fitted(x) for x in places], "-", color=colour, linewidth=1, alpha=0.7)
        axes.plot(xs, ys, "o", color=colour, markersize=5, label=f"{name}: {text}")
        if column == "cpu_us":
            lows, highs = ([float(row[f"cpu_us_{end}"]) for row in mine] for end in ("min", "max"))
            axes.vlines(xs, lows, highs, color=colour, linewidth=1)
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
        panels[1][0].set(ylabel="MiB resident")
    bottom = panels[-1][0]
    bottom.set(xlabel=unit, **X_AXES[x_scale])
    bottom.xaxis.set_major_formatter(FuncFormatter(si))
    for [each] in panels:
        each.yaxis.set_major_formatter(FuncFormatter(si))
        if each.get_yscale() == "linear":
            each.set_ylim(0, each.get_ylim()[1] * 1.2)
    figure.savefig(folder / f"{name}.svg", transparent=True, metadata={"Date": None, "Creator": None})


def main():
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    matplotlib.rcParams.update(STYLE)
    for name in names:
        draw(folder, name)
        print(folder / f"{name}.svg")


if __name__ == "__main__":
    main()
