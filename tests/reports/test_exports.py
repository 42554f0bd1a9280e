"""ALTO, PAGE, hOCR and plain text say what the document says, in their own shape."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from xml.etree import ElementTree

import msgspec
import pytest

from hwdigitize.document import Document
from hwdigitize.reports import alto, page_xml
from hwdigitize.reports.alto import to_alto
from hwdigitize.reports.hocr import to_hocr
from hwdigitize.reports.page_xml import to_page_xml
from hwdigitize.reports.text import to_text
from tests.reports.drawn import blank, form, letter, spoilt
from tests.reports.test_html import NASTY

MADE = datetime(2026, 3, 12, 10, 32, tzinfo=timezone(timedelta(hours=1)))
A = f"{{{alto.NAMESPACE}}}"
P = f"{{{page_xml.NAMESPACE}}}"
H = "{http://www.w3.org/1999/xhtml}"


def page_of(document: Document, index: int = 0) -> ElementTree.Element:
    return ElementTree.fromstring(to_page_xml(document, index, MADE))


def test_alto_holds_words_with_places_and_confidences() -> None:
    root = ElementTree.fromstring(to_alto(letter()))
    assert root.findtext(f".//{A}fileName") == "letters/a.png"
    words = root.findall(f".//{A}String")
    assert [word.get("CONTENT") for word in words] == ["Dear", "Ada,", "cane"]
    place = [words[2].get(name) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT", "WC")]
    assert place == ["100", "200", "130", "60", "0.4100"]
    glyphs = [(glyph.get("CONTENT"), glyph.get("GC")) for glyph in words[2]]
    assert glyphs[:2] == [("c", "0.5000"), ("a", "0.9900")]
    first = root.find(f".//{A}TextLine")
    assert first is not None
    assert [child.tag.removeprefix(A) for child in first] == ["Shape", "String", "SP", "String"]
    assert first.get("BASELINE") == "100,150 340,148"


def test_alto_names_the_fields_of_a_form() -> None:
    root = ElementTree.fromstring(to_alto(form()))
    tags = {tag.get("ID"): tag.get("LABEL") for tag in root.iter(f"{A}StructureTag")}
    found = {
        tags[block.get("TAGREFS")]: block.find(f".//{A}String").get("CONTENT")  # type: ignore[union-attr]
        for block in root.iter(f"{A}TextBlock")
    }
    assert found == {"born": "1961-02-28", "total": "-12.50"}
    assert [page.get("ID") for page in root.iter(f"{A}Page")] == ["page_1", "page_2"]


def test_alto_leaves_out_glyphs_that_are_not_one_character() -> None:
    document = letter(text="e\u0301")  # cut by code point, its accent stands alone
    joined = msgspec.json.encode(document).replace(b'"text":"\xcc\x81"', b'"text":"x\xcc\x81"')
    root = ElementTree.fromstring(to_alto(msgspec.json.decode(joined, type=Document)))
    word = root.find(f".//{A}String")
    assert word is not None and len(word) == 0


def test_page_holds_readings_in_order_of_likelihood() -> None:
    root = page_of(letter())
    assert root.findtext(f"{P}Metadata/{P}Created") == "2026-03-12T09:32:00+00:00"
    words = root.findall(f".//{P}Word")
    readings = [
        (text.get("index"), text.findtext(f"{P}Unicode"))
        for text in words[2].findall(f"{P}TextEquiv")
    ]
    assert readings == [("0", "cane"), ("1", "came"), ("2", "cone")]
    assert words[2].find(f"{P}Coords").get("points") == "100,200 230,200 230,260 100,260"  # type: ignore[union-attr]
    region = root.find(f".//{P}TextRegion")
    assert region is not None
    assert region.findtext(f"{P}TextEquiv/{P}Unicode") == "Dear Ada,\ncane"


def test_page_is_one_page_with_its_regions_in_order() -> None:
    root = page_of(form())
    regions = [region.get("id") for region in root.iter(f"{P}TextRegion")]
    order = [ref.get("regionRef") for ref in root.iter(f"{P}RegionRefIndexed")]
    assert regions == order == ["region_1", "region_2"]
    assert root.find(f".//{P}TextRegion").get("custom") == "field {name:born;}"  # type: ignore[union-attr]
    assert len(list(page_of(form(), 1).iter(f"{P}TextRegion"))) == 0
    with pytest.raises(IndexError):
        page_of(form(), 2)


@pytest.mark.parametrize(
    ("turned", "orientation"), [(0, "0"), (90, "90"), (180, "180"), (270, "-90")]
)
def test_page_says_how_to_turn_it_upright(turned: int, orientation: str) -> None:
    page = msgspec.structs.replace(letter().pages[0], rotation_degrees=turned)
    root = page_of(msgspec.structs.replace(letter(), pages=(page,)))
    assert root.find(f"{P}Page").get("orientation") == orientation  # type: ignore[union-attr]


def test_hocr_gives_boxes_confidences_and_baselines() -> None:
    root = ElementTree.fromstring(to_hocr(letter()))
    title = {
        element.get("id"): element.get("title")
        for element in root.iter()
        if element.get("title")
    }
    assert title["page_1"] == (
        'image "letters/a.png"; bbox 0 0 800 1000; ppageno 0; scan_res 300 300'
    )
    assert title["page_1_area_1_line_1"] == "bbox 100 100 340 160; baseline -0.0083 -10"
    assert title["page_1_area_1_line_2_word_1"] == "bbox 100 200 230 260; x_wconf 41"
    words = [word.text for word in root.iter(f"{H}span") if word.get("class") == "ocrx_word"]
    assert words == ["Dear", "Ada,", "cane"]


def test_plain_text_has_lines_fields_and_form_feeds() -> None:
    assert to_text(letter()) == b"Dear Ada,\ncane\n"
    assert to_text(form()) == b"born: 1961-02-28\ntotal: -12.50\n\f"
    assert to_text(blank()) == b""


EXPORTS: list[Callable[[Document], bytes]] = [
    to_alto,
    to_hocr,
    lambda document: to_page_xml(document, 0, MADE),
]


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize("document", [letter(), form(), blank()], ids=lambda made: made.file)
def test_any_text_gives_the_same_shape(
    export: Callable[[Document], bytes], document: Document
) -> None:
    """Markup and what XML cannot hold stay text; one word is as good as another."""

    def tags(text: str) -> list[str]:
        root = ElementTree.fromstring(export(spoilt(document, text)))
        return [element.tag for element in root.iter() if not element.tag.endswith("Glyph")]

    assert tags(f"{NASTY}\0\x1b\ufffe") == tags("plain")


@pytest.mark.parametrize("export", EXPORTS)
def test_places_stay_on_the_page(export: Callable[[Document], bytes]) -> None:
    """A turned page can put a corner outside, where these formats have no numbers."""
    page = msgspec.structs.replace(letter().pages[0], size_px=(200, 150))
    outside = msgspec.structs.replace(letter(), pages=(page,))
    text = export(outside).decode()
    assert "340" not in text and "260" not in text and ",-" not in text
