"""One shot of load at one server, and what it cost."""

import contextlib
import json
import os
import re
import resource
import shutil
import subprocess
import time
from pathlib import Path

from kit.contender import DRIVER_CORE, KIT, SERVER_CORE

TICKS = os.sysconf("SC_CLK_TCK")
# What the server and wrk need for a connection each, and more than enough for all else.
FILES = 8192


def prepare():
    """Makes sure that shots can be fired here. OSError where they cannot."""
    for tool, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if not shutil.which(tool):
            raise OSError(f"{tool} is missing: Debian: {package}")
    cores = os.sched_getaffinity(0)
    if not {SERVER_CORE, DRIVER_CORE} <= cores:
        raise OSError(
            f"this process may use cores {sorted(cores)}: expected {SERVER_CORE} for servers, {DRIVER_CORE} for wrk"
        )
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < FILES:
        raise OSError(f"`ulimit -Hn` is {most}; 2,048 connections need {FILES}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, most))


def tree(pid):
    """The process and everything below it."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rsplit(")", 1)[1].split()[1]), []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def cpu_seconds(pid):
    """User and system time of a process and everything below it."""
    total = 0
    for each in tree(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def reset_peak(pid):
    for each in tree(pid):
        with contextlib.suppress(OSError):
            Path(f"/proc/{each}/clear_refs").write_text("5")


def peak_mib(pid):
    """The most that was resident since `reset_peak`."""
    total = 0
    for each in tree(pid):
        try:
            text = Path(f"/proc/{each}/status").read_text()
        except OSError:
            continue
        match = re.search(r"VmHWM:\s+(\d+) kB", text)
        total += int(match[1]) if match else 0
    return total / 1024


def machine_busy():
    """Seconds that all cores together were not idle, and seconds stolen."""
    fields = [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    idle, steal = fields[3] + fields[4], fields[7]
    return (sum(fields[:8]) - idle) / TICKS, steal / TICKS


def settle(pid, seconds=5):
    """Waits until a server has worked off what wrk left behind when its time was up."""
    end, before = time.monotonic() + seconds, cpu_seconds(pid)
    while time.monotonic() < end:
        time.sleep(0.1)
        now = cpu_seconds(pid)
        if now - before <= 1 / TICKS:
            return
        before = now


def shoot(contender, body, connections, seconds, addresses=0):
    """Load from `connections` connections, each with one request at a time.

    `body` is a file. With `addresses`, the digits at its placeholder count from 0 to there over and over.
    """
    command = [
        "taskset",
        "-c",
        str(DRIVER_CORE),
        "wrk",
        "-t",
        "1",
        "-c",
        str(connections),
        "-d",
        f"{seconds}s",
        "--timeout",
        "20s",
        "-s",
        str(KIT / "post.lua"),
        contender.url,
    ]
    env = os.environ | {"BENCH_BODY": str(body), "BENCH_ADDRESSES": str(addresses)}
    reset_peak(contender.pid)
    before, own = cpu_seconds(contender.pid), os.times()
    busy, steal = machine_busy()
    begun = time.monotonic()
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
    wall = time.monotonic() - begun
    server = cpu_seconds(contender.pid) - before
    driver = os.times().children_user + os.times().children_system - own.children_user - own.children_system
    busy_after, steal_after = machine_busy()
    settle(contender.pid)
    match = re.search(r"RESULT (\{.*\})", done.stdout)
    if not match:
        raise RuntimeError(f"{contender.name}: wrk said {done.stdout} {done.stderr}")
    result = json.loads(match[1])
    if not result["requests"]:
        raise RuntimeError(f"{contender.name} answered no request of {body} in {seconds} s")
    return {
        "requests": result["requests"],
        "rps": result["requests"] / (result["micros"] / 1e6),
        "failed": result["failed"],
        "p50": result["p50"],
        "p99": result["p99"],
        "p999": result["p999"],
        "cpu": server,
        "server_load": server / wall,
        "driver_load": driver / wall,
        "foreign_load": max(0.0, busy_after - busy - server - driver) / wall,
        "steal": (steal_after - steal) / wall,
        "rss": peak_mib(contender.pid),
    }


def quietest(quiet, shot):
    """Repeats a shot once that the rest of the machine disturbed; keeps the less disturbed one."""
    first = shot()
    if first["foreign_load"] <= quiet:
        return first
    return min(first, shot(), key=lambda row: row["foreign_load"])
