"""The servers that are compared: how each is built, started, pinned and stopped."""

import argparse
import os
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path

KIT = Path(__file__).resolve().parent
PAYLOADS = KIT.parent / "payloads"

# A server has a core of its own; the load comes from another.
SERVER_CORE, DRIVER_CORE = 0, 1
# Seconds that a server may take until it listens, and to end.
START, STOP = 30, 5

# Name -> what has to be built, and the command in the folder of what was built. The order is that of a round:
# what is compared with each other is measured close to each other.
BUILTIN = {
    "limit-hyper": ("limits", "{build}/bench-limits hyper"),
    "limit-axum": ("limits", "{build}/bench-limits axum"),
    "limit-codec": ("limits", "{build}/bench-limits codec"),
    "statefun": ("statefun", "{build}/statefun-bench"),
    "statefun-paced": ("statefun", "{build}/statefun-bench --rate-limit 1000"),
    "java": ("java", "java -Xmx512m -jar {build}/java/bench-java-0.1.0.jar"),
    "statefun-borrowed": ("statefun", "{build}/statefun-bench --documents borrowed"),
    "statefun-raw": ("statefun", "{build}/statefun-bench --documents raw"),
    "go": ("go", "{build}/go/server"),
    "js": ("js", "node {build}/js/server.js"),
    "python": ("python", "{build}/python/bin/python {kit}/contenders/python/server.py"),
}

# As --rate-limit of the server: what benches/cluster compares. It would only hold back a load that does not gather.
PACED = {"statefun-paced"}

# They are slow until their code is compiled.
JIT = {"java", "js"}


def cache():
    """The folder of all that is built and measured."""
    if "BUILD" in os.environ:
        return Path(os.environ["BUILD"]).resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "statefun-server/benches"


def build(parts, folder):
    """Builds what is missing or older than its sources; CalledProcessError where that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([KIT / "build", folder, *parts], check=True)


class Contender:
    """A server under test, from `start` to `stop`. Its `core` is None where it may use all."""

    def __init__(self, name, command, core=SERVER_CORE):
        self.name, self.command, self.core = name, command, core
        self.process, self.url = None, None

    @classmethod
    def builtin(cls, name, folder):
        """One of ours."""
        return cls(name, BUILTIN[name][1].format(build=shlex.quote(str(folder)), kit=shlex.quote(str(KIT))))

    @classmethod
    def added(cls, text):
        """NAME=COMMAND."""
        name, _, command = text.partition("=")
        if not name or not command.strip():
            raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=COMMAND, such as 'mine=/path/to/server --quiet'")
        return cls(name, command)

    @property
    def pid(self):
        return self.process.pid

    def pinned(self):
        return [] if self.core is None else ["taskset", "-c", str(self.core)]

    def start(self, logs):
        """Starts it on its core, at a free port. RuntimeError where it does not listen."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/statefun"
        env = os.environ | {"PORT": str(port), "PAYLOADS": str(PAYLOADS)}
        log = logs / f"{self.name}.log"
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                [*self.pinned(), *shlex.split(self.command)],
                stdout=file,
                stderr=file,
                env=env,
                start_new_session=True,
            )
        end = time.monotonic() + START
        while self.process.poll() is None and time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.name} does not listen at port {port} ({self.command}): see {log}")

    def stop(self):
        """Ends it and whatever it started."""
        for sig in (signal.SIGTERM, signal.SIGKILL):
            if self.process and self.process.poll() is None:
                os.killpg(self.process.pid, sig)
                try:
                    self.process.wait(STOP)
                except subprocess.TimeoutExpired:
                    continue
        self.process = None
