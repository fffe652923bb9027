"""What cost is measured against: batch size, size and number of states, addresses, connections."""

from dataclasses import dataclass

from kit.payloads import compact, counter_request, profile, request, state

# An entry of a profile's history is about so many bytes.
ENTRY = len(compact(profile(2000))) // 2000
# The placeholder that post.lua counts in.
COUNTED = "user-0000000"

SIZES = (0, 1_000, 4_000, 16_000, 64_000, 256_000, 1_000_000)


@dataclass
class Point:
    """One load: a request, how many invocations it holds, and how it is sent."""

    sweep: str
    series: str
    x: int
    body: bytes
    calls: int = 1
    connections: int = 16
    arguments: str = ""
    addresses: int = 0
    seconds: int = 2


def wide(states, size, calls):
    """A request for `bench.fns/wide` whose states hold `size` bytes each."""
    values = [state(f"state_{number}", "bench.types/bytes", b"\x07" * size) for number in range(states)]
    return request("wide", calls, values)


def batch():
    for calls in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        yield Point("batch", "counter", calls, counter_request(calls), calls)
        yield Point("batch", "echo", calls, request("echo", calls), calls)


def state_size():
    # Few connections: what is in flight at the end is paid for and not counted.
    for size in SIZES:
        for calls in (1, 10):
            body = wide(1, size, calls)
            yield Point("state-size", f"bytes, batch of {calls}", size, body, calls, 4, "--states 1")
        entries = size // ENTRY
        body = counter_request(1, history=entries)
        yield Point("state-size", "JSON, batch of 1", len(compact(profile(entries))), body, 1, 4)


def states():
    for count in (1, 2, 5, 10, 20, 35, 50):
        yield Point("states", "16 bytes each", count, wide(count, 16, 1), arguments=f"--states {count}")


def addresses():
    for count in (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000):
        # A million takes some time to go round.
        seconds = 15 if count == 1_000_000 else 3
        yield Point("addresses", "echo", count, request("echo", 1, ident=COUNTED), addresses=count, seconds=seconds)


def connections():
    for count in (1, 4, 16, 64, 256, 1024, 2048):
        yield Point("connections", "counter, batch of 1", count, counter_request(1), connections=count)


SWEEPS = {
    "batch": batch,
    "state-size": state_size,
    "states": states,
    "addresses": addresses,
    "connections": connections,
}
