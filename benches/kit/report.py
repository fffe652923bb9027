"""The tables of a run, in markdown."""

import statistics

from kit.results import Results, cpu, p50, p99, rate
from kit.targets import cell_name, limit_of, targets

# More cores than this for others than server and wrk make a shot one to be careful with.
QUIET = 0.3
# wrk was the limit of a shot in which it used its core up and the server did not.
FULL = 0.95


def table(head, lines):
    """A markdown table; all columns but the first are figures."""
    rule = "|---|" + "---:|" * (len(head) - 1)
    return "\n".join(["| " + " | ".join(head) + " |", rule, *("| " + " | ".join(line) + " |" for line in lines)]) + "\n"


def grid(results, text):
    """A line for each contender, a column for each cell."""
    head = ["contender", *map(cell_name, results.cells)]
    return table(head, [[name, *(text(cell, name) for cell in results.cells)] for name in results.contenders])


def number(value, form="{:.2f}"):
    return "-" if value is None else form.format(value)


def careful(rows):
    """The shots whose throughput or latency says more of the machine than of the server."""
    lines = []
    for row in rows:
        reasons = []
        if row["failed"]:
            reasons.append(f"{row['failed']} requests failed")
        if row["foreign_load"] > QUIET:
            reasons.append(f"others used {row['foreign_load']:.2f} cores")
        if row["steal"] > QUIET:
            reasons.append(f"{row['steal']:.2f} cores were stolen")
        if row["driver_load"] > FULL > row["server_load"]:
            reasons.append(f"wrk was the limit (server {row['server_load']:.2f} of its core)")
        if reasons:
            cell = cell_name((row["function"], row["calls"], row["connections"]))
            lines.append(f"- {row['contender']}, {cell}, round {row['round'] + 1}: {', '.join(reasons)}")
    return "\n".join(lines) + "\n" if lines else "None.\n"


def report(facts, rows):
    """All tables. A cell is FUNCTION_BATCH@CONNECTIONS."""
    results = Results(rows)
    quiet = statistics.median(row["foreign_load"] for row in rows)

    def against_limit(cell, name):
        value = results.ratio(cpu, cell, name, limit_of(cell[0]))
        return f"{number(results.median(cpu, cell, name))} ({number(value)})"

    def against_java(figure, form):
        return lambda cell, name: (
            f"{number(results.median(figure, cell, name), form)} ({number(results.ratio(figure, cell, name, 'java'))})"
        )

    wanted = [[each.name, each.wanted_text, each.value_text, each.met_text] for each in targets(results)]
    return "\n".join(
        [
            "".join(f"- {key}: {value}\n" for key, value in facts.items())
            + f"- others used: {quiet:.2f} cores (median)\n",
            "Medians over the rounds. Ratios, in brackets, are medians of the ratios within a round.\n",
            "## Targets\n",
            table(["target", "wanted", "measured", "met"], wanted),
            "## CPU seconds per million invocations (multiple of limit-codec; of limit-axum for echo)\n",
            grid(results, against_limit),
            "## The same (multiple of java)\n",
            grid(results, against_java(cpu, "{:.2f}")),
            "## Invocations per second (multiple of java)\n",
            grid(results, against_java(rate, "{:,.0f}")),
            "## p99 in ms (multiple of limit-codec)\n",
            grid(
                results,
                lambda cell, name: (
                    f"{number(results.median(p99, cell, name))} "
                    f"({number(results.ratio(p99, cell, name, 'limit-codec'))})"
                ),
            ),
            "## p50 in ms\n",
            grid(results, lambda cell, name: number(results.median(p50, cell, name))),
            "## MiB resident, the most of all rounds\n",
            grid(results, lambda cell, name: number(results.peak(cell, name), "{:.0f}")),
            "## To be read with care\n",
            careful(rows),
        ]
    )
