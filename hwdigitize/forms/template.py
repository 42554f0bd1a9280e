"""Form templates on disk: a folder with form.toml and the blank of each page.

Whatever a folder holds, loading it returns a checked :class:`Template` or raises
:class:`~hwdigitize.errors.TemplateError`, which names the file, the key and the remedy.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hwdigitize.errors import TemplateError
from hwdigitize.forms.checks import bad, check_template
from hwdigitize.forms.grammar import compile_grammar
from hwdigitize.forms.records import Choice, Field, Grammar, Template, TemplatePage
from hwdigitize.forms.rules import check_template_rules

__all__ = [
    "FILE",
    "Choice",
    "Field",
    "Grammar",
    "Template",
    "TemplatePage",
    "load_blank",
    "load_template",
    "load_templates",
    "save_template",
    "shipped_templates",
]

#: what describes a template, in its folder
FILE = "form.toml"
#: larger blanks are refused before they are decoded
MOST_MEGAPIXELS = 200.0
#: larger files are no form.toml
MOST_BYTES = 20_000_000
#: what Pillow raises on files that are no image
_PILLOW_ERRORS = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


def load_template(folder: Path | str) -> Template:
    """Load a template and check it whole: boxes, names, grammars, rules, blanks.

    Raises:
        TemplateError: a file is missing or a key is wrong; the message says what to change.
    """
    file = Path(folder) / FILE
    given = _parsed(file)
    if "folder" in given:
        raise bad(file, "folder", "is not a key of form.toml", "Leave it out")
    try:
        template = msgspec.convert(given, Template)
    except msgspec.ValidationError as error:
        raise _refused(file, str(error)) from error
    pages = tuple(_sized(file, number, page) for number, page in enumerate(template.pages))
    template = msgspec.structs.replace(template, pages=pages, folder=str(folder))
    check_template(template, file)
    for field in template.fields:
        compile_grammar(field, folder)
    check_template_rules(template, file)
    return template


def load_templates(folder: Path | str) -> tuple[Template, ...]:
    """Load every template of a folder of templates, in the order of their folders' names.

    Raises:
        TemplateError: one of them cannot be used, or two have one id.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise TemplateError(
            f"{folder}: no folder of templates. Give the folder that holds them"
        )
    templates = tuple(load_template(file.parent) for file in sorted(folder.glob(f"*/{FILE}")))
    seen: dict[str, str] = {}
    for template in templates:
        other = seen.setdefault(template.id, template.folder)
        if other != template.folder:
            what = f'"{template.id}" is that of {other} too'
            raise bad(template.path(FILE), "id", what, "Give each template an id of its own")
    return templates


def shipped_templates() -> Path:
    """The folder of templates that comes with the package, in checkout and wheel alike."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def load_blank(template: Template, page: int) -> NDArray[np.uint8]:
    """The blank of a page, grey uint8 (height, width), paper near 255.

    Raises:
        TemplateError: it cannot be decoded.
    """
    path = template.path(template.pages[page].blank)
    try:
        with Image.open(path) as image:
            if image.has_transparency_data:
                paper = Image.new("RGBA", image.size, "white")
                paper.alpha_composite(image.convert("RGBA"))
                return np.asarray(paper.convert("L"))
            return np.asarray(image.convert("L"))
    except _PILLOW_ERRORS as error:
        raise _not_a_blank(template.path(FILE), page, path) from error


def save_template(
    template: Template, folder: Path | str, blanks: Sequence[NDArray[np.uint8]] = ()
) -> None:
    """Write form.toml, and the blanks (grey, one a page) where they are given.

    Raises:
        TemplateError: the folder cannot be written.
    """
    file = Path(folder) / FILE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        for page, blank in zip(template.pages, blanks, strict=False):
            Image.fromarray(blank).save(file.parent / page.blank, optimize=True)
        file.write_text(to_toml(template), "utf-8")
    except OSError as error:
        raise TemplateError(f"{file}: cannot be written: {error.strerror}") from error


def to_toml(template: Template) -> str:
    """form.toml of a template; what has its default value is left out."""
    plain = {key: value for key, value in _plain(template).items() if key != "folder"}
    tables = [(name, plain.pop(name, [])) for name in ("pages", "fields")]
    parts = [_assignments(plain)]
    for name, rows in tables:
        for row in rows:
            parts.append(f"[[{name}]]\n" + _assignments(row))
    return "\n".join(parts)


# Behind them.


def _parsed(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise bad(file, "", "is too large for a template", "Is it the right file?")
        # TOML's own dates and times become text, as msgspec cannot tell them apart
        return msgspec.to_builtins(tomllib.loads(file.read_text("utf-8")))
    except OSError as error:
        remedy = "`hwdigitize template draft` or `import` makes one"
        raise bad(file, "", f"cannot be read: {error.strerror or error}", remedy) from error
    except UnicodeDecodeError as error:
        raise bad(file, "", "is not UTF-8 text", "Save it as UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise bad(file, "", f"is not TOML: {error}", "Correct that line") from error
    except ValueError as error:  # such as a number of more digits than Python reads
        raise bad(file, "", f"has a value that cannot be: {error}", "Correct it") from error


def _refused(file: Path, message: str) -> TemplateError:
    """Turn msgspec's words into the key and what is wrong with it."""
    what, _, where = message.partition(" - at `")
    key = where.rstrip("`").removeprefix("$").removeprefix(".")
    kind: type[msgspec.Struct] = Template
    for name, struct in (("pages", TemplatePage), ("fields", Field)):
        kind = struct if key.startswith(name) else kind
    kind = Choice if ".choices" in key else Grammar if ".grammar" in key else kind
    known = ", ".join(name for name in kind.__struct_fields__ if name != "folder")
    return bad(file, key, what.replace("Object ", "").lower(), f"Known keys there: {known}")


def _sized(file: Path, number: int, page: TemplatePage) -> TemplatePage:
    """The page with its blank's size, read from the image's head."""
    key = f"pages[{number}]"
    if not page.blank or Path(page.blank).name != page.blank or page.blank in (".", ".."):
        remedy = "Name an image beside form.toml"
        raise bad(file, f"{key}.blank", f'"{page.blank}" is not a file name', remedy)
    path = file.parent / page.blank
    if not path.is_file():
        remedy = "Put the image of the empty page there"
        raise bad(file, f"{key}.blank", f"there is no {page.blank} beside form.toml", remedy)
    try:
        with Image.open(path) as image:
            size = image.size
    except _PILLOW_ERRORS as error:
        raise _not_a_blank(file, number, path) from error
    if size[0] * size[1] > MOST_MEGAPIXELS * 1e6:
        what = f"{page.blank} has {size[0]} x {size[1]} pixels"
        raise bad(file, f"{key}.blank", what, "Make the blank at 300 dpi")
    if page.size_px not in ((0, 0), size):
        what = f"is {list(page.size_px)}, but {page.blank} has {list(size)}"
        raise bad(file, f"{key}.size_px", what, "Leave the key out, or mend the blank")
    return msgspec.structs.replace(page, size_px=size)


def _not_a_blank(file: Path, page: int, path: Path) -> TemplateError:
    what = f"{path.name} is not an image that can be read"
    return bad(file, f"pages[{page}].blank", what, "Save the empty page as PNG")


def _plain(record: msgspec.Struct) -> dict[str, Any]:
    """A record as what TOML holds, without its defaults."""
    plain: dict[str, Any] = {}
    for info in msgspec.structs.fields(record):
        value = getattr(record, info.name)
        if value == info.default:
            continue
        if isinstance(value, msgspec.Struct):
            value = _plain(value)
        elif isinstance(value, tuple):
            value = [_plain(v) if isinstance(v, msgspec.Struct) else v for v in value]
        plain[info.name] = value
    return plain


def _assignments(table: dict[str, Any], prefix: str = "") -> str:
    lines = []
    for key, value in table.items():
        if isinstance(value, dict):
            lines.append(_assignments(value, f"{prefix}{key}."))
        else:
            lines.append(f"{prefix}{key} = {_value(value)}\n")
    return "".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return re.sub(r"[\x7f]", r"\\u007F", json.dumps(value, ensure_ascii=False))
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        parts = [_value(part) for part in value]
        text = "[" + ", ".join(parts) + "]"
        return text if len(text) <= 90 else "[\n" + "".join(f"  {p},\n" for p in parts) + "]"
    return repr(value)
