"""Draws evaluated widgets as one SVG, after the looks of CloudWatch. The same widgets give the same picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from xml.sax.saxutils import escape

from measurements import Span
from widgets import Alarms, Graph, Number, Place, Series, Text, Widget

# Pixels of a unit of the dashboard's grid.
COLUMN, ROW = 60, 40
MARGIN = 20
GAP = 10
HEAD = 76
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
# A letter's mean width, in parts of the font's size: nobody is there who could measure it.
LETTER = 0.58
INK, FAINT, GRID, EDGE, PAPER = "#16191f", "#5f6b7a", "#e9ebed", "#d1d5db", "#f2f3f3"
PALETTE = (
    "#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#17becf", "#8c564b", "#e377c2", "#bcbd22", "#d62728",
    "#7f7f7f",
)  # fmt: skip
LEGEND_LINES = 3
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height


def draw(title: str, subtitle: Sequence[str], widgets: Sequence[Widget], span: Span) -> str:
    rows = max(widget.place.y + widget.place.height for widget in widgets)
    width, height = 24 * COLUMN + 2 * MARGIN, rows * ROW + HEAD + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" font-family="{FONT}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
        text(MARGIN + 5, 30, title, 20, INK, bold=True),
    ]
    lines.extend(text(MARGIN + 5, 50 + 17 * n, line, 12.5, FAINT) for n, line in enumerate(subtitle))
    for widget in widgets:
        lines.extend(drawn(widget, span))
    lines.append("</svg>\n")
    return "\n".join(lines)


def drawn(widget: Widget, span: Span) -> Iterator[str]:
    box = box_of(widget.place)
    if isinstance(widget, Text):
        yield text(box.left + 4, box.bottom - 8, widget.markdown.lstrip("# "), 16, INK, bold=True)
        return
    yield (
        f'<rect x="{number(box.left)}" y="{number(box.top)}" width="{number(box.width)}"'
        f' height="{number(box.height)}" rx="6" fill="#fff" stroke="{EDGE}"/>'
    )
    if isinstance(widget, Alarms):
        yield heading(box, widget.title)
        words = f"{widget.count} alarms, which only CloudWatch evaluates"
        yield text(box.left + 14, box.top + 46, words, 12, FAINT)
    elif isinstance(widget, Number):
        yield heading(box, widget.title)
        yield text(box.left + 14, box.top + 58, counted(widget.value), 26, INK)
        plot = Box(box.left + 14, box.bottom - 34, box.width - 28, 24)
        top = max((value or 0.0 for value in widget.sparkline), default=0.0)
        yield polyline([value or 0.0 for value in widget.sparkline], plot, top, PALETTE[0], 1.2)
    elif isinstance(widget, Graph):
        yield heading(box, widget.title)
        yield from graph(widget, box, span)


def graph(widget: Graph, box: Box, span: Span) -> Iterator[str]:
    entries = list(zip(widget.series, colors(widget.series), strict=True))
    labels = [(series.label, color) for series, color in entries] or [(label, EDGE) for label in widget.missing]
    legend = list(legend_lines(labels, box))
    plot = Box(box.left + 48, box.top + 50, box.width - 64, box.height - 50 - 26 - 16 * len(legend))
    for row, line in enumerate(legend):
        yield from legend_line(line, box.bottom - 12 - 16 * (len(legend) - 1 - row), box)
    if not entries:
        words = "only on AWS: nothing here reports it" if widget.missing else "nothing was measured"
        yield text(box.left + box.width / 2, plot.top + plot.height / 2, words, 13, FAINT, anchor="middle")
        return
    layers = stacked([series.values for series in widget.series]) if widget.stacked else []
    measured = (value for series in widget.series for value in series.values if value is not None)
    highest = max(layers[-1] if layers else measured, default=0.0)
    step = step_of(highest)
    top = step * max(1, math.ceil(highest / step - 1e-9))
    yield text(box.left + 14, box.top + 40, widget.unit, 11, FAINT)
    yield from axes(plot, step, top, span)
    floor = [0.0] * span.periods
    for layer, (_, color) in zip(layers, entries, strict=False):
        yield area(floor, layer, plot, top, color)
        floor = layer
    if not widget.stacked:
        for series, color in entries:
            yield from line_of(series.values, plot, top, color)


def axes(plot: Box, step: float, top: float, span: Span) -> Iterator[str]:
    for index in range(round(top / step) + 1):
        y = plot.bottom - plot.height * index * step / top
        yield (
            f'<line x1="{number(plot.left)}" x2="{number(plot.right)}" y1="{number(y)}" y2="{number(y)}"'
            f' stroke="{GRID if index else EDGE}"/>'
        )
        yield text(plot.left - 6, y + 3.5, counted(step * index), 10, FAINT, anchor="end")
    first = math.ceil(span.start / 60) * 60
    for moment in range(first, math.ceil(span.end), 60):
        x = plot.left + plot.width * (moment - span.start) / (span.end - span.start)
        words = datetime.fromtimestamp(moment, timezone.utc).strftime("%H:%M")
        yield (
            f'<line x1="{number(x)}" x2="{number(x)}" y1="{number(plot.bottom)}"'
            f' y2="{number(plot.bottom + 4)}" stroke="{EDGE}"/>'
        )
        yield text(x, plot.bottom + 15, words, 10, FAINT, anchor="middle")


def line_of(values: Sequence[float | None], plot: Box, top: float, color: str) -> Iterator[str]:
    for place, run in runs(values):
        if len(run) == 1:
            x, y = point(place, run[0], len(values), plot, top)
            yield f'<circle cx="{number(x)}" cy="{number(y)}" r="2" fill="{color}"/>'
        else:
            yield polyline(run, plot, top, color, 1.8, place, len(values))


def step_of(highest: float) -> float:
    """A round number that fits about four times into it."""
    if highest <= 0:
        return 1.0
    wanted = highest / 4
    unit = 10.0 ** math.floor(math.log10(wanted))
    return next(step * unit for step in STEPS if step * unit >= wanted - 1e-12)


def stacked(values: Sequence[Sequence[float | None]]) -> list[list[float]]:
    layers: list[list[float]] = []
    floor = [0.0] * len(values[0])
    for layer in values:
        floor = [below + (value or 0.0) for below, value in zip(floor, layer, strict=True)]
        layers.append(floor)
    return layers


def runs(values: Sequence[float | None]) -> Iterator[tuple[int, list[float]]]:
    """What was measured without a gap, each with the place where it begins."""
    run: list[float] = []
    for place, value in enumerate([*values, None]):
        if value is not None:
            run.append(value)
        elif run:
            yield place - len(run), run
            run = []


def point(place: int, value: float, count: int, plot: Box, top: float) -> tuple[float, float]:
    x = plot.left + plot.width * (place + 0.5) / count
    return x, plot.bottom - (plot.height * value / top if top else 0.0)


def polyline(
    values: Sequence[float], plot: Box, top: float, color: str, width: float, place: int = 0, count: int = 0
) -> str:
    points = (point(place + n, value, count or len(values), plot, top) for n, value in enumerate(values))
    path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}" stroke-linejoin="round"/>'


def area(below: Sequence[float], above: Sequence[float], plot: Box, top: float, color: str) -> str:
    count = len(above)
    there = [point(n, value, count, plot, top) for n, value in enumerate(above)]
    back = [point(n, value, count, plot, top) for n, value in enumerate(below)][::-1]
    path = " ".join(f"{number(x)},{number(y)}" for x, y in [*there, *back])
    return f'<polygon points="{path}" fill="{color}" fill-opacity="0.7"/>'


def colors(series: Sequence[Series]) -> list[str]:
    return [each.color or PALETTE[n % len(PALETTE)] for n, each in enumerate(series)]


def legend_lines(entries: Sequence[tuple[str, str]], box: Box) -> Iterator[list[tuple[str, str]]]:
    """As many entries a line as fit; what needs more lines than there are is counted."""
    lines: list[list[tuple[str, str]]] = [[]]
    used = 0.0
    for label, color in entries:
        width = wide(label)
        if lines[-1] and used + width > box.width - 24:
            lines.append([])
            used = 0.0
        lines[-1].append((label, color))
        used += width
    yield from lines[:LEGEND_LINES]
    if left := sum(len(line) for line in lines[LEGEND_LINES:]):
        lines[LEGEND_LINES - 1].append((f"and {left} more", ""))


def legend_line(entries: Sequence[tuple[str, str]], y: float, box: Box) -> Iterator[str]:
    x = box.left + 14
    for label, color in entries:
        if color:
            yield f'<rect x="{number(x)}" y="{number(y - 8)}" width="9" height="9" rx="2" fill="{color}"/>'
            yield text(x + 13, y, label, 10.5, INK)
        else:
            yield text(x, y, label, 10.5, FAINT)
        x += wide(label)


def wide(label: str) -> float:
    return len(label) * 10.5 * LETTER + 26


def box_of(place: Place) -> Box:
    return Box(
        MARGIN + place.x * COLUMN + GAP / 2,
        HEAD + place.y * ROW + GAP / 2,
        place.width * COLUMN - GAP,
        place.height * ROW - GAP,
    )


def heading(box: Box, words: str) -> str:
    return text(box.left + 14, box.top + 23, words, 13.5, INK, bold=True)


def text(
    x: float, y: float, words: str, size: float, color: str, *, bold: bool = False, anchor: str = "start"
) -> str:
    weight = ' font-weight="600"' if bold else ""
    place = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{size}" fill="{color}"{weight}{place}>'
        f"{escape(words)}</text>"
    )


def number(value: float) -> str:
    """A coordinate."""
    return f"{value:.1f}".removesuffix(".0")


def counted(value: float) -> str:
    """A measurement, short."""
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= unit:
            return f"{value / unit:.3g}{letter}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"
