#!/usr/bin/env python3
"""Manual pages of a command line, from what it says of itself: one page a command, as git has them.

    manual.py FOLDER VERSION DATE <dump.json        dump.json: COMMAND --experimental-dump-help
"""
import json
import pathlib
import re
import sys


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"[^\x00-\x7f]", lambda m: f"\\[u{ord(m.group()):04X}]", text)


def line(text):
    """A line of its own: a leading full stop would be a request."""
    return ("\\&" if text[:1] in ".'" else "") + escaped(text)


def paragraphs(text):
    """Indented lines are examples or tables, and stay as they are; others are filled."""
    roff, verbatim = [], False
    for raw in text.split("\n"):
        indented = raw.startswith("  ")
        if indented != verbatim:
            roff += [".PP", ".nf", ".RS 2"] if indented else [".RE", ".fi"]
            verbatim = indented
        if not raw.strip():
            if not verbatim:
                roff.append(".PP")
        else:
            roff.append(line(raw[2:] if indented else raw))
    return roff + ([".RE", ".fi"] if verbatim else [])


def spelled(argument):
    value = f" \\fI{escaped(argument.get('valueName', 'value'))}\\fP" if argument["kind"] == "option" else ""
    if argument["kind"] == "positional":
        return f"\\fI{escaped(argument['valueName'])}\\fP" + (" ..." if argument["isRepeating"] else "")
    names = []
    for name in argument["names"]:
        dashes = "--" if name["kind"] == "long" else "-"
        names.append(f"\\fB{escaped(dashes + name['name'])}\\fP")
    return ", ".join(names) + value


def synopsis(command, path):
    words = [f"\\fB{escaped(' '.join(path))}\\fP"]
    if command.get("subcommands"):
        return " ".join(words + ["\\fIcommand\\fP"])
    shown = [a for a in command.get("arguments", []) if a["shouldDisplay"]]
    if any(a["kind"] != "positional" and a["isOptional"] for a in shown):
        words.append("[\\fIoptions\\fP]")
    for argument in shown:
        if argument["kind"] != "positional" and argument["isOptional"]:
            continue
        text = spelled(argument)
        words.append(f"[{text}]" if argument["isOptional"] else text)
    return " ".join(words)


def options(command):
    roff, sections = [], {}
    for argument in command.get("arguments", []):
        if argument["shouldDisplay"] and argument.get("valueName") != "help":
            sections.setdefault(argument.get("sectionTitle") or "Options", []).append(argument)
    for title, arguments in sections.items():
        roff.append(f".SH {escaped(title.upper())}")
        for argument in arguments:
            roff += [".TP", spelled(argument)]
            text = argument.get("abstract", "")
            if argument.get("discussion"):
                text += " " + argument["discussion"]
            if argument.get("allValues"):
                text += f" One of {', '.join(argument['allValues'])}."
            if argument.get("defaultValue"):
                text += f" Without it: {argument['defaultValue']}."
            roff.append(line(text.strip().replace("\n", " ")) or ".sp 0")
    return roff


def page(command, path, version, date):
    name = "-".join(path)
    abstract = command.get("abstract", "")
    roff = [
        '.\\" Made from the command line\'s own help.',
        f'.TH "{escaped(name.upper())}" 1 "{date}" "rouse {version}" "Rouse"',
        ".SH NAME",
        f"{escaped(name)} \\- {escaped(abstract.rstrip('.') or name)}",
        ".SH SYNOPSIS",
        synopsis(command, path),
    ]
    if command.get("discussion"):
        roff += [".SH DESCRIPTION"] + paragraphs(command["discussion"].strip("\n"))
    subcommands = [c for c in command.get("subcommands", []) if c.get("shouldDisplay", True) and c["commandName"] != "help"]
    if subcommands:
        roff.append(".SH COMMANDS")
        for below in subcommands:
            roff += [".TP", f"\\fB{escaped(name + '-' + below['commandName'])}\\fP(1)", line(below.get("abstract", ""))]
    roff += options(command)
    if len(path) > 1:
        roff += [".SH SEE ALSO", f"\\fB{escaped('-'.join(path[:-1]))}\\fP(1)"]
    return name, "\n".join(roff) + "\n", subcommands


def write(command, path, folder, version, date):
    name, text, below = page(command, path, version, date)
    (folder / f"{name}.1").write_text(text)
    for subcommand in below:
        write(subcommand, path + [subcommand["commandName"]], folder, version, date)


if __name__ == "__main__":
    folder, version, date = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    folder.mkdir(parents=True, exist_ok=True)
    root = json.load(sys.stdin)["command"]
    write(root, [root["commandName"]], folder, version, date)
