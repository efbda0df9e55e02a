"""Elements: whatever is text stays text."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from reportupdater.publish.markup import element, joined, name
from reportupdater.publish.sparkline import sparkline

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


class Read(HTMLParser):
    """What a browser would make of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Read:
    found = Read()
    found.feed(text)
    found.close()
    return found


def seen(text: str) -> str:
    """A text as HTML can hold it."""
    return "".join("\ufffd" if ord(one) < 32 and one not in "\t\n\r" else one for one in text)


@given(texts, texts)
def test_no_text_is_markup(content: str, attribute: str) -> None:
    found = read(element("p", content, name(content), title=attribute, hidden=None))
    assert [tag for tag, _ in found.tags] == ["p", "bdi"] if content else ["p"]
    assert found.tags[0][1] == {"title": seen(attribute)}
    assert found.text == seen(content) * 2


def test_content_may_be_nested_and_left_out() -> None:
    rows = (element("td", cell) for cell in ("<", "b"))
    assert element("tr", None, "", [rows, [element("td", 5)]]) == (
        "<tr><td>&lt;</td><td>b</td><td>5</td></tr>"
    )
    assert joined(["a", ["b", None]]) == "ab"
    assert element("input", type="search") == '<input type="search">'


def test_a_sparkline_breaks_at_gaps() -> None:
    shown = sparkline([1.0, 2.0, None, 3.0, None, 2.0, 2.0], 'a "b"')
    assert shown.count("<polyline") == 2
    assert shown.count("<circle") == 1
    assert 'aria-label="a &quot;b&quot;"' in shown
    assert sparkline([None], "x") == ""
    assert "nan" not in sparkline([5.0], "x")
    assert "nan" not in sparkline([5.0, 5.0], "x")
