"""The timeline of an epic as a picture: one self-contained SVG, or the same in an HTML file."""

from __future__ import annotations

from ccpm.cli.monitor import duration
from ccpm.cli.monitor.timeline import share
from ccpm.core.timeline import ALIVE, KINDS, MERGING, WAITING, WORKING, Row, Timeline, ticks
from ccpm.files import clock

_COLOURS = {ALIVE: "#9aa4b2", WORKING: "#2f9e6e", WAITING: "#e0a526", MERGING: "#8a63d2"}
_DEAD_COLOUR = "#d6455d"

_ROW, _LEFT, _WIDTH, _TOP = 30, 190, 1180, 54
_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #1f2933; } .small { font-size: 11px; fill: #616e7c; }
.title { font-size: 16px; font-weight: 600; } .grid { stroke: #e4e7eb; } .label { font-size: 11px; fill: #ffffff; }
.ground { fill: #ffffff; }
@media (prefers-color-scheme: dark) { text { fill: #e4e7eb; } .small { fill: #9aa5b1; } .grid { stroke: #3e4c59; }
.ground { fill: #1f2933; } .label { fill: #ffffff; } }"""


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ margin: 24px; font-family: system-ui, sans-serif }}
svg {{ max-width: 100%; height: auto }}
</style>
</head>
<body>
{drawing}</body>
</html>
"""


def svg(timeline: Timeline) -> str:
    """One self-contained SVG: no script, no font, nothing from elsewhere; light or dark as the reader has it."""
    height = _TOP + _ROW * len(timeline.rows) + 70
    length = max(1e-9, timeline.end - timeline.start)
    scale = (_WIDTH - _LEFT - 100) / length
    title = f"Epic {timeline.epic}: {clock.to_iso(timeline.start)} to {clock.to_iso(timeline.end)}, {duration(length)}"
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{_escape(title)}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" width="{_WIDTH}" height="{height}"/>',
        f'<text class="title" x="16" y="28">{_escape(title)}</text>',
    ]
    bottom = _TOP + _ROW * len(timeline.rows)
    for at, label in ticks(length, 9):
        x = _LEFT + at * scale
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{bottom}"/>')
        parts.append(f'<text class="small" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{label}</text>')
    for number, row in enumerate(timeline.rows):
        parts += _svg_row(row, timeline, _TOP + _ROW * number, scale)
    parts += _svg_legend(bottom + 44)
    return "\n".join([*parts, "</svg>", ""])


def _svg_row(row: Row, timeline: Timeline, y: int, scale: float) -> list[str]:
    name = row.agent if len(row.agent) <= 24 else "…" + row.agent[-23:]
    parts = [f'<text x="16" y="{y + 15}">{_escape(name)}<title>{_escape(row.agent)}</title></text>']
    labels = []  # on top of all bars
    shapes = {ALIVE: (9, 4), WORKING: (1, 20), WAITING: (6, 10), MERGING: (1, 20)}
    for kind in KINDS:
        top, height = shapes[kind]
        for span in (span for span in row.spans if span.kind == kind):
            x, wide = _LEFT + (span.start - timeline.start) * scale, max(1.5, (span.end - span.start) * scale)
            what = f"{span.kind} {span.label}, {duration(span.end - span.start)}"
            parts.append(
                f'<rect x="{x:.1f}" y="{y + top}" width="{wide:.1f}" height="{height}" rx="2" '
                f'fill="{_COLOURS[kind]}"><title>{_escape(what)}</title></rect>'
            )
            if kind in (WORKING, MERGING) and wide > 9 * len(span.label):
                labels.append(
                    f'<text class="label" x="{x + 5:.1f}" y="{y + 15}">{_escape(span.label)}</text>'
                )
    for at, why in row.deaths:
        x = _LEFT + (at - timeline.start) * scale
        parts.append(
            f'<path d="M{x - 6:.1f} {y + 5}l12 12m0 -12l-12 12" stroke="{_DEAD_COLOUR}" stroke-width="3" fill="none">'
            f"<title>{_escape(f'found dead: {why}')}</title></path>"
        )
    right = _WIDTH - 16
    return [
        *parts,
        *labels,
        f'<text class="small" x="{right}" y="{y + 15}" text-anchor="end">{share(row).strip()}</text>',
    ]


def _svg_legend(y: int) -> list[str]:
    parts = []
    x = _LEFT
    words = ((WORKING, "working"), (WAITING, "waiting for a lock"), (MERGING, "merging"), (ALIVE, "alive"))
    for kind, word in words:
        parts.append(f'<rect x="{x}" y="{y - 10}" width="14" height="12" rx="2" fill="{_COLOURS[kind]}"/>')
        parts.append(f'<text class="small" x="{x + 20}" y="{y}">{word}</text>')
        x += 40 + 7 * len(word)
    parts.append(
        f'<path d="M{x} {y - 9}l10 10m0 -10l-10 10" stroke="{_DEAD_COLOUR}" stroke-width="3" fill="none"/>'
    )
    return [*parts, f'<text class="small" x="{x + 18}" y="{y}">found dead</text>']


def html(timeline: Timeline) -> str:
    """The SVG in one HTML file."""
    return _PAGE.format(title=_escape(timeline.epic), drawing=svg(timeline))


def _escape(text: str) -> str:
    printable = "".join(c if c.isprintable() else "�" for c in text)
    return printable.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
