"""Finds the forms of a page with the values that a browser would send back.

SPDX-License-Identifier: MIT
"""

from html.parser import HTMLParser


class Forms(HTMLParser):
    """forms: list of (action, {name: value}); text areas included, buttons left to the caller."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.forms = []
        self.images = []
        self._area = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "form":
            self.forms.append((values.get("action", ""), {}))
        elif tag == "img":
            self.images.append(values.get("src", ""))
        elif tag == "input" and self.forms and values.get("name"):
            if values.get("type") in ("checkbox", "radio") and "checked" not in values:
                return
            if values.get("type") not in ("submit", "button", "file"):
                self.forms[-1][1][values["name"]] = values.get("value") or ""
        elif tag == "textarea" and self.forms and values.get("name"):
            self._area = values["name"]
            self.forms[-1][1][self._area] = ""

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._area = None

    def handle_data(self, data):
        if self._area:
            self.forms[-1][1][self._area] += data

    def with_field(self, name):
        """The fields of the form that has this one."""
        for _, fields in self.forms:
            if name in fields:
                return dict(fields)
        raise AssertionError(f"no form has a field {name!r}: {self.forms!r:.2000}")
