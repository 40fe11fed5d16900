"""Pictures: well-formed, with the right numbers at the right places, in colours for light and dark.

SPDX-License-Identifier: MIT
"""

import xml.etree.ElementTree as ElementTree

import pytest
from harness import svg
from harness.svg import Bar

NAMESPACE = "{http://www.w3.org/2000/svg}"


def elements(text, name):
    return ElementTree.fromstring(text).findall(f".//{NAMESPACE}{name}")


def words(text):
    return ["".join(one.itertext()) for one in elements(text, "text")]


def test_bars_are_as_long_as_their_values():
    text = svg.bars("Title", "requests/s", [("hello", [Bar("phpsrv", 200.0), Bar("nginx", 100.0, "half")]), ("json", [Bar("phpsrv", 50.0)])])
    bars = [one for one in elements(text, "rect") if "bar" in one.get("class", "").split()]
    widths = [float(bar.get("width")) for bar in bars]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01) == pytest.approx(4 * widths[2], rel=0.01)
    assert bars[0].get("class") == bars[2].get("class") != bars[1].get("class"), "a series keeps its colour"
    assert {"Title", "hello", "json", "phpsrv", "nginx", "200", "half", "50"} <= set(words(text))


def test_names_are_escaped_and_long_ones_cut():
    text = svg.bars("a < b & 'c'", "x", [("<script>" + "y" * 60, [Bar("s", 1.0)])])
    assert "a < b & 'c'" in words(text)
    assert any(word.startswith("<script>") and len(word) == svg.LABEL_MOST for word in words(text))


def test_a_line_is_drawn_at_its_value():
    text = svg.bars("t", "u", [("g", [Bar("s", 50.0)])], (100.0, "wanted"))
    bar = next(one for one in elements(text, "rect") if "bar" in one.get("class", "").split())
    line = next(one for one in elements(text, "line") if one.get("class") == "limit")
    assert float(line.get("x1")) - float(bar.get("x")) == pytest.approx(2 * float(bar.get("width")), rel=0.01)
    assert "wanted" in words(text)


def test_words_do_not_cross_the_line():
    text = svg.bars("t", "u", [("g", [Bar("s", 90.0, "ninety, in words"), Bar("t", 20.0), Bar("u", 110.0)])], (100.0, "wanted"))
    line = float(next(one for one in elements(text, "line") if one.get("class") == "limit").get("x1"))
    places = {"".join(one.itertext()): float(one.get("x")) for one in elements(text, "text")}
    assert places["ninety, in words"] == pytest.approx(line + 6, abs=0.1)
    assert places["20"] + 2 * svg.LETTER < line < places["110"]


def test_curves_are_logarithmic_when_they_span_much():
    text = svg.curves("t", "connections", "us", {"a": [(10, 1.0), (100, 2.0), (1000, 4.0)]})
    circles = elements(text, "circle")[-3:]
    places = [float(one.get("cx")) for one in circles]
    heights = [float(one.get("cy")) for one in circles]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], abs=0.3)
    assert heights[0] - heights[2] == pytest.approx(3 * (heights[0] - heights[1]), abs=0.6)
    assert "connections (logarithmic)" in words(text)


def test_curves_over_a_short_range_are_linear_and_one_point_is_enough():
    assert "workers" in words(svg.curves("t", "workers", "us", {"a": [(1, 1.0), (2, 2.0), (4, 2.0)]}))
    assert len(elements(svg.curves("t", "x", "y", {"a": [(5, 0.0)]}), "circle")) == 2
    with pytest.raises(ValueError, match="nothing to draw"):
        svg.curves("t", "x", "y", {})


def test_costs_that_differ_by_thousands_are_drawn_by_their_logarithms():
    text = svg.curves("t", "bytes", "us", {"a": [(100, 30.0), (10000, 300.0), (1000000, 30000.0)]})
    heights = [float(one.get("cy")) for one in elements(text, "circle")[-3:]]
    assert heights[1] - heights[2] == pytest.approx(2 * (heights[0] - heights[1]), abs=0.3)
    assert {"10", "100", "1,000", "10k", "100k", "us (logarithmic)"} <= set(words(text))
    assert svg.powers(10, 1000) == [10, 100, 1000]


def test_every_class_has_a_colour_on_light_and_on_dark_ground():
    text = svg.curves("t", "x", "y", {name: [(1, 1.0), (2, 3.0)] for name in "abcdefgh"})
    light, dark = elements(text, "style")[0].text.split("@media (prefers-color-scheme:dark)")
    used = {word for one in ElementTree.fromstring(text).iter() for word in one.get("class", "").split()} - {"bar", "curve"}
    for name in used:
        assert f".{name}{{" in light and f".{name}{{" in dark, name


@pytest.mark.parametrize(
    "value, text",
    [(0, "0"), (0.123456, "0.123"), (12.34, "12.3"), (1234, "1,234"), (12345, "12.3k"), (123456, "123k"), (2.5e6, "2.5M"), (3e9, "3G")],
)
def test_numbers_are_short(value, text):
    assert svg.number(value) == text


@pytest.mark.parametrize("most, last", [(7, 8), (10, 10), (0.03, 0.03), (101, 125), (0, 1)])
def test_steps_are_round_and_reach_the_most(most, last):
    steps = svg.steps(most)
    assert steps[0] == 0 and steps[-1] == pytest.approx(last) and steps[-1] >= most
