"""Plots as SVG, written by hand: text that a diff can show, and nothing to install."""
from xml.sax.saxutils import escape

COLOURS = {"goal": "#1a7f37", "good": "#4f9de0", "no": "#d1685b"}
STYLE = '<style>text{font:12px sans-serif;fill:#222}.s{fill:#777;font-size:11px}</style>'


def svg(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
            f'{STYLE}<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n")


def text(x, y, words, anchor="start", style=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(words)}</text>'


def share(figure, wanted):
    """How much of what is wanted is reached: 1 is just that, more is better."""
    more_is_better = figure["goal"] is not None and figure["good"] is not None and figure["goal"] > figure["good"]
    median = max(figure["median"], 1e-9)
    return median / wanted if more_is_better else wanted / median


LEFT, UNIT, LINE, MOST = 470, 130, 22, 4


def bar(y, title, reached, colour, label, tick=None):
    """A bar as long as `reached`, cut where the plot ends."""
    short = title if len(title) < 70 else title[:68] + "…"
    parts = [text(LEFT - 8, y + 13, short, "end", ' class="s"'),
             f'<rect x="{LEFT}" y="{y + 2}" width="{min(reached, MOST) * UNIT:.1f}" height="{LINE - 8}" fill="{colour}"/>',
             text(LEFT + MOST * UNIT + 12, y + 13, label)]
    if tick is not None:
        x = LEFT + min(tick, MOST) * UNIT
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + LINE - 4}" stroke="#111" stroke-width="2"/>')
    return parts


def line_at_one(top, bottom):
    return (f'<line x1="{LEFT + UNIT}" x2="{LEFT + UNIT}" y1="{top}" y2="{bottom}" stroke="#777" '
            'stroke-dasharray="3 3"/>')


def targets(run):
    """A bar a figure that something is asked of: how many times as good as "good" it is; a tick where the goal is. Below
    them, where there are other engines, how many times as fast Rouse is."""
    parts = [text(10, 20, "How many times as good as “good” (the line at 1); the tick is the goal"),
             text(10, 36, run["machine"]["cpu"] + ", commit " + run["machine"]["commit"], style=' class="s"')]
    y = 50
    for row in run["rows"]:
        for figure in row["figures"].values():
            if figure["good"] is None:
                continue
            goal = None if figure["goal"] is None else share({**figure, "median": figure["goal"]}, figure["good"])
            parts += bar(y, row["title"], share(figure, figure["good"]), COLOURS[figure["met"]],
                         f'{figure["median"]:,} {figure["unit"]}', goal)
            y += LINE
    parts.append(line_at_one(44, y))
    if run["ratios"]:
        y += 36
        parts.append(text(10, y - 8, "How many times as fast as other engines (equal at 1)"))
        top = y
        for ratio in run["ratios"]:
            parts += bar(y, ratio["title"], ratio["ratio"], COLOURS["goal" if ratio["ratio"] > 1 else "no"],
                         f'{ratio["ratio"]:.2f}')
            y += LINE
        parts.append(line_at_one(top - 4, y))
    return svg(LEFT + MOST * UNIT + 240, y + 10, parts)


HISTORY = [
    ("stream-rank", "rate"), ("offline-rank-2", "rate"), ("stream-score", "rate"), ("inline", "rate"), ("one", "p50"),
    ("one", "p99"), ("audience-limit", "scaled"), ("audience-plan", "scaled"), ("full", "server"), ("idle", "bytes"),
    ("start", "seconds"), ("reload", "seconds"),
]


def history(runs):
    """A small plot a figure, over all runs that are kept: dots, and lines for what is asked."""
    width, height, columns = 300, 150, 3
    parts = []
    for index, (key, name) in enumerate(HISTORY):
        points = []
        for run in runs:
            for row in run["rows"]:
                if row["key"] == key and name in row["figures"]:
                    points.append((run, row, row["figures"][name]))
        if not points:
            continue
        x0, y0 = index % columns * width + 10, index // columns * height + 10
        _, row, last = points[-1]
        bounds = [bound for bound in (last["good"], last["goal"]) if bound is not None]
        most = max([figure["median"] for _, _, figure in points] + bounds) * 1.1 or 1
        title = row["title"] if len(row["title"]) < 44 else row["title"][:42] + "…"
        parts.append(text(x0, y0 + 12, title))
        parts.append(text(x0, y0 + 26, last["unit"], style=' class="s"'))

        def place(position, value):
            across = (position + 0.5) / len(points) if len(points) > 1 else 0.5
            return x0 + across * (width - 70), y0 + height - 22 - value / most * (height - 60)

        for bound, colour in zip((last["good"], last["goal"]), (COLOURS["good"], COLOURS["goal"])):
            if bound is not None:
                _, y = place(0, bound)
                parts.append(f'<line x1="{x0}" x2="{x0 + width - 70}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}" '
                             'stroke-dasharray="4 3"/>')
        places = [place(position, figure["median"]) for position, (_, _, figure) in enumerate(points)]
        parts.append('<polyline fill="none" stroke="#333" points="%s"/>' % " ".join(f"{x:.1f},{y:.1f}" for x, y in places))
        for (x, y), (run, _, _) in zip(places, points):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#333"><title>{escape(run["date"][:10])} '
                         f'{escape(run["machine"]["commit"])}</title></circle>')
        parts.append(text(places[-1][0] + 6, places[-1][1] + 4, f'{last["median"]:,}'))
    rows = (len(HISTORY) + columns - 1) // columns
    return svg(columns * width + 10, rows * height + 20, parts)
