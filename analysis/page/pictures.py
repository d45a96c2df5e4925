"""A chart as a picture inside a page: still, without script, in the page's colours, with words.

Vega draws it once and the page shows lines. A screen reader meets one picture with a title and a
description, not each of its strokes.
"""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import altair as alt

SVG = "http://www.w3.org/2000/svg"
_KEPT = {
    "d", "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "opacity",
    "transform", "x", "y", "dy", "x1", "x2", "y1", "y2", "width", "height", "font-family",
    "font-size", "font-weight", "text-anchor", "stroke-opacity", "fill-opacity", "stroke-linecap",
}  # fmt: skip


def as_svg(chart: alt.LayerChart, *, name: str, title: str) -> str:
    """The chart as an ``<svg>`` element; ``name`` is unique on the page."""
    drawn = io.StringIO()
    chart.save(drawn, format="svg")
    root = ET.fromstring(drawn.getvalue())  # noqa: S314 - drawn here, a moment ago
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    picture = ET.Element(
        f"{{{SVG}}}svg",
        {
            "viewBox": f"0 0 {width:g} {height:g}",
            "width": f"{width:g}",
            "height": f"{height:g}",
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-words",
        },
    )
    for tag, words in (("title", title), ("desc", str(chart.description))):
        element = ET.SubElement(picture, f"{{{SVG}}}{tag}")
        element.set("id", f"{name}-{'title' if tag == 'title' else 'words'}")
        element.text = words
    # The first rectangle is the paper; the page has its own.
    picture.extend(child for child in root if not child.tag.endswith("rect"))
    for parent in picture.iter():
        for child in list(parent):
            if child.get("class") in {"background", "foreground"} or child.get("display") == "none":
                parent.remove(child)
    for element in picture.iter():
        if element is not picture and not element.tag.endswith(("title", "desc")):
            for attribute in set(element.attrib) - _KEPT:
                del element.attrib[attribute]
    ET.register_namespace("", SVG)
    return ET.tostring(picture, encoding="unicode")
