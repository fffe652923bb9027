"""Events per second through a StateFun cluster, and what of it the function server takes."""

import argparse
import json
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from kit.bench import known, listed, natural
from kit.command import ending
from kit.contender import BUILTIN, KIT, Contender, build, cache
from kit.measure import cpu_seconds
from kit.payloads import compact, event
from kit.report import table
from kit.results import about

SCRIPTS = KIT.parent.parent / "tests/cluster"
COMPARED = ["statefun", "statefun-paced", "java", "python"]
# Users, each with a state; the stock runtime has one request under way for each.
USERS = 1000
# What is measured: between these shares of the events, so that neither the start nor the end counts.
FROM, TO = 0.2, 0.9
# Seconds without any progress after which a run is given up.
STUCK = 60

EPILOG = """\
For each contender it starts a cluster as tests/cluster/up does (Kafka, Flink with StateFun 3.3, on this machine), puts
events of 1,000 users into a topic, and looks at how fast the runtime's egress goes, and at what the processes use. All
share the cores of the machine: the events per second are those of a machine where the cluster and the functions are
together. The counter is that of benches/kit/WORKLOAD.md; states begin empty. What it sends goes to a function of
this project's server, whoever the contender is.

  benches/cluster --out docs/performance      all of it, into cluster.md
  benches/cluster --only statefun --add 'slower=/path/to/statefun-bench --rate-limit 500'    another limit

Needs what tests/cluster/up needs (Java 17, Maven the first time, curl, jq), and each contender its language.
"""


def arguments():
    parser = argparse.ArgumentParser(
        prog="benches/cluster", description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only",
        type=listed(known),
        default=COMPARED,
        metavar="NAME,…",
        help=f"of {', '.join(BUILTIN)}; default: {','.join(COMPARED)}",
    )
    parser.add_argument(
        "--add",
        action="append",
        type=Contender.added,
        default=[],
        metavar="NAME=COMMAND",
        help="one more contender, as with benches/run; may be given several times",
    )
    parser.add_argument("--events", type=natural, default=200_000, metavar="N", help="default: 200000")
    parser.add_argument("--rounds", type=natural, default=3, metavar="N", help="default: 3")
    parser.add_argument("--out", type=Path, help="folder of the table; default: results beside what is built")
    return parser.parse_args()


class Cluster:
    """A cluster between the topics of module.yaml, from `start` to `stop`."""

    def __init__(self, folder):
        self.folder = folder

    def start(self, counter, sink):
        module = self.folder.with_suffix(".yaml")
        text = (KIT / "module.yaml").read_text()
        module.write_text(text.replace("@COUNTER@", counter).replace("@SINK@", sink))
        options = ["--functions-url", counter, "--module", module, "--semantic", "at-least-once", "--checkpoints", "10s"]
        up = [SCRIPTS / "up", *options, self.folder]
        subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
        settings = (self.folder / "settings").read_text()
        self.settings = dict(line.split("=", 1) for line in settings.splitlines())
        self.job = f"http://127.0.0.1:{self.settings['REST_PORT']}/jobs"
        self.job += "/" + self.get("/overview")["jobs"][0]["jid"]

    def stop(self):
        subprocess.run([SCRIPTS / "down", "--wipe", self.folder], check=False, stdout=subprocess.DEVNULL)

    def get(self, path):
        with urllib.request.urlopen(self.job + path, timeout=10) as answer:
            return json.load(answer)

    def emitted(self):
        """How many records went to the egress."""
        vertices = self.get("")["vertices"]
        vertex = next(each["id"] for each in vertices if "bench.io-out-egress" in each["name"])
        path = f"/vertices/{vertex}/subtasks/metrics"
        names = [each["id"] for each in self.get(path)]
        wanted = [name for name in names if name.endswith("numRecordsIn") and "bench_io-out-egress" in name]
        wanted = wanted or ["numRecordsIn"]
        return int(sum(each["sum"] for each in self.get(f"{path}?get={wanted[0]}&agg=sum")))

    def pid(self, name):
        return int((self.folder / f"{name}.pid").read_text().split()[0])

    def produce(self, events):
        """Puts a file of KEY<TAB>VALUE lines into the topic."""
        jars = shlex.split(self.settings["JARS"])[0]
        command = ["java", "-Xmx256m", f"-Dlog4j.configuration=file:{SCRIPTS}/conf/kafka-log4j.properties", "-cp"]
        command += [f"{jars}/kafka/*", "kafka.tools.ConsoleProducer", "--topic", "bench-in"]
        command += ["--bootstrap-server", f"127.0.0.1:{self.settings['KAFKA_PORT']}", "--property", "parse.key=true"]
        with open(events) as lines:
            subprocess.run(command, check=True, stdin=lines, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def write_events(path, count):
    with open(path, "wb") as file:
        for number in range(count):
            user = f"user-{number * 7919 % USERS:04d}"
            file.write(user.encode() + b"\t" + compact(event(number) | {"user_id": user}) + b"\n")


def watch(cluster, contender, sink, count):
    """The figures of one run, once its events are in the topic. RuntimeError where they do not come out."""
    pids = {"functions": contender.pid, "sink": sink.pid} | {
        name: cluster.pid(name) for name in ("taskmanager-1", "jobmanager", "kafka")
    }
    begun = seen = None
    changed = time.monotonic()
    while True:
        emitted, now = cluster.emitted(), time.monotonic()
        if emitted != seen:
            seen, changed = emitted, now
        elif now - changed > STUCK:
            raise RuntimeError(f"{contender.name}: {seen} of {count} events came out, and then none for {STUCK} s")
        used = {name: cpu_seconds(pid) for name, pid in pids.items()}
        if begun is None and emitted >= FROM * count:
            begun = (emitted, now, used)
        if emitted >= TO * count:
            events, seconds = emitted - begun[0], now - begun[1]
            return {"rate": events / seconds} | {name: (used[name] - begun[2][name]) / seconds for name in used}
        time.sleep(0.2)


def run(contender, options, folder, events):
    # All functions of a server have the same options.
    ours = BUILTIN.get(contender.name, ("", ""))[0] == "statefun"
    sink = Contender("sink", (contender if ours else Contender.builtin("statefun", folder)).command, core=None)
    with tempfile.TemporaryDirectory(prefix="statefun-bench.") as work:
        cluster = Cluster(Path(work) / "cluster")
        try:
            contender.start(folder / "logs")
            sink.start(folder / "logs")
            cluster.start(contender.url, sink.url)
            cluster.produce(events)
            return watch(cluster, contender, sink, options.events)
        finally:
            cluster.stop()
            contender.stop()
            sink.stop()


def report(facts, rows):
    """What it was measured on, and a line for each contender: medians over the rounds."""
    lines = []
    for name, runs in rows.items():
        median = {figure: statistics.median(each[figure] for each in runs) for figure in runs[0]}
        cores = [median[each] for each in ("functions", "taskmanager-1", "kafka", "sink")]
        rates = [each["rate"] for each in runs]
        lines.append(
            [name, f"{median['rate']:,.0f}", f"{min(rates):,.0f} to {max(rates):,.0f}"]
            + [f"{each:.2f}" for each in (*cores, sum(cores) + median["jobmanager"])]
            + [f"{median['functions'] / median['rate'] * 1e6:.0f}"]
        )
    head = ["functions", "events/s", "from, to", "cores: functions", "TaskManager", "Kafka", "sink", "all", "µs an event"]
    return "".join(f"- {key}: {value}\n" for key, value in facts.items()) + "\n" + table(head, lines)


def main():
    options = arguments()
    folder = cache()
    options.out = options.out or folder / "results"
    for needed in (options.out, folder / "logs"):
        needed.mkdir(parents=True, exist_ok=True)
    contenders = [Contender.builtin(name, folder) for name in options.only] + options.add
    for each in contenders:
        # The cluster and the functions share all cores.
        each.core = None
    rows = {each.name: [] for each in contenders}
    with ending("benches/cluster"):
        build(list(dict.fromkeys(BUILTIN[name][0] for name in [*options.only, "statefun"])), folder)
        with tempfile.NamedTemporaryFile(suffix=".tsv") as events:
            write_events(events.name, options.events)
            for turn in range(options.rounds):
                for each in contenders if turn % 2 == 0 else reversed(contenders):
                    rows[each.name].append(run(each, options, folder, events.name))
                    rate = rows[each.name][-1]["rate"]
                    print(f"round {turn + 1} of {options.rounds}: {each.name}, {rate:,.0f} events/s", flush=True)
    text = report(about(events=f"{options.events:,} of {USERS:,} users", rounds=options.rounds), rows)
    (options.out / "cluster.md").write_text(text)
    print(text)
    return 0
