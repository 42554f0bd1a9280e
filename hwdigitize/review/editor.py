"""The editor of a form template: what its page in the browser asks of the disk.

A template that has mistakes can be opened too, to mend them. It is saved whole: form.toml is
written beside the old one, which stays as form.toml.bak, and then takes its place.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
import tomllib
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import msgspec

from hwdigitize.errors import TemplateError, UsageError
from hwdigitize.forms.checks import check_template
from hwdigitize.forms.grammar import compile_grammar
from hwdigitize.forms.records import KINDS, Template, TemplatePage
from hwdigitize.forms.rules import check_template_rules
from hwdigitize.forms.shapes import find_shapes
from hwdigitize.forms.template import FILE, load_blank, to_toml
from hwdigitize.review.server import NOT_FOUND, Answer, LocalServer

TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
#: where in a message the field is named
BY_NAME, BY_NUMBER = re.compile(r'field "([^"]*)"'), re.compile(r"fields\[(\d+)\]")
#: mistakes shown at once
MOST_PROBLEMS = 50


def open_editor(folder: Path, port: int = 0) -> LocalServer:
    """A server of the editor of one template; ``url`` is where, ``serve`` runs it.

    Raises:
        TemplateError: there is no form.toml, or it cannot be understood at all.
        UsageError: the port is taken.
    """
    editor = Editor(folder)
    editor.load()
    try:
        return LocalServer(editor.answer, port)
    except OSError as error:
        raise UsageError(f"port {port}: {error.strerror}. Choose another, or 0") from error


@dataclass
class Editor:
    """Answers the editor's page for the template in ``folder``."""

    folder: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _shapes: dict[int, list[Any]] = field(default_factory=dict)
    _sizes: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """What is edited."""
        return self.folder / FILE

    def answer(self, method: str, path: str, data: Any) -> Answer:
        """One request of the page."""
        name, _, rest = path.partition("/")
        if method == "POST" and name in ("check", "save"):
            return self._checked(data) if name == "check" else self._saved(data)
        if method != "GET":
            return NOT_FOUND
        if name == "template":
            return Answer.json(self.load())
        if name in ("blank", "shapes") and rest.isdecimal():
            return self._of_page(name, int(rest))
        return _static(path or "editor.html")

    def load(self) -> dict[str, Any]:
        """The template as it is on disk, its mistakes, and a stamp to save it by."""
        template, stamp = self._read()
        plain = msgspec.to_builtins(template)
        plain.pop("folder")
        return {
            "template": plain,
            "problems": find_problems(template, self.file),
            "stamp": stamp,
            "kinds": KINDS,
        }

    def _read(self) -> tuple[Template, str]:
        try:
            data = self.file.read_bytes()
        except OSError as error:
            raise TemplateError(
                f"{self.file}: cannot be read: {error.strerror}. "
                "`hwdigitize template draft` or `import` makes one."
            ) from error
        try:
            template = msgspec.convert(tomllib.loads(data.decode("utf-8")), Template)
        except (ValueError, msgspec.ValidationError) as error:
            raise TemplateError(f"{self.file}: {error}. Mend it in a text editor.") from error
        return self._whole(template), hashlib.sha256(data).hexdigest()

    def _whole(self, template: Template) -> Template:
        """The template with its folder and the sizes of its blanks."""
        template = msgspec.structs.replace(template, folder=str(self.folder))
        pages = tuple(self._sized(template, number) for number, _ in enumerate(template.pages))
        return msgspec.structs.replace(template, pages=pages)

    def _sized(self, template: Template, number: int) -> TemplatePage:
        page = template.pages[number]
        if Path(page.blank).name != page.blank:
            raise TemplateError(f"{self.file}: pages[{number}].blank is not a file name.")
        if page.blank not in self._sizes:
            height, width = load_blank(template, number).shape
            self._sizes[page.blank] = width, height
        return msgspec.structs.replace(page, size_px=self._sizes[page.blank])

    def _checked(self, data: Any) -> Answer:
        try:
            template = self._whole(parse(data["template"]))
        except (msgspec.ValidationError, KeyError, TypeError) as error:
            return Answer.json({"problems": [_problem(str(error), None)]})
        return Answer.json({"problems": find_problems(template, self.file)})

    def _saved(self, data: Any) -> Answer:
        """Save, unless somebody else changed the file or it would not be a template."""
        try:
            template, stamp = self._whole(parse(data["template"])), str(data["stamp"])
        except (msgspec.ValidationError, KeyError, TypeError) as error:
            return Answer.json({"error": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)
        with self._lock:
            try:
                before = hashlib.sha256(self.file.read_bytes()).hexdigest()
                if before != stamp and not data.get("force"):
                    return Answer.json({"changed": True}, HTTPStatus.CONFLICT)
                save_atomically(to_toml(template), self.file)
            except OSError as error:
                message = f"{self.file} cannot be written: {error.strerror}"
                return Answer.json({"error": message}, HTTPStatus.INTERNAL_SERVER_ERROR)
            stamp = hashlib.sha256(self.file.read_bytes()).hexdigest()
        problems = find_problems(template, self.file)
        return Answer.json({"stamp": stamp, "problems": problems})

    def _of_page(self, what: str, page: int) -> Answer:
        template, _ = self._read()
        if page >= len(template.pages):
            return NOT_FOUND
        blank = load_blank(template, page)
        if what == "blank":
            return Answer(cv2.imencode(".png", blank)[1].tobytes(), "image/png")
        if page not in self._shapes:
            found = find_shapes(blank, template.pages[page].dpi)
            self._shapes[page] = [[s.kind, [list(box) for box in s.boxes]] for s in found]
        return Answer.json(self._shapes[page])


def parse(plain: Any) -> Template:
    """A template of the page's data.

    Raises:
        msgspec.ValidationError: it is none.
    """
    if isinstance(plain, dict) and "folder" in plain:
        raise msgspec.ValidationError("folder is not to be given")
    return msgspec.convert(plain, Template)


def find_problems(template: Template, file: Path) -> list[dict[str, Any]]:
    """What is wrong with a template, field by field: number of the field (or None), message.

    Checking ends at the first mistake, so fields that have one are left out one by one.
    """
    problems: list[dict[str, Any]] = []
    numbers = list(range(len(template.fields)))
    while len(problems) < MOST_PROBLEMS:
        rest = tuple(template.fields[number] for number in numbers)
        try:
            check_template(msgspec.structs.replace(template, fields=rest), file)
            break
        except TemplateError as error:
            message = str(error).removeprefix(f"{file}: ")
            at = _field_at(message, [one.name for one in rest])
            problems.append(_problem(message, None if at is None else numbers[at]))
            if at is None:
                return problems
            del numbers[at]
    for number in numbers:
        try:
            compile_grammar(template.fields[number], file.parent)
        except TemplateError as error:
            problems.append(_problem(str(error).removeprefix(f"{file}: "), number))
    return problems or _rule_problems(template, file)


def _rule_problems(template: Template, file: Path) -> list[dict[str, Any]]:
    try:
        check_template_rules(template, file)
    except TemplateError as error:
        return [_problem(str(error).removeprefix(f"{file}: "), None)]
    return []


def _field_at(message: str, names: list[str]) -> int | None:
    """Which of the fields a message is about; the last of a name."""
    by_number, by_name = BY_NUMBER.search(message), BY_NAME.search(message)
    if by_number and int(by_number[1]) < len(names):
        return int(by_number[1])
    if by_name and by_name[1] in names:
        return len(names) - 1 - names[::-1].index(by_name[1])
    return None


def _problem(message: str, number: int | None) -> dict[str, Any]:
    said = re.sub(r'^(field "[^"]*"|fields\[\d+\])[^:]*: ', "", message)
    return {"field": number, "message": said[:1].upper() + said[1:]}


def save_atomically(text: str, file: Path) -> None:
    """Write a file whole or not at all; what it was before stays beside it as .bak."""
    new = file.with_name(f".{file.name}.new")
    with new.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    if file.exists():
        shutil.copy2(file, file.with_name(f"{file.name}.bak"))
    new.replace(file)


def _static(name: str) -> Answer:
    """A file of the page; the colours and type are those of the reports."""
    package = "hwdigitize.reports" if name == "base.css" else __package__
    kind = TYPES.get(Path(name).suffix)
    file = resources.files(package).joinpath("static").joinpath(Path(name).name)
    if kind is None or "/" in name or not file.is_file():
        return NOT_FOUND
    return Answer(file.read_bytes(), kind)
