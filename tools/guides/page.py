"""A page as its readers follow it: the commands to type, the files to write, and what comes on the screen."""

import dataclasses
import re
import shlex
import subprocess

FENCE = re.compile(r"^(?P<indent> {0,3})(?P<fence>`{3,})(?P<info>[^`]*)$")
FILES = {"yaml", "csv", "json", "ndjson", "python", "text", "sh", "haproxy", "ini"}


class Mistake(Exception):
    """What is wrong with a page itself, and where."""

    def __init__(self, line, text):
        super().__init__(f"{line}: {text}")


@dataclasses.dataclass
class Block:
    """A fenced block. `line` is that of its first line of text."""

    kind: str
    options: dict
    line: int
    lines: list
    expected: "Block" = None

    @property
    def text(self):
        return "".join(each + "\n" for each in self.lines)


def blocks(text):
    """All fenced blocks that a reader runs, writes or compares, in order."""
    found, previous, lines, index = [], None, text.split("\n"), 0
    in_list = False
    while index < len(lines):
        line = lines[index]
        opening = FENCE.match(line)
        if not opening:
            if re.match(r" {0,3}([-*+]|\d+[.)]) ", line):
                in_list = True
            elif line and not line[0].isspace():
                in_list = False
            if line.startswith("    ") and line.strip() and not in_list and (index == 0 or not lines[index - 1].strip()):
                raise Mistake(index + 1, "an indented block is not run; make it a fenced one")
            if line.strip():
                previous = None
            index += 1
            continue
        start, body, indent = index + 1, [], opening["indent"]
        index += 1
        while index < len(lines) and lines[index].strip() != opening["fence"]:
            body.append(lines[index].removeprefix(indent))
            index += 1
        if index == len(lines):
            raise Mistake(start, "this fence is never closed")
        index += 1
        block = Block(*information(opening["info"], start), line=start + 1, lines=body)
        if block.kind == "text" and not block.options:
            if previous is None:
                raise Mistake(start, "a text block that follows no command: nothing compares it (text skip=\"why\")")
            previous.expected, previous = block, None
            continue
        previous = block if block.kind in ("sh", "python") and not {"file", "skip"} & block.options.keys() else None
        found.append(block)
    return found


def information(text, line):
    """`sh exit=1` as its kind and options."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Mistake(line, f"the fence's words: {error}") from None
    kind, options = (words[0] if words else ""), {}
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if not equals or name not in ("exit", "skip", "file", "limit"):
            raise Mistake(line, f"'{word}' is not exit=CODE, skip=\"why\", file=NAME or limit=SECONDS")
        options[name] = value
    for name in ("exit", "limit"):
        if name in options and (kind not in ("sh", "python") or not options[name].isdigit()):
            raise Mistake(line, f"{name}= takes a number, and belongs to sh and python")
    if "file" in options:
        if kind not in FILES:
            raise Mistake(line, f"file= belongs to {', '.join(sorted(FILES))}")
        if options["file"].startswith("/") or ".." in options["file"].split("/"):
            raise Mistake(line, "file= names a file in the page's own directory")
    if "skip" in options and not options["skip"]:
        raise Mistake(line, "skip= says why")
    return kind, options


def commands(block):
    """The block's commands as a shell takes them, each with its line: one that goes on (a loop, a here-document, a
    backslash) is one command."""
    found, pending, start = [], [], 0
    for number, line in enumerate(block.lines):
        if not pending and (not line.strip() or line.lstrip().startswith("#")):
            continue
        if not pending:
            start = block.line + number
        pending.append(line)
        text = "".join(each + "\n" for each in pending)
        if (len(line) - len(line.rstrip("\\"))) % 2:
            continue
        tried = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
        if "unexpected end of file" in tried.stderr or "unexpected EOF" in tried.stderr or "here-document" in tried.stderr:
            continue
        if tried.returncode:
            raise Mistake(start, tried.stderr.strip())
        found.append((start, text))
        pending = []
    if pending:
        raise Mistake(start, "this command does not end within its block")
    return found


def squeezed(line):
    return re.sub(r"\s+", " ", line).strip()


def line_matches(expected, got):
    parts = [re.escape(part.strip() if index else part) for index, part in enumerate(squeezed(expected).split("…"))]
    return re.fullmatch(r"\s?.*?\s?".join(part.replace(r"\ ", " ").rstrip() for part in parts), squeezed(got)) is not None


def mismatch(expected, got):
    """The index in `expected` of the first line that nothing of `got` can stand for; None: all is as expected. An index of
    len(expected): there is more than was expected."""
    reach = {0}
    furthest = 0
    for index, line in enumerate(expected):
        if line.strip() == "…":
            first = min(reach)
            reach = set(range(first, len(got) + 1))
        else:
            reach = {at + 1 for at in reach if at < len(got) and line_matches(line, got[at])}
        if not reach:
            return furthest
        furthest = index + 1
    return None if len(got) in reach else len(expected)
