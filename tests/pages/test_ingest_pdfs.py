"""PDF pages: the scan itself where a page is one, else a rendering."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from numpy.typing import NDArray
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image

from hwdigitize.errors import PageError
from hwdigitize.pages import pdf_page
from hwdigitize.pages.ingest import count_pages
from hwdigitize.settings import Settings
from tests.pages.conftest import Load

Grey = NDArray[np.uint8]
DPI = 150
POINTS = 72 / DPI


def write_pdf(
    path: Path,
    pixels: Grey,
    content: str = "q {w} 0 0 {h} 0 0 cm /Im Do Q",
    size: tuple[float, float] | None = None,
    rotate: int = 0,
    jpeg: bool = False,
    **extra: object,
) -> Path:
    """A PDF of one page with one grey image at ``DPI``, drawn by ``content``."""
    height, width = pixels.shape
    w, h = width * POINTS, height * POINTS
    with Pdf.new() as pdf:
        pdf.add_blank_page(page_size=size or (w, h))
        image = Stream(pdf, encode_jpeg(pixels) if jpeg else pixels.tobytes())
        for key, value in {
            "Type": Name.XObject,
            "Subtype": Name.Image,
            "Width": width,
            "Height": height,
            "BitsPerComponent": 8,
            "ColorSpace": Name.DeviceGray,
            **({"Filter": Name.DCTDecode} if jpeg else {}),
            **extra,
        }.items():
            image[f"/{key}"] = value
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        page = pdf.pages[0]
        page.Resources = Dictionary(
            XObject=Dictionary(Im=pdf.make_indirect(image)), Font=Dictionary(F=font)
        )
        page.Contents = Stream(pdf, content.format(w=w, h=h).encode())
        page.Rotate = rotate
        pdf.save(path)
    return path


def encode_jpeg(pixels: Grey) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


def distance(image: Grey, truth: Grey) -> float:
    """Mean difference; a rendering may be off by a part of a pixel, so it is not zero."""
    return float(np.abs(image.mean(axis=2) - truth).mean())


SCAN = "q {w} 0 0 {h} 0 0 cm /Im Do Q "
OCR_LAYER = SCAN + "BT 3 Tr /F 12 Tf 5 20 Td (hidden) Tj ET"
STAMPED = SCAN + "BT /F 12 Tf 5 20 Td (seen) Tj ET"


def test_a_scanned_page_is_its_scan(tmp_path: Path, load: Load, drawing: Grey) -> None:
    scan = load(write_pdf(tmp_path / "page.pdf", drawing))
    assert scan.dpi == DPI
    assert np.array_equal(scan.image, drawing)


def test_a_hidden_text_layer_does_not_count(tmp_path: Path, load: Load, drawing: Grey) -> None:
    scan = load(write_pdf(tmp_path / "page.pdf", drawing, OCR_LAYER))
    assert np.array_equal(scan.image, drawing)


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_a_turned_page_is_turned(
    tmp_path: Path, load: Load, drawing: Grey, rotate: int
) -> None:
    scan = load(write_pdf(tmp_path / "page.pdf", drawing, rotate=rotate))
    assert np.array_equal(scan.image, np.rot90(drawing, -rotate // 90))


@pytest.mark.parametrize(
    ("content", "turns"),
    [
        ("q 0 {w} -{h} 0 {h} 0 cm /Im Do Q", 1),
        ("q -{w} 0 0 -{h} {w} {h} cm /Im Do Q", 2),
        ("q 0 -{w} {h} 0 0 {w} cm /Im Do Q", 3),
    ],
)
def test_a_scan_drawn_sideways_is_turned(
    tmp_path: Path, load: Load, drawing: Grey, content: str, turns: int
) -> None:
    height, width = (side * POINTS for side in drawing.shape)
    size = (width, height) if turns == 2 else (height, width)
    scan = load(write_pdf(tmp_path / "page.pdf", drawing, content, size))
    assert np.array_equal(scan.image, np.rot90(drawing, turns))


def test_a_mirrored_scan_is_rendered_as_seen(tmp_path: Path, load: Load, drawing: Grey) -> None:
    mirrored = "q -{w} 0 0 {h} {w} 0 cm /Im Do Q"
    scan = load(write_pdf(tmp_path / "page.pdf", drawing, mirrored))
    assert scan.dpi == DPI
    assert distance(scan.image, drawing[:, ::-1]) < 5 < 20 < distance(scan.image, drawing)


def test_a_scan_in_a_nested_form_sets_the_resolution(
    tmp_path: Path, load: Load, drawing: Grey
) -> None:
    path = write_pdf(tmp_path / "page.pdf", drawing)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        page = pdf.pages[0]
        form = Stream(pdf, b"q 0.5 0 0 0.5 0 0 cm /Im Do Q")
        form.Type, form.Subtype = Name.XObject, Name.Form
        form.BBox = Array([0, 0, 1, 1])
        form.Resources = Dictionary(XObject=Dictionary(Im=page.Resources.XObject.Im))
        page.Resources = Dictionary(XObject=Dictionary(Fm=pdf.make_indirect(form)))
        w, h = (2 * side * POINTS for side in drawing.shape[::-1])
        page.Contents = Stream(pdf, f"q {w} 0 0 {h} 0 0 cm /Fm Do Q".encode())
        pdf.save(path)
    scan = load(path)
    assert scan.dpi == DPI
    assert np.array_equal(scan.image, drawing)


def test_text_over_a_scan_is_rendered_with_it(
    tmp_path: Path, load: Load, drawing: Grey
) -> None:
    scan = load(write_pdf(tmp_path / "page.pdf", drawing, STAMPED), dpi=300)
    assert scan.dpi == 300
    assert scan.image.shape == (240, 160, 3)


def test_a_small_picture_does_not_set_the_resolution(
    tmp_path: Path, load: Load, drawing: Grey
) -> None:
    path = write_pdf(tmp_path / "page.pdf", drawing, size=(400, 500))
    scan = load(path, dpi=72)
    assert scan.dpi == 72
    assert scan.image.shape == (500, 400, 3)


def test_masks_and_inverted_scans_are_read_as_seen(
    tmp_path: Path, load: Load, drawing: Grey
) -> None:
    inverted = write_pdf(tmp_path / "page.pdf", 255 - drawing, Decode=Array([1, 0]))
    image = load(inverted).image
    assert np.array_equal(image if image.ndim == 2 else image[..., 0], drawing)
    stencil = np.full((80, 64), 255, np.uint8)
    stencil[20:40] = 0
    bits = np.packbits(stencil > 0, axis=1)
    path = write_pdf(tmp_path / "page.pdf", stencil)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        scan = pdf.pages[0].Resources.XObject.Im
        scan.write(bits.tobytes())
        del scan.ColorSpace
        scan.ImageMask, scan.BitsPerComponent = True, 1
        pdf.save(path)
    image = load(path).image
    assert image[30, 30].max() == 0
    assert image[60, 30].min() == 255


def test_transparent_parts_of_a_scan_are_paper(
    tmp_path: Path, load: Load, drawing: Grey
) -> None:
    path = tmp_path / "page.pdf"
    write_pdf(path, np.zeros_like(drawing))
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        scan = pdf.pages[0].Resources.XObject.Im
        mask = Stream(pdf, (255 - drawing).tobytes())
        for key in ("Type", "Subtype", "Width", "Height", "BitsPerComponent", "ColorSpace"):
            mask[f"/{key}"] = scan[f"/{key}"]
        scan.SMask = pdf.make_indirect(mask)
        pdf.save(path)
    assert distance(load(path).image, drawing) < 5


def test_a_scan_that_cannot_be_decoded_is_told(
    tmp_path: Path, load: Load, drawing: Grey
) -> None:
    path = write_pdf(tmp_path / "page.pdf", drawing, jpeg=True)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.pages[0].Resources.XObject.Im.write(b"no JPEG at all", filter=Name.DCTDecode)
        pdf.save(path)
    assert [problem.code for problem in load(path).problems] == ["damaged"]


def test_a_blank_page_is_white(tmp_path: Path, load: Load) -> None:
    path = tmp_path / "blank.pdf"
    with Pdf.new() as pdf:
        pdf.add_blank_page(page_size=(72, 144))
        pdf.save(path)
    scan = load(path, dpi=100)
    assert (scan.image.shape, scan.image.min(), scan.dpi) == ((200, 100, 3), 255, 100)


def test_passwords_are_tried_in_order(tmp_path: Path, load: Load, drawing: Grey) -> None:
    path = write_pdf(tmp_path / "page.pdf", drawing)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="owner", user="geheim ä"))
    passwords = tmp_path / "passwords.txt"
    with pytest.raises(PageError, match="--password-file") as caught:
        load(path)
    assert caught.value.code == "encrypted"
    passwords.write_text("wrong\nfalsch\n")
    with pytest.raises(PageError, match="not among the 2") as caught:
        load(path, password_file=str(passwords))
    assert caught.value.code == "wrong_password"
    passwords.write_text("\ufeffwrong\r\ngeheim ä\r\n", "utf-8")
    assert np.array_equal(load(path, password_file=str(passwords)).image, drawing)
    with pytest.raises(PageError) as caught:
        load(path, password_file=str(tmp_path / "none"))
    assert caught.value.code == "password_file"


def test_an_enormous_page_is_refused(tmp_path: Path, load: Load) -> None:
    path = tmp_path / "huge.pdf"
    with Pdf.new() as pdf:
        pdf.add_blank_page(page_size=(14_400, 14_400))
        pdf.save(path)
    with pytest.raises(PageError, match="60,000 x 60,000 pixels") as caught:
        load(path)
    assert caught.value.code == "too_large"
    assert "--max-megapixels 3600" in caught.value.message


def test_a_huge_image_on_a_small_page_is_refused(
    tmp_path: Path, load: Load, drawing: Grey
) -> None:
    path = write_pdf(
        tmp_path / "page.pdf", drawing, size=(600, 800), Width=50_000, Height=50_000
    )
    with pytest.raises(PageError, match="50,000 x 50,000") as caught:
        load(path)
    assert caught.value.code == "too_large"


def test_large_pages_come_grey(
    tmp_path: Path, load: Load, drawing: Grey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_page, "COLOUR_MEGAPIXELS", 0.001)
    assert load(write_pdf(tmp_path / "page.pdf", drawing, STAMPED)).image.ndim == 2


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.7\nnothing that is a PDF")
    return path


def without_pages(path: Path) -> Path:
    with Pdf.new() as pdf:
        pdf.save(path)
    return path


def test_broken_files_say_so_whatever_came_before(tmp_path: Path, broken: Path) -> None:
    # PDFium keeps its last error: a file with no pages must not take over another's
    empty = without_pages(tmp_path / "empty.pdf")
    for path, code in [(empty, "no_pages"), (broken, "damaged"), (empty, "no_pages")]:
        with pytest.raises(PageError) as caught:
            count_pages(path, Settings())
        assert caught.value.code == code
        assert "print it to a new PDF" in caught.value.message


def fake_poppler(folder: Path, pdftoppm: str) -> None:
    """Programs that answer as Poppler's would for one letter page."""
    programs = {
        "pdfinfo": "echo 'Pages: 2'; echo 'Page    2 size: 72 x 144 pts'",
        "pdftoppm": pdftoppm,
    }
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(stat.S_IRWXU)


def test_poppler_is_tried_where_installed(
    tmp_path: Path, load: Load, broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.ppm"
    Image.new("RGB", (100, 200), (10, 20, 30)).save(page)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    fake_poppler(tmp_path, f"cat '{page}'")
    assert count_pages(broken, Settings()) == 2
    scan = load(broken, 1, dpi=100)
    assert scan.dpi == 100
    assert scan.image.shape == (200, 100, 3)
    assert scan.image[0, 0].tolist() == [30, 20, 10]
    with pytest.raises(PageError) as caught:
        load(broken, 1, dpi=100, max_megapixels=0.001)
    assert caught.value.code == "too_large"


def test_a_poppler_that_hangs_is_given_up(
    tmp_path: Path, load: Load, broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    fake_poppler(tmp_path, '[ "$1" = -v ] || exec sleep 60')
    with pytest.raises(PageError) as caught:
        load(broken, 1, page_seconds=2.0)
    assert caught.value.code == "damaged"


def test_without_poppler_its_package_is_named(
    broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PageError, match="poppler-utils"):
        count_pages(broken, Settings())


def test_names_that_are_no_text_open(tmp_path: Path, load: Load, drawing: Grey) -> None:
    path = write_pdf(tmp_path / "page.pdf", drawing).rename(tmp_path / "b\udce4r.pdf")
    assert np.array_equal(load(path).image, drawing)
