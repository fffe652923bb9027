"""Whether a server's answers mean what they must.

Order counts among sends and among records, not among states. JSON is compared parsed: spaces and the order of keys are
free.
"""

import json
import urllib.request

from kit.payloads import FOLDER, INT, KAFKA
from kit.wire import parse, read_int_wrapper

CONTENT_TYPE = "application/octet-stream"


def text(found, number):
    return found.get(number, [b""])[0].decode()


def value(raw):
    """A TypedValue's type and its value, as Python knows it."""
    box = parse(raw)
    typename, content = text(box, 1), box.get(3, [b""])[0]
    if not box.get(2):
        return typename, None
    if typename == INT:
        return typename, read_int_wrapper(content)
    if typename == KAFKA:
        record = parse(content)
        return typename, text(record, 3), text(record, 1), json.loads(record[2][0])
    return typename, json.loads(content)


def meaning(raw):
    """What a FromFunction asks the runtime to do."""
    answer = parse(raw)
    if 101 in answer:
        specs = map(parse, parse(answer[101][0]).get(1, []))
        return {text(spec, 1): text(spec, 3) for spec in specs}
    result = parse(answer[100][0])
    mutations = map(parse, result.get(1, []))
    sends = map(parse, result.get(2, []))
    records = map(parse, result.get(4, []))
    return {
        "mutations": {text(each, 2): (each[1][0], value(each[3][0])) for each in mutations},
        "sends": [([part.decode() for [part] in parse(each[1][0]).values()], value(each[2][0])) for each in sends],
        "delayed": len(result.get(3, [])),
        "records": [(text(each, 1), text(each, 2), value(each[3][0])) for each in records],
    }


def wrong(url):
    """What is wrong with a server's answers, a line each; nothing where all are right."""
    problems = []
    for path in sorted(FOLDER.glob("*.req")):
        asked = urllib.request.Request(url, path.read_bytes(), {"Content-Type": CONTENT_TYPE, "Accept": CONTENT_TYPE})
        try:
            with urllib.request.urlopen(asked, timeout=20) as reply:
                kind, answer = reply.headers.get("Content-Type"), reply.read()
            same = meaning(answer) == meaning(path.with_suffix(".resp").read_bytes())
        except (OSError, ValueError, LookupError) as error:
            problems.append(f"{path.stem}: {error!r}")
            continue
        if not same:
            problems.append(f"{path.stem}: an answer of another meaning than {path.stem}.resp")
        if kind != CONTENT_TYPE:
            problems.append(f"{path.stem}: content type {kind!r}, expected {CONTENT_TYPE!r}")
    return problems
