"""Every image format and kind of pixel to one upright 8-bit page."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from hwdigitize.errors import PageError
from hwdigitize.pages import images
from hwdigitize.pages.ingest import count_pages
from hwdigitize.settings import Settings
from tests.pages.conftest import Load

Grey = NDArray[np.uint8]


def worst(scan: Grey, truth: Grey) -> int:
    assert scan.shape == truth.shape
    return int(np.abs(scan.astype(int) - truth).max())


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "gif", "pgm", "jp2"])
def test_lossless_formats_are_exact(
    tmp_path: Path, load: Load, drawing: Grey, suffix: str
) -> None:
    path = tmp_path / f"page.{suffix}"
    Image.fromarray(drawing).save(path)
    assert count_pages(path, Settings()) == 1
    assert worst(load(path).image, drawing) == 0


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif", "heic"])
def test_lossy_formats_are_near(tmp_path: Path, load: Load, drawing: Grey, suffix: str) -> None:
    pillow_heif.register_heif_opener()
    path = tmp_path / f"page.{suffix}"
    Image.fromarray(drawing).convert("RGB").save(path, quality=95)
    image = load(path).image
    grey = image if image.ndim == 2 else image.mean(axis=2)
    assert grey.shape == drawing.shape
    assert np.abs(grey - drawing).mean() < 3


def test_the_suffix_does_not_matter(tmp_path: Path, load: Load, drawing: Grey) -> None:
    path = tmp_path / "page.pdf"
    Image.fromarray(drawing).save(path, "PNG")
    assert worst(load(path).image, drawing) == 0


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_tags_are_obeyed(
    tmp_path: Path, load: Load, drawing: Grey, orientation: int, suffix: str
) -> None:
    # how a camera held that way stores the page (EXIF 2.32, orientation tag)
    stored = {
        1: drawing,
        2: drawing[:, ::-1],
        3: drawing[::-1, ::-1],
        4: drawing[::-1],
        5: drawing.T,
        6: np.rot90(drawing),
        7: drawing[::-1, ::-1].T,
        8: np.rot90(drawing, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"page.{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, quality=95)
    image = load(path).image
    grey = image if image.ndim == 2 else image[..., 1]
    assert grey.shape == drawing.shape
    assert np.abs(grey.astype(int) - drawing).mean() < 4


def test_colour_comes_as_blue_green_red(tmp_path: Path, load: Load) -> None:
    path = tmp_path / "red.png"
    Image.new("RGB", (4, 3), (200, 20, 10)).save(path)
    assert load(path).image[1, 1].tolist() == [10, 20, 200]


def test_cmyk_is_read_as_seen(tmp_path: Path, load: Load) -> None:
    path = tmp_path / "page.jpg"
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(path, quality=95)
    blue, green, red = load(path).image[16, 16].tolist()
    assert red > 230
    assert max(blue, green) < 30


def test_transparent_parts_are_paper(tmp_path: Path, load: Load) -> None:
    path = tmp_path / "page.png"
    page = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    page.paste((10, 20, 30, 255), (0, 0, 5, 10))
    page.save(path)
    image = load(path).image
    assert image[5, 2].tolist() == [30, 20, 10]
    assert image[5, 15].tolist() == [255, 255, 255]
    page.convert("LA").save(path)
    assert load(path).image[5, 15] == 255


def test_palettes_are_looked_up(tmp_path: Path, load: Load, drawing: Grey) -> None:
    path = tmp_path / "page.png"
    Image.fromarray(drawing).convert("P").save(path)
    assert worst(load(path).image, drawing) == 0
    colours = Image.new("P", (4, 4), 1)
    colours.putpalette([255, 255, 255, 10, 20, 30])
    colours.save(path, transparency=0)
    assert load(path).image[2, 2].tolist() == [30, 20, 10]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_bilevel_is_black_and_white(
    tmp_path: Path, load: Load, drawing: Grey, suffix: str
) -> None:
    path = tmp_path / f"page.{suffix}"
    bilevel = Image.fromarray(drawing).point(lambda value: 255 * (value > 100)).convert("1")
    bilevel.save(path, compression="group4" if suffix == "tif" else None)
    assert worst(load(path).image, np.asarray(bilevel.convert("L"))) == 0


@pytest.mark.parametrize("suffix", ["png", "tif", "jp2"])
def test_sixteen_bits_become_eight(
    tmp_path: Path, load: Load, drawing: Grey, suffix: str
) -> None:
    path = tmp_path / f"page.{suffix}"
    Image.fromarray(drawing.astype(np.uint16) * 257).save(path)
    assert worst(load(path).image, drawing) == 0


def test_twelve_bits_in_sixteen_fill_the_range(
    tmp_path: Path, load: Load, drawing: Grey
) -> None:
    path = tmp_path / "page.tif"
    Image.fromarray(drawing.astype(np.uint16) * 16).save(path)
    assert worst(load(path).image, drawing) <= 1


def test_floats_are_scaled(tmp_path: Path, load: Load, drawing: Grey) -> None:
    path = tmp_path / "page.tif"
    Image.fromarray((drawing / 255).astype(np.float32)).save(path)
    assert worst(load(path).image, drawing) <= 1


def test_a_tiff_has_many_pages(tmp_path: Path, load: Load) -> None:
    path = tmp_path / "pages.tif"
    first, *rest = (Image.new("L", (10 + n, 20), 50 * n) for n in range(3))
    first.save(path, save_all=True, append_images=rest)
    assert count_pages(path, Settings()) == 3
    assert [load(path, index).image[0, 0] for index in range(3)] == [0, 50, 100]
    with pytest.raises(PageError, match="Page 4 cannot be found"):
        load(path, 3)


def test_an_animation_is_one_page(tmp_path: Path) -> None:
    path = tmp_path / "film.gif"
    frames = [Image.new("L", (9, 9), 90 * n) for n in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert count_pages(path, Settings()) == 1


@pytest.mark.parametrize(
    ("written", "size", "read"),
    [
        ((300, 300), (20, 20), 300.0),
        ((1, 1), (20, 20), None),
        ((9600, 9600), (20, 20), None),
        ((72, 72), (200, 300), 72.0),
        ((72, 72), (2000, 3000), None),
    ],
)
def test_dpi_is_kept_where_it_can_be(
    tmp_path: Path,
    load: Load,
    written: tuple[int, int],
    size: tuple[int, int],
    read: float | None,
) -> None:
    path = tmp_path / "page.jpg"
    Image.new("L", size, 255).save(path, dpi=written)
    assert load(path).dpi == read


def test_fax_pixels_become_square(tmp_path: Path, load: Load) -> None:
    path = tmp_path / "fax.tif"
    Image.new("1", (204, 98), 1).save(path, dpi=(204, 98), compression="group3")
    scan = load(path)
    assert scan.image.shape == (204, 204)
    assert scan.dpi == 204


def test_large_colour_pages_come_grey(
    tmp_path: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "COLOUR_MEGAPIXELS", 0.001)
    for suffix in ("jpg", "png"):
        Image.new("RGB", (40, 30), (90, 90, 90)).save(tmp_path / f"page.{suffix}")
        assert load(tmp_path / f"page.{suffix}").image.shape == (30, 40)


def bomb_png(width: int, height: int) -> bytes:
    """A PNG that claims its size and holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def test_pixels_are_capped_before_decoding(tmp_path: Path, load: Load) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb_png(20_000, 15_000))
    with pytest.raises(PageError, match="20,000 x 15,000 pixels, 300 megapixels") as caught:
        load(path)
    assert caught.value.code == "too_large"
    assert "--max-megapixels 300" in caught.value.message
    path.write_bytes(bomb_png(2_000_000, 1_000_000))
    with pytest.raises(PageError, match="No scan is that large"):
        load(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "gif", "jp2", "webp", "pgm"])
def test_the_cap_holds_for_every_format(
    tmp_path: Path, load: Load, drawing: Grey, suffix: str
) -> None:
    path = tmp_path / f"page.{suffix}"
    Image.fromarray(drawing).save(path)
    with pytest.raises(PageError) as caught:
        load(path, max_megapixels=0.005)
    assert caught.value.code == "too_large"


def test_pillows_own_limit_is_left_as_it_was(tmp_path: Path, load: Load, drawing: Grey) -> None:
    before = Image.MAX_IMAGE_PIXELS
    Image.fromarray(drawing).save(tmp_path / "page.png")
    load(tmp_path / "page.png")
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_page_cut_short_is_read_as_far_as_it_goes(
    tmp_path: Path, load: Load, suffix: str
) -> None:
    noise = np.random.default_rng(0).integers(1, 255, (400, 300)).astype(np.uint8)
    path = tmp_path / f"page.{suffix}"
    Image.fromarray(noise).save(path)
    whole = load(path).image
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    scan = load(path)
    assert [problem.code for problem in scan.problems] == ["truncated"]
    assert "missing" in scan.problems[0].message
    assert worst(scan.image[:200], whole[:200]) == 0
    assert scan.image[-100:].min() == 255


def test_too_little_of_a_page_is_an_error(tmp_path: Path, load: Load, drawing: Grey) -> None:
    path = tmp_path / "page.jpg"
    Image.fromarray(drawing).save(path, progressive=True)
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(PageError) as caught:
        load(path)
    assert caught.value.code == "truncated"


def test_a_tiff_that_breaks_off_misses_its_page(tmp_path: Path, load: Load) -> None:
    path = tmp_path / "pages.tif"
    pages = [Image.new("L", (64, 64), 80), Image.new("L", (64, 64), 90)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 4200])
    assert count_pages(path, Settings()) == 2
    assert load(path, 0).image[5, 5] == 80
    with pytest.raises(PageError) as caught:
        load(path, 1)
    assert caught.value.code in ("damaged", "truncated")


def test_a_damaged_strip_is_told_and_not_printed(
    tmp_path: Path, load: Load, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "fax.tif"
    noise = np.random.default_rng(0).integers(0, 2, (400, 300)).astype(bool)
    Image.fromarray(noise).save(path, compression="group4")
    content = bytearray(path.read_bytes())
    content[5000:5040] = b"\xff" * 40
    path.write_bytes(content)
    assert [problem.code for problem in load(path).problems] == ["damaged"]
    assert capfd.readouterr() == ("", "")


FORMATS = ["png", "jpg", "bmp", "tif", "gif", "jp2", "webp", "pgm", "heic", "avif"]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), suffix=st.sampled_from(FORMATS))
def test_broken_bytes_load_or_raise_a_page_error(
    tmp_path: Path,
    load: Load,
    drawing: Grey,
    capfd: pytest.CaptureFixture[str],
    data: st.DataObject,
    suffix: str,
) -> None:
    pillow_heif.register_heif_opener()
    path = tmp_path / f"page.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(drawing).convert("RGB").save(path, exif=exif)
    content = bytearray(path.read_bytes())
    spots = st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)))
    for spot, value in data.draw(spots):
        content[spot] = value
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            for index in range(min(count_pages(path, Settings()), 3)):
                load(path, index, max_megapixels=1.0)
        except PageError as error:
            assert error.stage == "ingest"
            assert "Success" not in error.message
    assert capfd.readouterr() == ("", "")
