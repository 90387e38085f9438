"""Schemathesis's run of one token: ids that exist, and a check that nobody else's data is in any answer.

FUZZ_WORLD names a JSON file: `user` (null for a token that sees everything), `ids` (by the name of their field: what to ask
for), `foreign` (texts that belong to somebody else) and `counts` (the file that gets what was seen).
"""

import collections
import json
import os
import zlib

import schemathesis

with open(os.environ["FUZZ_WORLD"], encoding="utf-8") as file:
    WORLD = json.load(file)
IDS = WORLD["ids"]


def chance(value) -> int:
    """The same for the same generated value, so that Hypothesis can shrink and repeat it."""
    return zlib.crc32(repr(value).encode("utf-8", "surrogatepass"))


def known(name, value, salt=""):
    """In three of four cases an id that exists, where the field is one of ids."""
    drawn = chance((name, value, salt))
    return IDS[name][drawn // 4 % len(IDS[name])] if name in IDS and drawn % 4 else value


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if not path_parameters or "id" not in path_parameters:
        return path_parameters
    kind = "program" if "/programs" in context.operation.path else "challenge_id"
    changed = {**path_parameters, "id": known(kind, path_parameters["id"], context.operation.label)}
    if "number" in changed and chance(changed) % 2:
        changed["number"] = 1 + chance(changed) % 3
    return changed


@schemathesis.hook
def map_query(context, query):
    return with_known(query) if isinstance(query, dict) else query


@schemathesis.hook
def map_body(context, body):
    return with_known(body) if isinstance(body, (dict, list)) else body


def with_known(value):
    if isinstance(value, list):
        return [with_known(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: with_known(known(name, inner, value)) for name, inner in value.items()}


def strangers(value, user):
    """Every user that an answer names, except its reader."""
    if isinstance(value, list):
        for item in value:
            yield from strangers(item, user)
    elif isinstance(value, dict):
        if value.get("user_id", user) != user:
            yield value["user_id"]
        for inner in value.values():
            yield from strangers(inner, user)


@schemathesis.check
class nobody_elses:
    """Counts each answer, and looks for what is not its reader's."""

    def __init__(self):
        self.statuses = collections.Counter()
        self.operations = collections.Counter()

    def after_response(self, ctx, response, case):
        self.statuses[str(response.status_code)] += 1
        self.operations[f"{case.operation.label} {response.status_code}"] += 1
        if WORLD["user"] is None:
            return
        text = response.content.decode("utf-8", "replace")
        found = [foreign for foreign in WORLD["foreign"] if foreign in text]
        assert not found, f"the answer holds somebody else's {found}"
        if text and "json" in str(response.headers.get("content-type")):
            named = list(strangers(json.loads(text), WORLD["user"]))
            assert not named, f"the answer names {named}"

    def after_run(self, ctx):
        with open(WORLD["counts"], "w", encoding="utf-8") as file:
            json.dump({"statuses": self.statuses, "operations": self.operations}, file)
