# SPDX-License-Identifier: MIT
"""Bars and curves as SVG, readable on light and dark ground, without any library. Text is escaped; numbers in, text out."""
import math
from html import escape
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

WIDTH = 760
FONT = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"
# Told apart by people who see few colours as well; the second colour of each pair is for dark ground.
COLOURS = (("#0b6e99", "#5cc4ef"), ("#b4540a", "#ffab5e"), ("#52722b", "#a8d46f"), ("#7b3fa0", "#cf9df0"), ("#8a8a8a", "#b5b5b5"),
           ("#a61e4d", "#ff8fb1"), ("#5f5a00", "#ded75a"))  # fmt: skip
MARKS = ("circle", "square", "triangle", "diamond")
LABEL_MOST = 34  # letters of a label beside a bar
LETTER = 6.2  # the width of one beside a bar, about


def number(value: float) -> str:
    """Short, for people: 12,300 -> 12.3k."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            scaled = value / (1e3 if letter == "k" else limit)
            return f"{scaled:.0f}{letter}" if scaled >= 100 else f"{scaled:.3g}{letter}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _style() -> str:
    light = ".ground{fill:#fff}.text{fill:#1b1b1b}.faint{fill:#555}.line{stroke:#d5d5d5}.axis{stroke:#555}.limit{stroke:#b00020}.limit-text{fill:#b00020}"
    dark = ".ground{fill:#15181c}.text{fill:#ececec}.faint{fill:#b4b4b4}.line{stroke:#363b42}.axis{stroke:#9a9a9a}.limit{stroke:#ff8a80}.limit-text{fill:#ff8a80}"
    light += "".join(f".c{i}{{fill:{pair[0]};stroke:{pair[0]}}}" for i, pair in enumerate(COLOURS))
    dark += "".join(f".c{i}{{fill:{pair[1]};stroke:{pair[1]}}}" for i, pair in enumerate(COLOURS))
    return f"<style>{light}@media (prefers-color-scheme:dark){{{dark}}}.curve{{fill:none;stroke-width:2}}.bar{{stroke:none}}</style>"


def _text(x: float, y: float, words: str, size: int = 12, kind: str = "text", anchor: str = "start") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' class='{kind}' font-size='{size}' text-anchor='{anchor}' {FONT}>{escape(words)}</text>"


def _page(title: str, height: float, body: Sequence[str]) -> str:
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height:.0f}' width='{WIDTH}' height='{height:.0f}' role='img'>"
    return "\n".join([head, f"<title>{escape(title)}</title>", _style(), "<rect class='ground' width='100%' height='100%'/>", *body, "</svg>"]) + "\n"


def _shortened(label: str) -> str:
    return label if len(label) <= LABEL_MOST else label[: LABEL_MOST - 1] + "…"


class Bar(NamedTuple):
    series: str
    value: float
    words: str = ""  # beside it; else its value


def bars(title: str, unit: str, groups: Sequence[Tuple[str, Sequence[Bar]]], line: Optional[Tuple[float, str]] = None) -> str:
    """Horizontal bars: groups of (label, bars), the same series in the same colour everywhere. line: a value to compare with, and its name."""
    series: List[str] = []
    for _, values in groups:
        for one in values:
            if one.series not in series:
                series.append(one.series)
    largest = max([one.value for _, values in groups for one in values] + [line[0] if line else 0, 1e-12])
    left, right, bar, gap = 200, 160, 16, 12
    scale = (WIDTH - left - right) / largest
    body = [_text(16, 26, title, 16), _text(16, 44, unit, 12, "faint")]
    y, body_legend = _legend(series, 62)
    body += body_legend
    top = y
    for label, values in groups:
        middle = y + bar * len(values) / 2 + 4
        body.append(_text(left - 10, middle, _shortened(label), 12, "text", "end"))
        for one in values:
            colour = series.index(one.series) % len(COLOURS)
            body.append(f"<rect class='bar c{colour}' x='{left}' y='{y:.1f}' width='{max(one.value * scale, 1):.1f}' height='{bar - 3}'/>")
            words = one.words or number(one.value)
            place = left + max(one.value * scale, 1) + 6
            if line is not None and place - 4 < left + line[0] * scale < place + LETTER * len(words):
                place = left + line[0] * scale + 6  # behind the line, not across it
            body.append(_text(place, y + bar - 6, words, 11, "faint"))
            y += bar
        y += gap
    if line is not None:
        x = left + line[0] * scale
        body.append(f"<line class='limit' x1='{x:.1f}' y1='{top - 4:.1f}' x2='{x:.1f}' y2='{y - gap + 4:.1f}' stroke-dasharray='4 3'/>")
        body.append(_text(x, y + 6, line[1], 11, "limit-text", "middle"))
        y += 12
    return _page(title, y + 8, body)


def _legend(series: Sequence[str], y: float) -> Tuple[float, List[str]]:
    body, x = [], 16.0
    for index, name in enumerate(series):
        width = 26 + 7.2 * len(name)
        if x + width > WIDTH - 16:
            x, y = 16.0, y + 18
        body.append(_mark(x + 6, y - 4, index))
        body.append(_text(x + 18, y, name, 12))
        x += width
    return y + 18, body


def _mark(x: float, y: float, index: int, size: float = 4) -> str:
    colour, kind = index % len(COLOURS), MARKS[index % len(MARKS)]
    if kind == "circle":
        return f"<circle class='c{colour}' cx='{x:.1f}' cy='{y:.1f}' r='{size}'/>"
    if kind == "square":
        return f"<rect class='c{colour}' x='{x - size:.1f}' y='{y - size:.1f}' width='{2 * size}' height='{2 * size}'/>"
    if kind == "triangle":
        return f"<path class='c{colour}' d='M{x:.1f} {y - size - 1:.1f}l{size + 1} {2 * size + 1}h-{2 * size + 2}z'/>"
    return f"<path class='c{colour}' d='M{x:.1f} {y - size - 1:.1f}l{size + 1} {size + 1}l-{size + 1} {size + 1}l-{size + 1} -{size + 1}z'/>"


def steps(most: float, count: int = 5) -> List[float]:
    """Round numbers from 0 up to the first that is not below most."""
    if most <= 0:
        return [0.0, 1.0]
    raw = most / count
    magnitude = 10 ** math.floor(math.log10(raw))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= raw - 1e-12)
    return [step * index for index in range(math.ceil(most / step - 1e-9) + 1)]


def powers(least: float, most: float) -> List[float]:
    """The powers of ten around."""
    return [10.0**exponent for exponent in range(math.floor(math.log10(least)), math.ceil(math.log10(most) - 1e-9) + 1)]


def curves(title: str, x_title: str, y_title: str, series: Dict[str, Sequence[Tuple[float, float]]]) -> str:
    """Lines through points (x > 0, y >= 0), x on a logarithmic scale when it spans more than a factor of 20; y from zero, or on a
    logarithmic scale when it spans more than a factor of 50."""
    points = [point for line in series.values() for point in line]
    if not points:
        raise ValueError(f"{title}: nothing to draw")
    places = sorted({x for x, _ in points})
    is_log = places[-1] / places[0] > 20
    least, most = min(y for _, y in points), max(y for _, y in points)
    is_log_y = least > 0 and most / least > 50
    marks_y = powers(least, most) if is_log_y else steps(most)
    left, right, plot = 70, 24, 280
    top, legend = _legend(list(series), 62)
    top += 4

    def at_x(x: float) -> float:
        if len(places) == 1:
            return (left + WIDTH - right) / 2
        low, high, value = (math.log(places[0]), math.log(places[-1]), math.log(x)) if is_log else (places[0], places[-1], x)
        return left + 14 + (value - low) / (high - low) * (WIDTH - left - right - 28)

    def at_y(y: float) -> float:
        share = math.log(y / marks_y[0]) / math.log(marks_y[-1] / marks_y[0]) if is_log_y else y / marks_y[-1]
        return top + plot - share * plot

    body = [_text(16, 26, title, 16), _text(16, 44, y_title + (" (logarithmic)" if is_log_y else ""), 12, "faint")] + legend
    for mark in marks_y:
        body.append(f"<line class='line' x1='{left}' y1='{at_y(mark):.1f}' x2='{WIDTH - right}' y2='{at_y(mark):.1f}'/>")
        body.append(_text(left - 8, at_y(mark) + 4, number(mark), 11, "faint", "end"))
    last = -100.0
    for place in places:
        x = at_x(place)
        if x - last > 36:
            body.append(_text(x, top + plot + 18, number(place), 11, "faint", "middle"))
            last = x
    body.append(f"<line class='axis' x1='{left}' y1='{top + plot}' x2='{WIDTH - right}' y2='{top + plot}'/>")
    body.append(_text((left + WIDTH - right) / 2, top + plot + 38, x_title + (" (logarithmic)" if is_log else ""), 12, "faint", "middle"))
    for index, line in enumerate(series.values()):
        ordered = sorted(line)
        path = " ".join(f"{'M' if i == 0 else 'L'}{at_x(x):.1f} {at_y(y):.1f}" for i, (x, y) in enumerate(ordered))
        body.append(f"<path class='c{index % len(COLOURS)} curve' style='fill:none' d='{path}'/>")
        body += [_mark(at_x(x), at_y(y), index, 3.5) for x, y in ordered]
    return _page(title, top + plot + 52, body)
