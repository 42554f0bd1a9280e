"""PAGE XML and ALTO, and XML that means harm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hwdigitize.errors import DataError
from hwdigitize.training.datasets import DamagedSampleError, open_dataset
from tests.training.datasets.miniatures import put_text

PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">
 <Page imageFilename="scan.png" imageWidth="200" imageHeight="100"><TextRegion id="r">
  <TextLine id="l1"><Coords points="10,10 110,10 10,60"/>
   <Word id="w"><TextEquiv><Unicode>word</Unicode></TextEquiv></Word>
   <TextEquiv index="1"><Unicode>second best</Unicode></TextEquiv>
   <TextEquiv index="0"><Unicode>Dear Sir</Unicode></TextEquiv></TextLine>
  <TextLine id="l2"><Coords points="10,10"/>
   <TextEquiv><Unicode>x</Unicode></TextEquiv></TextLine>
  <TextLine id="l3"><Coords points="900,900 990,900 990,990"/>
   <TextEquiv><Unicode>outside</Unicode></TextEquiv></TextLine>
  <TextLine id="l4"><Coords points="0,0 9,0 9,9"/></TextLine>
 </TextRegion></Page></PcGts>"""

ALTO = """<?xml version="1.0"?><alto xmlns="http://www.loc.gov/standards/alto/ns-v4#">
 <Description><MeasurementUnit>{unit}</MeasurementUnit><sourceImageInformation>
  <fileName>C:\\scans\\scan.png</fileName></sourceImageInformation></Description>
 <Layout><Page WIDTH="{width}" HEIGHT="500"><PrintSpace><TextBlock>
  <TextLine ID="l1" HPOS="{left}" VPOS="0" WIDTH="{left}" HEIGHT="{left}">
   <String CONTENT="Dear"/><SP/><String CONTENT="Mad"/><HYP CONTENT="-"/></TextLine>
 </TextBlock></PrintSpace></Page></Layout></alto>"""


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A black page of 200 by 100 pixels."""
    Image.fromarray(np.zeros((100, 200), np.uint8)).save(tmp_path / "scan.png")
    return tmp_path


def test_page_lines_are_cut_by_polygon(scan: Path) -> None:
    put_text(scan / "page/scan.xml", PAGE)
    dataset = open_dataset(scan)
    line, outside = dataset.samples
    assert (line.text, line.kind, line.id) == ("Dear Sir", "line", "page/scan#l1")
    crop = line.image()
    assert crop.shape == (50, 100)
    assert (crop[2, 2], crop[-2, -2]) == (0, 255)  # inside and outside the triangle
    with pytest.raises(DamagedSampleError, match="outside the page"):
        outside.image()
    assert {b.id: b.reason for b in dataset.broken} == {
        "page/scan#l2": "its outline has fewer than three corners",
        "page/scan#l4": "its text is empty",
    }


@pytest.mark.parametrize(("unit", "width", "left"), [("pixel", 200, 40), ("mm10", 1000, 200)])
def test_alto_lines_are_cut_in_its_unit(scan: Path, unit: str, width: int, left: int) -> None:
    put_text(scan / "scan.xml", ALTO.format(unit=unit, width=width, left=left))
    (line,) = open_dataset(scan).samples
    assert line.text == "Dear Mad-"
    assert line.image().shape == (40, 40)


def test_xml_with_entities_is_refused(scan: Path) -> None:
    secret = put_text(scan / "secret.txt", "the secret")
    doctype = f'<!DOCTYPE PcGts [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    evil = PAGE.replace("<PcGts", f"{doctype}<PcGts", 1).replace("Dear Sir", "&x;")
    put_text(scan / "scan.xml", evil)
    with pytest.raises(DataError, match="XML cannot be used"):
        open_dataset(scan)


def test_a_page_without_image_is_reported(scan: Path) -> None:
    put_text(scan / "scan.xml", PAGE)
    put_text(scan / "other.xml", PAGE.replace("scan.png", "lost.png"))
    assert ("other", "its image is missing") in {
        (b.id, b.reason) for b in open_dataset(scan).broken
    }
