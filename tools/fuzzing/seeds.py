#!/usr/bin/env python3
"""Writes what a fuzz target begins with, made of the vectors: inputs, and a dictionary of words.

  tools/fuzzing/seeds.py TARGET FOLDER DICTIONARY
"""
import hashlib
import json
import os
import re
import sys

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../proto-spec/vectors")
# A larger input is slower, and finds no more.
MOST = 6000


def path(*parts):
    return os.path.join(VECTORS, *parts)


def read(*parts):
    with open(path(*parts), "rb") as file:
        return file.read()


def objects(name):
    return [json.loads(line) for line in read("wire", name + ".ndjson").splitlines()]


def sent(conversation):
    """The bytes of a conversation."""
    for part in conversation["send"]:
        if isinstance(part, str):
            yield part.encode("utf-8", "surrogatepass")
        elif "hex" in part:
            yield bytes.fromhex(part["hex"])
        elif "repeat" in part:
            yield part["repeat"].encode() * part["times"]


def framing():
    # Profile, then a script; see FramingTarget.swift.
    scripts = [b"\x00", b"\x01\xc0\x80\xd0\x81\xc0", b"\x02\x20\x20\x20\x95\x20", b"\x07\x7f\x98\x7f\x80\x99\x7f\xa0"]
    for number, conversation in enumerate(c for f in ("requests", "errors", "framing", "streams") for c in objects(f)):
        yield scripts[number % len(scripts)] + b"\xff" + b"".join(sent(conversation))


def documents():
    for case in objects("json"):
        yield bytes.fromhex(case["hex"]) if "hex" in case else case["text"].encode("utf-8", "surrogatepass")
    for line in read("wire", "numbers.tsv").splitlines():
        yield line.split(b"\t")[0]


def candidates():
    for number, name in enumerate(("examples", "golden", "edges/json-policy", "edges/lines")):
        lines = read(name, "candidates.ndjson").splitlines()[:60]
        policy = b"2" if "json" in name else b"0"
        yield from (policy + line for line in lines)
        yield policy + b"\n".join(lines[:8])
    rows = [line.split(b"\t") for line in read("valid-until/cases.tsv").splitlines()[2:]]
    yield from (b"1" + row[4] for row in rows)


def conditions():
    for line in read("conditions.tsv").decode().splitlines()[2:]:
        yield json.loads(line.split("\t")[0]).encode("utf-8", "surrogatepass")


def policies():
    for folder in ("bad-policies", "valid-until"):
        for name in sorted(os.listdir(path(folder))):
            if name.endswith(".yaml"):
                yield read(folder, name)
    for name in sorted(os.listdir(path("edges"))):
        for file in ("policy.yaml", "policy.json"):
            if os.path.exists(path("edges", name, file)):
                yield read("edges", name, file)


def events():
    yield from lines_of("record", "events")


def loads():
    yield from (b"0" + line for line in lines_of("load", "users"))
    yield from candidates()


def lines_of(operation, name):
    """What conversations send to an operation, from requests and from streams."""
    for conversation in objects("ledger"):
        open_stream = False
        for line in b"".join(sent(conversation)).split(b"\n"):
            try:
                value = json.loads(line)
            except ValueError:
                value = None
            if isinstance(value, dict) and "op" in value:
                open_stream = value["op"] == operation and value.get("stream") is True
                items = value.get(name) if value["op"] == operation else None
                for item in items if isinstance(items, list) else ():
                    yield json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass")
            elif open_stream and line:
                yield line


SEEDS = {"framing": framing, "json": documents, "candidate": candidates, "condition": conditions, "policy": policies,
         "event": events, "load": loads}


def words(target):
    policy = read("bad-policies/base.yaml") + read("valid-until/policy.yaml")
    if target == "policy":
        found = set(re.findall(rb"[A-Za-z_0-9.]+:?", policy)) | {b"\n  ", b"\n    ", b"- ", b"{", b"}", b"[", b"]", b": "}
        return found | {b"null", b"1e308", b"-1", b"0.0000001", b"999999999", b"08:00-21:00", b'"+08:00"'}
    if target == "condition":
        return set(re.findall(rb"[A-Za-z_.]+|<=|>=|<>", b" ".join(conditions())))
    found = {b'"user_id":"', b'"contacts":[', b'{"at":', b'"channel":"', b"\\ud83d\\ude00", b"\\u0061", b"true", b"false",
             b"null", b"1e400", b"-0.0", b'"op":"end"', b'"op":"cancel"', b'{"op":"end"}\n', b'{"op":"cancel"}\n',
             b"2026-03-01T10:00:00+08:00"}
    if target == "framing":
        found |= {b'{"op":"%s"' % op for op in (b"ping", b"score", b"rank", b"info", b"fields", b"auth", b"policy")}
        found |= {b'"stream":true', b'"users":[', b'"explain":true', b'"valid_until":true', b'"rows":"all"', b'"id":7',
                  b'"timeout_ms":1', b'"budget":1', b'"do":"check"', b'"do":"show"', b'"do":"history"', b'"text":"'}
    if target == "event":
        names = (b"key", b"kind", b"at", b"plan", b"campaign", b"amount", b"cost", b"x_note")
        kinds = (b"contact", b"click", b"login", b"repaid", b"disbursed", b"opt_out", b"opt_in", b"complaint", b"push")
        found |= {b'"%s":' % name for name in names} | {b'"%s"' % kind for kind in kinds}
    if target == "load":
        found |= {b'"gone":true', b'"gone":', b'{"gone":'}
    if target in ("candidate", "load"):
        text = read("policy.yaml") + policy
        found |= {b'"%s":' % name for name in re.findall(rb"[a-z_]+_at|[a-z_]+_ok|device|os|tier|region|seg|lim", text)}
    return found


def main():
    target, folder, dictionary = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    for seed in SEEDS[target]():
        if len(seed) <= MOST:
            with open(os.path.join(folder, hashlib.sha1(seed).hexdigest()), "wb") as file:
                file.write(seed)
    with open(dictionary, "w", encoding="ascii") as file:
        for word in sorted(words(target)):
            file.write('"' + "".join("\\x%02x" % byte for byte in word) + '"\n')


main()
