"""A run as JSON, for the history, and as Markdown, for people."""
import json
import os
import re

from benching import machine as machines
from benching import plots
from benching.targets import RATIOS, ROWS, row_of


def result(values, machine, settings, date, notes):
    """What is kept of a run."""
    rows = []
    order = list(ROWS)
    for key in sorted(values.rows(), key=lambda key: order.index(key.split("@")[0])):
        row, size = row_of(key), key.partition("@")[2]
        figures = {}
        for name, figure in row.figures.items():
            if not values.has(key, name):
                continue
            every = values.all[key, name]
            middle = values.median(key, name)
            figures[name] = {
                "unit": figure.unit, "median": figure.shown(middle), "least": figure.shown(min(every)),
                "most": figure.shown(max(every)), "rounds": len(every), "good": figure.good, "goal": figure.goal,
                "met": figure.met(middle)}
        title = row.title.format(
            users=count(settings["users"]), audience=count(settings["audience"]), count=count(int(size or 0)))
        rows.append({"key": key, "title": title, "figures": figures})
    ratios = []
    for title, ours, theirs in RATIOS:
        if values.has(*ours) and values.has(*theirs):
            mine, other = values.median(*ours), values.median(*theirs)
            more_is_better = ours[1] == "rate"
            ratios.append({"title": title, "ratio": round(mine / other if more_is_better else other / mine, 2)})
    return {"date": date, "machine": machine, "settings": settings, "rows": rows, "ratios": ratios, "notes": notes}


def count(number):
    if number % 1_000_000 == 0 and number:
        return f"{number // 1_000_000} million"
    return f"{number:,}"


def table(run):
    lines = ["| work | measured (least–most) | good | the goal | met |", "|---|---|---|---|---|"]
    for row in run["rows"]:
        shown = row["figures"].items()
        cells = [
            " · ".join(f"**{number(f['median'])}** {f['unit']} ({number(f['least'])}–{number(f['most'])})" for _, f in shown)]
        for bound in ("good", "goal"):
            cells.append(" · ".join(number(f[bound]) for _, f in shown if f[bound] is not None))
        cells.append(" · ".join(f["met"] for _, f in shown if f["met"]))
        lines.append(f"| {row['title']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def number(value):
    return f"{value:,.0f}" if isinstance(value, int) or value == int(value) and abs(value) >= 10 else f"{value:,}"


def ratio_table(run):
    lines = ["| Rouse against | how many times as fast |", "|---|---|"]
    return "\n".join(lines + [f"| {ratio['title']} | {ratio['ratio']:.2f} |" for ratio in run["ratios"]])


def summary(run):
    machine, settings = run["machine"], run["settings"]
    return (f"{machines.line(machine)}. Commit {machine['commit']}{' with changes' if machine['changed'] else ''}, "
            f"{run['date']}; medians of {settings['rounds']} interleaved rounds after one to warm up; client and server on "
            "the same machine.")


def markdown(run, stem):
    parts = [f"# Measured {run['date'][:10]}, commit {run['machine']['commit']}", summary(run), table(run)]
    if run["ratios"]:
        parts += ["## Against other engines", ratio_table(run)]
    if run["notes"]:
        parts += ["## Notes", "\n".join(f"- {note}" for note in run["notes"])]
    parts.append(f"![how far each figure is from what is asked of it]({stem}.svg)")
    return "\n\n".join(parts) + "\n"


def save(run, folder):
    """Writes the run beside those before it, and the history's plot anew; returns the Markdown's path."""
    os.makedirs(folder, exist_ok=True)
    stem = f"{run['date'][:10]}-{run['machine']['commit']}{'-changed' if run['machine']['changed'] else ''}"
    for ending, text in (
            ("json", json.dumps(run, indent=1, ensure_ascii=False) + "\n"), ("md", markdown(run, stem)),
            ("svg", plots.targets(run))):
        with open(os.path.join(folder, f"{stem}.{ending}"), "w") as file:
            file.write(text)
    with open(os.path.join(folder, "history.svg"), "w") as file:
        file.write(plots.history(history(folder)))
    return os.path.join(folder, stem + ".md")


def history(folder):
    """The runs that are kept, oldest first."""
    runs = []
    for name in sorted(os.listdir(folder)):
        if re.match(r"\d{4}-\d\d-\d\d-.*\.json$", name):
            with open(os.path.join(folder, name)) as file:
                runs.append(json.load(file))
    return sorted(runs, key=lambda run: run["date"])


BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def put_into(path, run, report):
    """Replaces what stands between the two marks of a page by this run's tables."""
    with open(path) as file:
        text = file.read()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise SystemExit(f"tools/bench: {path} needs one {BEGIN} and after it one {END}")
    link = os.path.relpath(report, os.path.dirname(os.path.abspath(path)))
    parts = [f"{summary(run)} [The report]({link}).", table(run)]
    if run["ratios"]:
        parts.append(ratio_table(run))
    head, tail = text[:text.index(BEGIN)], text[text.index(END):]
    with open(path, "w") as file:
        file.write(head + BEGIN + "\n" + "\n\n".join(parts) + "\n" + tail)
