"""What the figures rest on: `cd benches && python3 -m unittest kit.test_kit`."""

import unittest

from kit.answers import meaning
from kit.instructions import compare
from kit.payloads import FOLDER, exchanges
from kit.results import Results, cpu
from kit.targets import LIMITS, SDKS, targets
from kit.wire import message, parse

CELLS = [*LIMITS, ("counter", 1, 64), ("counter", 1, 2048)]
# CPU of each contender where all targets are met.
COSTS = {"limit-axum": 9.5, "limit-codec": 9.5, "statefun": 10.0} | dict.fromkeys(SDKS, 50.0)


def shot(cell, contender, cost, turn=0, **more):
    """A shot of a million requests whose rate and p99 follow from its cost."""
    function, calls, connections = cell
    figures = {"requests": 1_000_000, "rps": 1e6 / cost, "p99": 100 * cost, "cpu": cost * calls, "rss": 10.0}
    where = {"function": function, "calls": calls, "connections": connections, "round": turn, "contender": contender}
    return figures | where | more


def run(change=None):
    """Shots that meet all targets, each changed by `change`."""
    rows = [shot(cell, name, cost) for cell in CELLS for name, cost in COSTS.items()]
    return [(change or (lambda row: row))(row) for row in rows]


def missed(rows):
    return [target.name for target in targets(Results(rows)) if not target.met]


class Payloads(unittest.TestCase):
    def test_the_stored_ones_are_the_ones_that_are_made(self):
        made = exchanges()
        self.assertEqual({path.stem for path in FOLDER.glob("*.req")}, set(made))
        for name, (asked, answered) in made.items():
            self.assertEqual((FOLDER / f"{name}.req").read_bytes(), asked, name)
            self.assertEqual((FOLDER / f"{name}.resp").read_bytes(), answered, name)

    def test_what_is_cut_short_is_not_read(self):
        with self.assertRaisesRegex(ValueError, "field 1 is cut short"):
            parse(message((1, "text"))[:-1])


class Answers(unittest.TestCase):
    def setUp(self):
        self.raw = exchanges()["counter_10"][1]

    def effects(self, change):
        """The answer with its list of effects changed; an effect is (field, bytes)."""
        result = parse(parse(self.raw)[100][0])
        effects = [(number, each) for number, values in result.items() for each in values]
        return message((100, message(*change(effects))))

    def test_the_order_of_states_is_free(self):
        self.assertEqual(
            meaning(self.effects(lambda effects: [effects[1], effects[0], *effects[2:]])), meaning(self.raw)
        )

    def test_the_order_of_sends_is_not(self):
        swapped = self.effects(lambda effects: [*effects[:2], effects[3], effects[2], *effects[4:]])
        self.assertNotEqual(meaning(swapped), meaning(self.raw))

    def test_an_effect_too_few_is_seen(self):
        for left_out in (0, 2, -1):
            fewer = self.effects(lambda effects, at=left_out: [each for each in effects if each is not effects[at]])
            self.assertNotEqual(meaning(fewer), meaning(self.raw))

    def test_an_effect_too_many_is_seen(self):
        for number in (1, 2, 3, 4):
            twice = self.effects(lambda effects, number=number: [*effects, (number, dict(effects).get(number, b""))])
            # A state that is written twice to the same value is written.
            self.assertEqual(meaning(twice) == meaning(self.raw), number == 1)

    def test_the_order_of_keys_is_free_and_values_are_not(self):
        answer = meaning(self.emitted(b'{"a":2,"b":1}'))
        self.assertEqual(meaning(self.emitted(b'{"b": 1, "a": 2}')), answer)
        self.assertNotEqual(meaning(self.emitted(b'{"a":2,"b":2}')), answer)

    def emitted(self, value):
        sent = message((1, message((1, "n"), (2, "t"), (3, "id"))), (2, message((1, "json"), (2, 1), (3, value))))
        return message((100, message((2, sent))))


class Ratios(unittest.TestCase):
    def test_a_machine_that_is_slower_for_a_while_makes_no_difference(self):
        cell = CELLS[0]
        slow = (1, 3, 1.5)
        rows = [shot(cell, "one", 20 * times, turn) for turn, times in enumerate(slow)]
        rows += [shot(cell, "other", 10 * times, turn) for turn, times in enumerate(slow)]
        self.assertEqual(Results(rows).ratio(cpu, cell, "one", "other"), 2)

    def test_a_round_without_the_other_is_left_out(self):
        cell = CELLS[0]
        rows = [shot(cell, "one", 20, 0), shot(cell, "one", 90, 1), shot(cell, "other", 10, 0)]
        self.assertEqual(Results(rows).ratio(cpu, cell, "one", "other"), 2)
        self.assertIsNone(Results(rows).ratio(cpu, cell, "one", "nobody"))


class Targets(unittest.TestCase):
    def test_a_run_can_meet_them_all(self):
        self.assertEqual(missed(run()), [])

    def test_each_is_missed_by_what_it_is_about(self):
        def change(wanted, contender, **figures):
            return lambda row: row | figures if (row["contender"], wanted) == (contender, cell_of(row)) else row

        def cell_of(row):
            return row["function"], row["calls"], row["connections"]

        echo, crowd = ("echo", 1, 16), ("counter", 1, 2048)
        batch = ("counter", 100, 16)
        for changed, expected in (
            (change(echo, "statefun", cpu=11.0), ["CPU ÷ limit-axum, echo_1@16"]),
            (change(batch, "statefun", cpu=2200.0), ["CPU ÷ limit-codec, counter_100@16",
                                                     "java's CPU ÷ ours, counter_100@16"]),
            (change(batch, "statefun", p99=1500), ["p99 ÷ limit-codec, counter_100@16"]),
            (change(echo, "go", cpu=9.9), ["CPU ÷ go's, worst in echo_1@16"]),
            (change(crowd, "python", rps=1e9), ["throughput ÷ python's, worst in counter_1@2048"]),
            (change(crowd, "js", p99=1), ["p99 ÷ js's, worst in counter_1@2048"]),
            (change(crowd, "statefun", rss=64.1), ["MiB resident at 2,048 connections"]),
            (change(("counter", 1, 64), "statefun", rss=16.1), ["MiB resident at 64 connections"]),
        ):  # fmt: skip
            self.assertEqual(missed(run(changed)), expected)

    def test_what_was_not_measured_is_not_met(self):
        rows = [row for row in run() if row["contender"] != "go"]
        self.assertEqual(missed(rows), ["CPU ÷ go's", "throughput ÷ go's", "p99 ÷ go's"])


class Instructions(unittest.TestCase):
    def test_what_is_slower_or_was_never_counted_fails(self):
        before = {"handle echo_1": 1000, "handle echo_10": 5000}
        for now, failed in (
            ({"handle echo_1": 1100, "handle echo_10": 100}, []),
            ({"handle echo_1": 1101, "handle echo_10": 5000}, ["handle echo_1"]),
            ({"handle echo_1": 1000, "handle echo_100": 1}, ["handle echo_100"]),
        ):
            self.assertEqual(compare(before, now)[1], failed)


if __name__ == "__main__":
    unittest.main()
