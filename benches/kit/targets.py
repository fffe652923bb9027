"""What is wanted of `statefun`, and whether a run shows it."""

from dataclasses import dataclass

from kit.results import cpu, p99, rate

OURS = "statefun"
SDKS = ("java", "go", "js", "python")
# The connections for which multiples of a limit are wanted.
CONNECTIONS = 16
# Cell -> the limit, and how much more CPU it may cost at most.
LIMITS = {
    ("echo", 1, CONNECTIONS): ("limit-axum", 1.10),
    ("counter", 1, CONNECTIONS): ("limit-codec", 1.5),
    ("counter", 10, CONNECTIONS): ("limit-codec", 1.75),
    ("counter", 100, CONNECTIONS): ("limit-codec", 2.2),
}
# How much slower p99 may be than limit-codec's.
P99 = 1.5
# Cell -> how much more CPU Java costs at least.
JAVA = {("counter", 1, CONNECTIONS): 1.8, ("counter", 10, CONNECTIONS): 3.0, ("counter", 100, CONNECTIONS): 3.5}
# Connections -> MiB resident at most.
RESIDENT = {64: 16, 2048: 64}


def limit_of(function):
    """The limit that a function's cost is compared with."""
    return "limit-axum" if function == "echo" else "limit-codec"


def cell_name(cell):
    function, calls, connections = cell
    return f"{function}_{calls}@{connections}"


@dataclass
class Target:
    """One target; `value` is None where it was not measured."""

    name: str
    wanted: float
    value: float | None
    at_most: bool = True

    @property
    def met(self):
        if self.value is None:
            return False
        return self.value <= self.wanted if self.at_most else self.value >= self.wanted

    @property
    def met_text(self):
        return "-" if self.value is None else "yes" if self.met else "**no**"

    @property
    def wanted_text(self):
        return f"{'≤' if self.at_most else '≥'} {self.wanted:g}"

    @property
    def value_text(self):
        return "not measured" if self.value is None else f"{self.value:.2f}"

    def __str__(self):
        return f"{self.name}: {self.value_text}, wanted {self.wanted_text}"


def worst(results, figure, sdk, at_most):
    """The cell in which we are closest to an SDK or furthest behind it, and the ratio there."""
    ratios = {cell: results.ratio(figure, cell, OURS, sdk) for cell in results.cells}
    known = {cell: value for cell, value in ratios.items() if value is not None}
    if not known:
        return "", None
    cell = (max if at_most else min)(known, key=known.get)
    return f", worst in {cell_name(cell)}", known[cell]


def targets(results):
    """All targets, in the order of the tables."""
    found = []
    for cell, (limit, most) in LIMITS.items():
        found.append(Target(f"CPU ÷ {limit}, {cell_name(cell)}", most, results.ratio(cpu, cell, OURS, limit)))
    for cell in LIMITS:
        if cell[0] == "counter":
            found.append(
                Target(f"p99 ÷ limit-codec, {cell_name(cell)}", P99, results.ratio(p99, cell, OURS, "limit-codec"))
            )
    for cell, least in JAVA.items():
        value = results.ratio(cpu, cell, "java", OURS)
        found.append(Target(f"java's CPU ÷ ours, {cell_name(cell)}", least, value, at_most=False))
    for sdk in SDKS:
        for name, figure, at_most in (("CPU", cpu, True), ("throughput", rate, False), ("p99", p99, True)):
            where, value = worst(results, figure, sdk, at_most)
            found.append(Target(f"{name} ÷ {sdk}'s{where}", 1, value, at_most))
    for connections, most in RESIDENT.items():
        peaks = [results.peak(cell, OURS) for cell in results.cells if cell[2] == connections]
        value = max((peak for peak in peaks if peak is not None), default=None)
        found.append(Target(f"MiB resident at {connections:,} connections", most, value))
    return found
