"""The requests of the workload and the answers that they must get.

`cd benches && python3 -m kit.payloads` writes them to benches/payloads.
"""

import json
from pathlib import Path

from kit.wire import int_wrapper, message

FOLDER = Path(__file__).resolve().parent.parent / "payloads"
BATCHES = (1, 10, 100)

INT = "io.statefun.types/int"
EVENT = "bench.types/event"
PROFILE = "bench.types/profile"
KAFKA = "type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord"
ID = "user-0042"
SEEN = 41


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def event(number):
    return {
        "event_id": f"evt-{number:08d}",
        "user_id": ID,
        "item": f"sku-{1000 + number % 50}",
        "action": "add-to-cart",
        "quantity": 1 + number % 4,
        "price_cents": 1999 + number,
        "ts": 1700000000000 + number,
        "note": "left at the door, ring twice and wait for an answer",
    }


def profile(history):
    return {
        "user_id": ID,
        "name": "Ada Example",
        "email": "ada@example.org",
        "address": {"street": "12 Long Lane, Flat 3", "city": "Springfield", "zip": "SP1 2AB", "country": "UK"},
        "tags": ["gold", "newsletter", "early-adopter", "returns-rarely", "mobile"],
        "preferences": {"theme": "dark", "language": "en-GB", "currency": "GBP", "newsletter": True},
        "history": [
            {
                "event_id": f"evt-{number:08d}",
                "item": f"sku-{2000 + number}",
                "quantity": 1 + number % 3,
                "price_cents": 500 + 17 * number,
                "ts": 1690000000000 + number,
            }
            for number in range(history)
        ],
        "last_event_id": "evt-99999999",
    }


def empty_profile():
    return {
        "user_id": "",
        "name": "",
        "email": "",
        "address": {"street": "", "city": "", "zip": "", "country": ""},
        "tags": [],
        "preferences": {"theme": "", "language": "", "currency": "", "newsletter": False},
        "history": [],
        "last_event_id": "",
    }


def typed(typename, value):
    """A TypedValue; None is no value."""
    return message((1, typename), (2, None if value is None else 1), (3, value or None))


def address(kind, ident, namespace="bench.fns"):
    return message((1, namespace), (2, kind), (3, ident))


def state(name, typename, value):
    return message((1, name), (2, typed(typename, value)))


def mutation(name, typename, value):
    return message((1, 1), (2, name), (3, typed(typename, value)))


def record(topic, key, value):
    """What is emitted to the egress."""
    argument = typed(KAFKA, message((1, key), (2, value), (3, topic)))
    return message((1, "bench.io"), (2, "out"), (3, argument))


def request(kind, calls, states=(), ident=ID):
    """A ToFunction."""
    invocations = [
        message((1, address("source", f"partition-{number % 8}")), (2, typed(EVENT, compact(event(number)))))
        for number in range(calls)
    ]
    batch = message((1, address(kind, ident)), *((2, each) for each in states), *((3, each) for each in invocations))
    return message((100, batch))


def counter_request(calls, history=6, ident=ID):
    states = (state("seen", INT, int_wrapper(SEEN)), state("profile", PROFILE, compact(profile(history))))
    return request("counter", calls, states, ident)


def counter_answer(calls, seen=SEEN, before=None):
    sends, records = [], []
    for number in range(calls):
        seen += 1
        got = event(number)
        update = {key: got[key] for key in ("user_id", "item", "quantity")} | {"seen": seen}
        sends.append(message((1, address("sink", got["item"])), (2, typed("bench.types/update", compact(update)))))
        receipt = {key: got[key] for key in ("event_id", "user_id", "item", "action", "quantity", "price_cents")}
        receipt |= {"seen": seen, "note": got["note"]}
        records.append(record("bench-out", got["user_id"], compact(receipt)))
    after = (before or profile(6)) | {"last_event_id": event(calls - 1)["event_id"]}
    mutations = (mutation("seen", INT, int_wrapper(seen)), mutation("profile", PROFILE, compact(after)))
    effects = [(1, each) for each in mutations] + [(2, each) for each in sends] + [(4, each) for each in records]
    return message((100, message(*effects)))


def fresh():
    """The states are known and have no value."""
    states = (state("seen", INT, None), state("profile", PROFILE, None))
    return request("counter", 3, states), counter_answer(3, seen=0, before=empty_profile())


def missing():
    """The runtime does not know the states yet."""
    specs = [message((1, name), (3, typename)) for name, typename in (("seen", INT), ("profile", PROFILE))]
    return request("counter", 1), message((101, message(*((1, each) for each in specs))))


def echo_answer(calls):
    records = (record("bench-echo", ID, compact(event(number))) for number in range(calls))
    return message((100, message(*((4, each) for each in records))))


def exchanges():
    """Name -> request, answer."""
    pairs = {"missing": missing(), "fresh": fresh()}
    for calls in BATCHES:
        pairs[f"counter_{calls}"] = counter_request(calls), counter_answer(calls)
        pairs[f"echo_{calls}"] = request("echo", calls), echo_answer(calls)
    return pairs


def main():
    for name, (asked, answered) in exchanges().items():
        (FOLDER / f"{name}.req").write_bytes(asked)
        (FOLDER / f"{name}.resp").write_bytes(answered)


if __name__ == "__main__":
    main()
