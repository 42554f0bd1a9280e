"""Settings of a run: defaults, then a TOML file, then flags; an unknown key is an error."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from hwdigitize.errors import UsageError

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Above0 = Annotated[float, msgspec.Meta(gt=0)]
_AtLeast1 = Annotated[int, msgspec.Meta(ge=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that changes what a page reads as. Picklable; sent to every worker.

    Paths are absolute or relative to the working folder; None means what the package ships.
    """

    #: resolution at which PDF pages that are not one scanned image are rendered
    dpi: _AtLeast1 = 300
    #: larger pages are refused before anything is decoded
    max_megapixels: _Above0 = 200.0
    #: text file with one PDF password a line, tried in order
    password_file: str | None = None
    #: turn pages scanned sideways or upside down
    orient: bool = True
    #: straighten skewed pages
    deskew: bool = True
    #: remove ruled lines before reading
    unrule: bool = True
    #: folder with the weight files
    models: str | None = None
    #: gallery file of known writers
    gallery: str | None = None
    #: "greedy" takes the best path, "beam" a prefix beam search, which gives alternatives
    decoder: Literal["greedy", "beam"] = "beam"
    #: prefixes kept by the beam search
    beam_width: _AtLeast1 = 8
    #: words that the beam search expects: "none", "en", "fr", "names", several joined by "+",
    #: or another language with the extra hwdigitize[languages]
    language: str = "en+fr"
    #: folder of form templates; a page of none of them is then a problem
    templates: str | None = None
    #: share of wrong values that may be among the fields accepted without a person
    max_error: _Share = 0.02
    #: what is less sure than this is flagged
    flag_below: _Share = 0.8
    #: seconds after which a page is given up
    page_seconds: _Above0 = 120.0
    #: memory of a worker above which its page is given up
    worker_megabytes: _AtLeast1 = 1500
    #: keep a scan and a thumbnail of each page for the HTML report
    report_images: bool = True


def load_settings(path: Path | None, flags: dict[str, Any]) -> Settings:
    """Merge defaults, the TOML file at ``path`` and the flags that are not None.

    Raises:
        UsageError: the file cannot be read, is not TOML, has an unknown key or a value of the
            wrong type; the message names the file and the key.
    """
    merged: dict[str, Any] = {}
    if path is not None:
        try:
            merged = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageError(f"cannot read settings file {path}: {error}") from error
    merged |= {key: value for key, value in flags.items() if value is not None}
    try:
        return msgspec.convert(merged, Settings)
    except msgspec.ValidationError as error:
        known = f". Known keys: {', '.join(Settings.__struct_fields__)}"
        unknown = "unknown field" in str(error)
        raise UsageError(f"{path or 'settings'}: {error}{known * unknown}") from error
