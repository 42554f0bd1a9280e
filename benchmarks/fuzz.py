"""Fuzz what reads strangers' files: ingest of every format, names, templates and their import.

    python -m benchmarks.fuzz --minutes 10

Files are drawn, damaged by hypothesis and read, in child processes with limits. What ends a
child is a finding: anything raised but the errors promised, a signal (a crash in a decoder),
more than ``MOST_SECONDS`` for one file, and anything outside the output folder. The input of
each finding is kept; the exit code is 1 when there is one.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import os
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import hypothesis
import numpy as np
import pikepdf
import pillow_heif
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from hwdigitize.batch.quarantine import quarantine_path, update_quarantine
from hwdigitize.document import Document, Page, PageRef, Problem
from hwdigitize.errors import PageError, TemplateError
from hwdigitize.forms.importing import import_formhtr, import_quexf
from hwdigitize.forms.template import load_blank, load_template, shipped_templates
from hwdigitize.pages.ingest import count_pages, find_inputs, load_page
from hwdigitize.reports.json import document_path, write_document
from hwdigitize.reports.names import image_paths
from hwdigitize.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
MOST_SECONDS = 20
ADDRESS_SPACE = 4 << 30
#: files a child reads before the next takes over
ROUND = 60
LIMITS = Settings(max_megapixels=4.0, page_seconds=10.0)
LARGEST_SEED = 300_000

Draw = Callable[[st.DataObject, Path], None]


@dataclass(frozen=True)
class Finding:
    """A file that broke its reader: the target, how it ended, and where the input is kept."""

    target: str
    how: str
    kept: Path


def fuzz(seconds: float, kept: Path, seed: int = 0) -> tuple[Counter[str], list[Finding]]:
    """Run all targets in turn, each at least once; how many files each had, and findings."""
    ends, tried, findings = time.monotonic() + seconds, Counter[str](), []
    rounds = random.Random(seed)
    _seeds()  # once, not in every child
    _templates()
    for name in itertools.cycle(TARGETS):
        if time.monotonic() >= ends and len(tried) == len(TARGETS):
            break
        number = rounds.randrange(1 << 30)
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            how, count = _round(name, number, Path(folder))
            tried[name] += count
            if how:
                place = kept / f"{name}-{number}"
                shutil.copytree(folder, place, symlinks=True, dirs_exist_ok=True)
                findings.append(Finding(name, how, place))
    return tried, findings


def _round(name: str, seed: int, folder: Path) -> tuple[str, int]:
    """One child's turn: how it ended, empty for well, and how many files it read."""
    count = folder / "count"
    child = os.fork()
    if child == 0:
        _child(name, seed, folder, count)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    tried = len(count.read_bytes()) if count.exists() else 0
    if code == 0:
        return "", tried
    if code < 0:
        ended = {-signal.SIGALRM: f"more than {MOST_SECONDS} s"}
        return ended.get(code, signal.Signals(-code).name), tried
    return (folder / "why").read_text(errors="replace").splitlines()[0], tried


def _child(name: str, seed: int, folder: Path, count: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silent, stream)
    try:
        with count.open("ab", buffering=0) as ticks:
            _examples(name, seed, folder / "work", ticks)
    except BaseException as error:  # whatever it is, it is the finding
        told = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        (folder / "why").write_text(told, errors="replace")
        os._exit(1)
    os._exit(0)


def _examples(name: str, seed: int, work: Path, ticks: io.FileIO) -> None:
    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=ROUND,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],  # the file that breaks is kept, so not shrunk
    )
    @hypothesis.given(st.data())
    def example(data: st.DataObject) -> None:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        signal.alarm(MOST_SECONDS)
        # A MemoryError is the worker's limit speaking, and it is the worker that handles it.
        with contextlib.suppress(MemoryError):
            TARGETS[name](data, work)
        signal.alarm(0)
        ticks.write(b".")

    example()


@cache
def _seeds() -> tuple[tuple[str, bytes], ...]:
    """Small whole files of every format, and the smaller hostile ones where there are any."""
    drawn = list(_drawn_images()) + list(_drawn_pdfs())
    data = Path(os.environ.get("HWDIGITIZE_DATA", ROOT.parent / "shared" / "data")) / "hostile"
    for path in sorted(data.glob("*")):
        if path.stat().st_size <= LARGEST_SEED:
            drawn.append((path.name, path.read_bytes()))
    return tuple(drawn)


def _drawn_images() -> Iterator[tuple[str, bytes]]:
    pillow_heif.register_heif_opener()
    page = Image.new("RGB", (60, 80), "white")
    ImageDraw.Draw(page).text((5, 5), "Dear Sir", fill=(20, 30, 90))
    exif = Image.Exif()
    exif[0x0112] = 6
    dpi = (150, 150)
    for mode in ("1", "L", "P", "RGB", "RGBA", "I;16"):
        yield f"{mode}.png", _saved(page.convert(mode), "PNG", dpi=dpi)
    for mode in ("L", "RGB", "CMYK"):
        yield f"{mode}.jpg", _saved(page.convert(mode), "JPEG", dpi=dpi, exif=exif)
    yield "progressive.jpg", _saved(page, "JPEG", progressive=True)
    for coding in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield f"{coding}.tif", _saved(page, "TIFF", compression=coding, dpi=dpi)
    fax = page.convert("1")
    yield "fax.tif", _saved(fax, "TIFF", compression="group4", dpi=(204, 98))
    yield "three.tif", _saved(fax, "TIFF", save_all=True, append_images=[fax, fax])
    for kind in ("BMP", "GIF", "WEBP", "JPEG2000", "PPM", "HEIF", "AVIF"):
        yield f"page.{kind.lower()}", _saved(page, kind)
    yield "page.pbm", _saved(fax, "PPM")
    yield "lossless.webp", _saved(page, "WEBP", lossless=True)


def _saved(page: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    page.save(file, kind, **options)
    return file.getvalue()


def _drawn_pdfs() -> Iterator[tuple[str, bytes]]:
    page = Image.new("L", (60, 80), 200)
    yield "scan.pdf", _saved(page, "PDF", resolution=150)
    yield "two.pdf", _saved(page, "PDF", save_all=True, append_images=[page])
    for name, options in {
        "plain.pdf": {"object_stream_mode": pikepdf.ObjectStreamMode.disable},
        "packed.pdf": {"object_stream_mode": pikepdf.ObjectStreamMode.generate},
        "locked.pdf": {"encryption": pikepdf.Encryption(user="", owner="x")},
    }.items():
        with pikepdf.Pdf.new() as pdf:
            pdf.add_blank_page(page_size=(90, 120))
            font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1)
            font.BaseFont = pikepdf.Name.Helvetica
            pdf.pages[0].Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
            content = b"q 1 0 0 1 5 60 cm BT /F 12 Tf (Dear Sir) Tj ET Q 5 5 m 80 9 l S"
            pdf.pages[0].Contents = pikepdf.Stream(pdf, content)
            file = io.BytesIO()
            pdf.save(file, **options)
            yield name, file.getvalue()


NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
WORDS = (b"0", b"-1", b"4294967296", b"1e39", b"<<", b">>", b"[", b"null", b"1 0 R", b"stream")


def damaged(data: st.DataObject, whole: bytes) -> bytes:
    """A file after one to six cuts, repeats, changed bytes, numbers or words."""
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        how = data.draw(st.integers(0, 6))
        if how == 0:
            content[at : at + 1] = data.draw(st.binary(min_size=1, max_size=4))
        elif how == 1:
            number = data.draw(st.sampled_from(NUMBERS))
            width, order = data.draw(st.sampled_from(("B", "H", "I"))), data.draw(_ORDERS)
            packed = struct.pack(order + width, number & (1 << 8 * struct.calcsize(width)) - 1)
            content[at : at + len(packed)] = packed
        elif how == 2:
            del content[at : at + data.draw(st.integers(1, 400))]
        elif how == 3:
            content[at:at] = content[at : at + data.draw(st.integers(1, 400))]
        elif how == 4:
            content[at : at + data.draw(st.integers(0, 4))] = data.draw(st.sampled_from(WORDS))
        elif how == 5:
            other = data.draw(st.sampled_from(_seeds()))[1]
            content[at:] = other[data.draw(st.integers(0, len(other))) :]
        else:
            del content[max(at, 16) :]
    return _with_right_checksums(bytes(content))


_ORDERS = st.sampled_from("<>")


def _with_right_checksums(content: bytes) -> bytes:
    """PNG chunks with their checksums made right, or damage would go no deeper than those."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return content
    fixed, at = bytearray(content), 8
    while at + 12 <= len(fixed):
        end = at + 8 + int.from_bytes(fixed[at : at + 4])
        if end + 4 <= len(fixed):
            fixed[end : end + 4] = zlib.crc32(fixed[at + 4 : end]).to_bytes(4)
        at = end + 4
    return bytes(fixed)


def read_file(data: st.DataObject, work: Path) -> None:
    """A damaged page file: pages, or a PageError."""
    name, whole = data.draw(st.sampled_from(_seeds()))
    path = work / name
    path.write_bytes(damaged(data, whole))
    with contextlib.suppress(PageError):
        for index in range(min(count_pages(path, LIMITS), 3)):
            ref = PageRef(path=str(path), file=name, sha256="", index=index)
            with contextlib.suppress(PageError):
                image = load_page(ref, LIMITS).image
                assert image.dtype == np.uint8, image.dtype
                assert image.ndim == 2 or image.shape[2] == 3, image.shape
                assert image.size <= 3 * 4.2e6, image.shape


def name_files(data: st.DataObject, work: Path) -> None:
    """Files of any name: what is written of them stays in the output folder."""
    inside, out = work / "in", work / "out"
    inside.mkdir()
    out.mkdir()
    for number, raw in enumerate(data.draw(st.lists(_NAMES, min_size=1, max_size=8))):
        with contextlib.suppress(OSError):  # a name that the file system refuses, or twice
            place = os.path.join(os.fsencode(inside), raw)  # noqa: PTH118 - bytes
            os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120
            with open(place, "xb") as new:  # noqa: PTH123
                new.write(b"%%PDF- %d" % number)
    found = find_inputs([inside], exclude=out)
    assert len({item.file for item in found.files}) == len(found.files)
    for item in found.files:
        _write_about(out, item.path, item.file)
    # names as another program, or a changed ledger, could hand them in
    for file in data.draw(st.lists(st.text(max_size=300), max_size=4)):
        _write_about(out, work / "in", file)
    places = {path.name for path in work.iterdir()}
    assert places <= {"in", "out"}, places
    assert {path.name for path in out.iterdir()} <= {"documents", "quarantine"}


def _write_about(out: Path, path: Path, file: str) -> None:
    failed = Page(
        index=0,
        status="failed",
        problems=(Problem(stage="ingest", code="damaged", message=file),),
    )
    document = Document(file=file, sha256="", pages=(failed,))
    images = image_paths(file, 0)
    for place in (document_path(out, file), quarantine_path(out, file), out / images.scan):
        lexical = os.path.normpath(place)
        assert lexical.startswith(f"{out}{os.sep}"), place
        assert Path(lexical) == place, place
    with contextlib.suppress(UnicodeEncodeError):  # JSON holds no half of a character
        write_document(out, document)
        update_quarantine(out, path, document)


_STEPS = st.one_of(
    st.binary(min_size=1, max_size=255),
    st.sampled_from([b"..", b".", b"a.json", b"a.png", b"a.png.why.txt", b"-rf", b"con", b"~"]),
).map(lambda step: step.replace(b"\0", b"_").replace(b"/", b"_"))
_NAMES = (
    st.lists(_STEPS, min_size=1, max_size=4)
    .map(b"/".join)
    .filter(lambda name: b".." not in name.split(b"/"))
)


def load_templates(data: st.DataObject, work: Path) -> None:
    """A damaged template folder: a template and its blanks, or a TemplateError."""
    small, *shipped = _templates()
    whole, blank = (
        small if data.draw(st.integers(0, 9)) else data.draw(st.sampled_from(shipped))
    )
    lines = whole.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        how = data.draw(st.integers(0, 3))
        if how == 0:
            lines[at] = damaged(data, lines[at])
        elif how == 1:
            lines.insert(at, data.draw(st.sampled_from(lines)))
        elif how == 2:
            key, _, _ = lines[at].partition(b"=")
            lines[at] = key + b"= " + data.draw(st.sampled_from(_VALUES)) + b"\n"
        elif len(lines) > 1:
            del lines[at]
    (work / "form.toml").write_bytes(b"".join(lines))
    (work / "blank.png").write_bytes(
        blank if data.draw(st.booleans()) else damaged(data, blank)
    )
    with contextlib.suppress(TemplateError):
        template = load_template(work)
        for number in range(len(template.pages)):
            place = (work / template.pages[number].blank).resolve()
            assert place.parent == work.resolve(), place
            load_blank(template, number)


_VALUES = (
    *(b'"../../etc/passwd"', b'"/etc/passwd"', b'"form.toml"', b'"\\u0000"', b'"a\\nb"'),
    *(b"-1", b"9" * 400, b"1e999", b"nan", b"[]", b"[[0, 0, 0, 0]]", b"{}", b'""', b"true"),
    *(b'"(a+)+$"', b'"(((((((((((a?){9}){9}){9}){9})"', b'"a{99999999}"', b"1979-05-27"),
    *(b'"=cmd|calc"', b'"<script>alert(1)</script>"', b'"' + b"x" * 100_000 + b'"'),
)


_FORM = b"""\
id = "small"
version = "1"
title = "A small form"
rules = ["born < joined"]
[[pages]]
blank = "blank.png"
dpi = 150
size_px = [400, 300]
[[fields]]
name = "name"
kind = "letters"
label = "Name"
boxes = [[20, 20, 220, 60]]
cells = 10
required = true
grammar.pattern = "[A-Z]{2,10}( [A-Z]+)?"
[[fields]]
name = "sex"
kind = "choice"
choices = [
  { value = "f", label = "female", box = [20, 80, 40, 100] },
  { value = "m", label = "male", box = [60, 80, 80, 100] },
]
[[fields]]
name = "born"
kind = "date"
boxes = [[20, 120, 220, 160]]
grammar.format = "dd/mm/yyyy"
grammar.minimum = "1900-01-01"
[[fields]]
name = "joined"
kind = "date"
boxes = [[20, 180, 220, 220]]
[[fields]]
name = "amount"
kind = "number"
boxes = [[240, 20, 340, 60]]
grammar = { minimum = 0, maximum = 99.5, decimals = 1 }
"""


@cache
def _templates() -> tuple[tuple[bytes, bytes], ...]:
    """form.toml and blank of small templates, and of those shipped."""
    blank = _saved(Image.new("L", (400, 300), 255), "PNG")
    folders = [path.parent for path in sorted(shipped_templates().rglob("form.toml"))]
    shipped = [
        ((f / "form.toml").read_bytes(), (f / "blank.png").read_bytes()) for f in folders
    ]
    return ((_FORM, blank), *shipped)


def import_templates(data: st.DataObject, work: Path) -> None:
    """Damaged descriptions by other programs: a template or a TemplateError."""
    blank = np.full((400, 300), 255, np.uint8)
    kind = data.draw(st.sampled_from((import_quexf, import_formhtr)))
    whole = _QUEXF if kind is import_quexf else _FORMHTR
    path = work / "description"
    path.write_bytes(damaged(data, whole) if data.draw(st.integers(0, 9)) else whole)
    with contextlib.suppress(TemplateError):
        kind(path.read_bytes(), [blank], "form", path)


_QUEXF = b"""<queXF><questionnaire><page><id>1</id>
<boxgroup><type>1</type><width>1</width><varname>sex</varname><sortorder>1</sortorder>
<label>Sex</label>
<box><tlx>10</tlx><tly>20</tly><brx>40</brx><bry>60</bry><value>1</value><label>f</label></box>
<box><tlx>40</tlx><tly>20</tly><brx>70</brx><bry>60</bry><value>2</value><label>m</label></box>
</boxgroup><boxgroup><type>3</type><width>2</width><varname>a b</varname>
<sortorder>2</sortorder><label>Amount : $</label>
<box><tlx>10</tlx><tly>80</tly><brx>40</brx><bry>99</bry></box>
<box><tlx>40</tlx><tly>80</tly><brx>70</brx><bry>99</bry></box>
</boxgroup></page></questionnaire></queXF>"""
_FORMHTR = json.dumps(
    {
        "width": 300,
        "height": 400,
        "to_ignore": [],
        "content": [
            {"varname": "date", "type": "Handwritten", "coords": [20, 20, 120, 50]},
            {"varname": "ok", "type": "Checkbox", "coords": [20, 80, 40, 100]},
        ],
    }
).encode()

TARGETS: dict[str, Draw] = {
    "ingest": read_file,
    "names": name_files,
    "templates": load_templates,
    "imports": import_templates,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kept", type=Path, default=ROOT / ".cache" / "fuzz")
    args = parser.parse_args()
    tried, findings = fuzz(60 * args.minutes, args.kept, args.seed)
    print(json.dumps(dict(tried)))
    for finding in findings:
        print(f"{finding.target}: {finding.how}: {finding.kept}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
