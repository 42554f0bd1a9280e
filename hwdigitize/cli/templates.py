"""The commands for form templates: check, import, list; draft and edit are in drafting.py."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwdigitize import errors
from hwdigitize.cli import drafting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hwdigitize.forms.records import Template

app = typer.Typer(
    help="Form templates: draft, edit, check, import, list.", no_args_is_help=True
)
drafting.add_to(app)

Folder = Annotated[
    Path | None, typer.Option(help="Folder of templates.", show_default="as shipped")
]


@app.command("list")
def list_templates(templates: Folder = None) -> None:
    """List templates: id, version, pages, fields, title."""
    from hwdigitize.forms.template import load_templates, shipped_templates

    for one in load_templates(templates or shipped_templates()):
        pages, fields = len(one.pages), len(one.fields)
        print(f"{one.id}\t{one.version}\t{pages}\t{fields}\t{one.title}")


@app.command()
def check(
    template: Annotated[str, typer.Argument(help="Id, or folder with form.toml.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Where to draw the fields on the blank.", show_default="ID.png"),
    ] = None,
    templates: Folder = None,
) -> None:
    """Check a template and draw its fields on the blank, a picture a page."""
    from PIL import Image

    from hwdigitize.forms.drawing import draw_fields
    from hwdigitize.forms.template import load_template

    loaded = load_template(_folder(template, templates))
    print(_summary(loaded))
    out = out or Path(f"{loaded.id}.png")
    for page, path in enumerate(_numbered(out, len(loaded.pages))):
        try:
            Image.fromarray(draw_fields(loaded, page)).save(path)
        except (OSError, ValueError) as error:
            raise errors.OutputError(f"cannot write {path}: {error}") from error
        print(f"drawn: {path}", file=sys.stderr)


@app.command("import")
def import_template(
    file: Annotated[Path, typer.Argument(help="queXF banding XML or formHTR JSON.")],
    blank: Annotated[Path, typer.Option(help="PDF or image of the empty form.")],
    form_id: Annotated[str, typer.Option("--id", help="Id of the template.")],
    out: Annotated[Path, typer.Option(help="Folder to write form.toml and blanks to.")],
) -> None:
    """Make a template from a box file of queXF or formHTR."""
    from hwdigitize.forms.importing import import_formhtr, import_quexf
    from hwdigitize.forms.template import load_template, save_template

    try:
        data = file.read_bytes()
    except OSError as error:
        raise errors.UsageError(f"cannot read {file}: {error.strerror}") from error
    pages = load_blanks(blank)
    convert = import_formhtr if data.lstrip()[:1] == b"{" else import_quexf
    save_template(convert(data, pages, form_id, file), out, pages)
    print(_summary(load_template(out)))


def load_blanks(path: Path) -> list[NDArray[np.uint8]]:
    """The pages of an empty form, grey uint8, at 300 dpi.

    Raises:
        TemplateError: the file cannot be read as pages.
    """
    import cv2

    from hwdigitize.document import PageRef
    from hwdigitize.pages.ingest import count_pages, load_page
    from hwdigitize.settings import Settings

    settings = Settings()
    try:
        count = count_pages(path, settings)
        refs = [
            PageRef(path=str(path), file=path.name, sha256="", index=n) for n in range(count)
        ]
        images = [load_page(ref, settings).image for ref in refs]
    except errors.PageError as error:
        raise errors.TemplateError(f"{path}: {error.message}") from error
    return [i if i.ndim == 2 else cv2.cvtColor(i, cv2.COLOR_BGR2GRAY) for i in images]


# Behind the commands.


def _folder(template: str, templates: Path | None) -> Path:
    """The folder named, or that of the id among the templates."""
    from hwdigitize.forms.template import FILE, shipped_templates

    named = Path(template)
    if (named / FILE).is_file() or "/" in template:
        return named
    return (templates or shipped_templates()) / template


def _summary(template: Template) -> str:
    from collections import Counter

    kinds = Counter(field.kind for field in template.fields)
    parts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    pages = "1 page" if len(template.pages) == 1 else f"{len(template.pages)} pages"
    return f"{template.id} {template.version}: {pages}, {len(template.fields)} fields ({parts})"


def _numbered(out: Path, pages: int) -> Sequence[Path]:
    if pages == 1:
        return [out]
    return [out.with_name(f"{out.stem}-{n + 1}{out.suffix or '.png'}") for n in range(pages)]
