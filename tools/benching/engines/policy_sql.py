"""A policy's `rank` as one SQL query, for engines that read it: the ten thousand candidates of the greatest value.

The same stages, rules, cards and money, on candidates without contacts, with one option each (the ladder's first rung), no
experiment and only a limit that binds. Left out, to the engines' advantage: what is wrong with a line, reasons, the salted
arm, the plan's other limits, `send_at`. Fields that the file never has are NULL constants, which their optimisers fold.
"""
import json
import re

import yaml

DAY = 86400


class PolicySQL:
    def __init__(self, path, now, file):
        """now: seconds since 1970; file: candidates, whose first lines tell which fields there are."""
        with open(path) as text:
            self.policy = yaml.safe_load(text)
        self.now = now
        self.kinds = {name: kind for kind, names in self.policy["fields"].items() for name in names}
        self.present = [name for name in self.kinds if name in seen(file)]

    def column(self, field):
        return field.replace(".", "_")

    def condition(self, condition):
        """In SQL's own words but for three functions and dotted names."""
        if isinstance(condition, bool):
            return str(condition).upper()
        text = re.sub(r"latest\(([^()]*)\)", r"GREATEST(\1)", condition)
        text = re.sub(r"after\((\w+), *([^()]*)\)", self.after, text)
        text = re.sub(r"days_since\((\w+)\)", rf"FLOOR(({self.now} - \1) / {DAY}.0)", text)
        text = re.sub(r"\bnow\b", str(self.now), text)
        for field in self.kinds:
            if "." in field:
                text = text.replace(field, self.column(field))
        return text

    @staticmethod
    def after(match):
        first, others = match.groups()
        latest = f"GREATEST({others})" if "," in others else others
        return f"({first} IS NOT NULL AND ({latest} IS NULL OR {first} > {latest}))"

    def row(self, field, row):
        """A row of a card: its points."""
        column, missing = self.column(field), row.get("missing", 0)
        if "at_least" in row:
            bins = sorted(row["at_least"].items(), reverse=True)
            return f"CASE {' '.join(f'WHEN {column} >= {bound} THEN {points}' for bound, points in bins)} ELSE {missing} END"
        cases = " ".join(f"WHEN {column} = {literal(key)} THEN {points}" for key, points in row["is"].items())
        return f"CASE WHEN {column} IS NULL THEN {missing} {cases} ELSE {row.get('other', 0)} END"

    def is_known(self, field, row):
        column = self.column(field)
        test = f"{column} >= {min(row['at_least'])}" if "at_least" in row else f"{column} IS NOT NULL"
        return f"CASE WHEN {test} THEN 1 ELSE 0 END"

    def card(self, card, but=()):
        """contacts_30d is 0 for everyone."""
        rows = [row["at_least"][0] if field == "contacts_30d" else self.row(field, row) for field, row in card.items()]
        return " + ".join(str(row) for row in rows)

    def query(self, source, contacts):
        """source: a table with a column a field, dots as underscores, times as seconds since 1970."""
        policy, now = self.policy, self.now
        stages = list(policy["stages"].items())
        recalled = [(index, stage) for index, (_, stage) in enumerate(stages) if stage.get("recall") != "never"]
        names = [name for name, _ in stages]

        def clock(stage):
            since = stage["since"] if isinstance(stage["since"], list) else [stage["since"]]
            return f"GREATEST({', '.join(since)})" if len(since) > 1 else since[0]

        def by_stage(value):
            values = [(index, value(stage)) for index, stage in recalled]
            if len({text for _, text in values}) == 1:
                return str(values[0][1])
            return "CASE stage_number " + " ".join(f"WHEN {index} THEN {text}" for index, text in values) + " END"

        columns = ["user_id"] + [
            self.column(field) if field in self.present else f"CAST(NULL AS {SQL_TYPES[kind]}) AS {self.column(field)}"
            for field, kind in self.kinds.items()]
        stage = " ".join(f"WHEN {self.condition(stage['when'])} THEN {index}" for index, (_, stage) in enumerate(stages))
        clocks = " ".join(f"WHEN {index} THEN {clock(stage)}" for index, stage in recalled)
        times = [field for field, kind in self.kinds.items() if kind == "times"]
        tiers = " ".join(f"WHEN dormant_days <= {days} THEN '{name}'" for name, days in policy["tiers"].items())
        groups = " ".join(
            f"WHEN region IN ({', '.join(literal(region) for region in regions)}) THEN '{name}'"
            for name, regions in policy["regions"]["groups"].items())
        not_served = ", ".join(literal(region) for region in policy["regions"]["not_served"])
        rules = [rule["when"] for kind in ("suppress", "knockout") for rule in policy[kind].values()]
        out = " OR ".join(f"COALESCE(({self.condition(rule)}), FALSE)" for rule in rules)
        needs = " ".join(
            f"WHEN {self.condition(channel['needs'])} THEN {index}"
            for index, channel in enumerate(policy["channels"].values()))
        risk, response, money = policy["risk"], policy["response"], policy["money"]
        thin, underwriting = risk["thin"], risk["underwriting"]
        known = " + ".join(self.is_known(field, row) for field, row in risk["card"].items())
        base = risk["base"]["score"]

        def ahead(stage):
            return underwriting["step"] in stage["steps"]

        def odds(stage):
            texts = []
            for index, channel in enumerate(policy["channels"].values()):
                x = channel["reach"] * channel["click"]
                for step in stage["steps"]:
                    x *= response["steps"][step]["rate"]
                texts.append(f"WHEN {index} THEN {x / (1 - x)!r}")
            return f"CASE channel {' '.join(texts)} END"

        def by_channel(key):
            return "CASE channel " + " ".join(
                f"WHEN {index} THEN {channel[key]}" for index, channel in enumerate(policy["channels"].values())) + " END"

        def loan(stage):
            if "loan_from" not in stage:
                return repr(float(stage["loan"]))
            field = self.column(stage["loan_from"])
            return f"CASE WHEN {field} > 0 THEN {field} * {money['use_of_limit']} ELSE {float(stage['loan'])!r} END"

        return f"""
WITH source AS (SELECT {', '.join(columns)} FROM {source}),
staged AS (SELECT *, CASE {stage} END AS stage_number, GREATEST({', '.join(times)}) AS seen FROM source),
clocked AS (
  SELECT *, CASE stage_number {clocks} END AS clock FROM staged
  WHERE stage_number IN ({', '.join(str(index) for index, _ in recalled)})),
dated AS (
  SELECT *, FLOOR(({now} - clock) / {DAY}.0) AS dormant_days, FLOOR(({now} - seen) / {DAY}.0) AS silent_days,
    CASE {groups} WHEN region IS NULL THEN NULL ELSE 'unknown' END AS region_group,
    region NOT IN ({not_served}) AS region_served,
    CASE {needs} END AS channel
  FROM clocked WHERE clock IS NOT NULL),
tiered AS (SELECT *, CASE {tiers} ELSE 'all' END AS tier FROM dated),
allowed AS (
  SELECT *, {base} + {self.card(risk['card'])} + CASE WHEN {known} < {thin['known_below']} THEN {thin['points']} ELSE 0 END
    AS risk_score
  FROM tiered WHERE dormant_days >= {by_stage(lambda stage: stage['dormant'])} AND channel IS NOT NULL AND NOT ({out})),
pointed AS (
  SELECT *, {by_stage(lambda stage: stage['points'])}
    + GREATEST({response['floor']}, -FLOOR(20 * LOG2(1 + silent_days / {response['half_life']}.0) + 0.5))
    + {by_stage(lambda stage: f"FLOOR((risk_score - {base}) * {underwriting['follow']} + 0.5)" if ahead(stage) else '0')}
    + {self.card(response['card'])} AS points,
    1 / (1 + {risk['base']['odds']} * POW(2.0, (risk_score - {base}
      + {by_stage(lambda stage: underwriting['lift'] if ahead(stage) else 0)}) / 20.0)) AS pd,
    {by_stage(odds)} AS base_odds,
    LEAST({by_stage(loan)}, {float(money['max_loan'])!r}) AS amount
  FROM allowed WHERE risk_score >= {risk['cutoff']}),
chanced AS (SELECT *, base_odds * POW(2.0, points / 20.0) AS odds FROM pointed),
valued AS (
  SELECT user_id, FLOOR(1000000 * (
    odds / (1 + odds) * {by_stage(lambda stage: stage['incremental'])}
      * amount * ((1 - pd) * {money['margin']} - pd * {money['loss_given_default']})
    - ({by_channel('cost')} + odds / (1 + odds) * {by_stage(lambda stage: float(stage['coupon']))})
    - {by_channel('quit')} * {money['relationship']}) + 0.5) AS value
  FROM chanced)
SELECT user_id, value FROM valued WHERE value > 0 ORDER BY value DESC LIMIT {contacts}"""


SQL_TYPES = {"times": "DOUBLE", "times_ahead": "DOUBLE", "numbers": "DOUBLE", "flags": "BOOLEAN", "texts": "VARCHAR"}


def literal(value):
    return str(value).upper() if isinstance(value, bool) else "'" + value.replace("'", "''") + "'"


def seen(file, lines=20_000):
    """Names of the fields that the first lines have, dotted."""
    names = set()
    with open(file, "rb") as text:
        for line, _ in zip(text, range(lines)):
            for name, value in json.loads(line).items():
                names.update([f"{name}.{inner}" for inner in value] if isinstance(value, dict) else [name])
    return names


def nested(fields):
    """Plain names, and those within objects: object to names."""
    plain, objects = [], {}
    for field in fields:
        outer, _, inner = field.partition(".")
        if inner:
            objects.setdefault(outer, []).append(inner)
        else:
            plain.append(field)
    return plain, objects
