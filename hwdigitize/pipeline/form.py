"""A page of a known form: found among the templates, laid onto its template, read by field."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from hwdigitize import document as doc
from hwdigitize.errors import PageError
from hwdigitize.forms.confidence import Judge, load_fields_card
from hwdigitize.forms.crossing import rules_across, rules_within
from hwdigitize.forms.cutting import crop
from hwdigitize.forms.fields import FieldReading, field_value
from hwdigitize.forms.matching import Candidate, Index, build_index, match_page
from hwdigitize.forms.reading import FieldPage, read_fields
from hwdigitize.forms.records import Field, Template
from hwdigitize.forms.registration import Registration, register
from hwdigitize.forms.rules import check_rules
from hwdigitize.forms.structure import Structure, find_structure
from hwdigitize.forms.template import load_blank, load_templates, shipped_templates
from hwdigitize.pages.ingest import Scan
from hwdigitize.pipeline.sheet import Sheet, Stopwatch
from hwdigitize.settings import Settings

Grey = NDArray[np.uint8]
Image = NDArray[np.uint8]

#: template pages that are tried, the likeliest first
MOST_TRIED = 3
#: flag of a field whose place is not sure
FAR_FROM_PRINT = "far from any print found on the page, so that its place is not sure"
#: blanks kept by a process, 9 MB each
BLANKS_KEPT = 16


@dataclass(frozen=True, eq=False)
class Form:
    """The template page that a scan is of, and where it lies on the scan."""

    template: Template
    page: int
    registration: Registration

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of this page."""
        return self.template.on_page(self.page)


@dataclass(frozen=True, eq=False)
class _Known:
    """The templates of a folder and the index to match them by."""

    templates: dict[str, Template]
    index: Index


def find_form(scan: Scan, settings: Settings) -> Form | None:
    """The form that a scan is a page of; None where it is of no known form.

    Raises:
        PageError: ``weak_registration``, the page looks like one of a form, but cannot be laid
            onto it surely enough to cut its fields.
        TemplateError: the templates cannot be used.
    """
    known = _load_known(settings.templates)
    if not known.templates:
        return None
    grey = scan.image if scan.image.ndim == 2 else cv2.cvtColor(scan.image, cv2.COLOR_BGR2GRAY)
    weak: PageError | None = None
    for candidate in match_page(grey, known.index)[:MOST_TRIED]:
        template = known.templates[candidate.template_id]
        try:
            return Form(template, candidate.page, _lay(grey, template, candidate))
        except PageError as error:
            weak = weak or error
    if weak:
        raise weak
    return None


def read_form(scan: Scan, form: Form, settings: Settings, watch: Stopwatch) -> Sheet:
    """Read the fields of a form's page."""
    page, lay = form.template.pages[form.page], form.registration
    with watch.stage("rectify"):
        rectified = lay.rectify(scan.image, page.size_px)
    with watch.stage("fields"):
        blank, _ = _blank(form.template, form.page)
        on_scan = functools.partial(_on_scan, scan.image, lay)
        readings, hands = read_fields(
            FieldPage(rectified, blank, on_scan, form.template.folder),
            form.fields,
            models=settings.models,
            language=settings.language,
        )
    quarter = round(lay.turned_degrees / 90) % 4
    return Sheet(
        page=doc.Page(
            index=0,
            status="ok",
            rotation_degrees=-90 * quarter % 360,
            skew_degrees=round((lay.turned_degrees - 90 * quarter + 180) % 360 - 180, 3),
            template=doc.TemplateMatch(
                id=form.template.id,
                version=form.template.version,
                error_px=round(lay.residual_px, 3),
                page=form.page,
                pages=len(form.template.pages),
            ),
            fields=_values(form, readings, settings),
            rules=rules_across(form.template, form.page),
        ),
        hands=tuple(hands),
    )


def _values(
    form: Form, readings: Sequence[FieldReading], settings: Settings
) -> tuple[doc.FieldValue, ...]:
    judge = Judge(load_fields_card(settings.models), settings.max_error)
    lay, dpi = form.registration, form.template.pages[form.page].dpi
    readings = [
        reading.flagged(FAR_FROM_PRINT) if _is_far(field, lay, dpi) else reading
        for field, reading in zip(form.fields, readings, strict=True)
    ]
    broken = check_rules(
        rules_within(form.template, form.page),
        {field.name: r.value for field, r in zip(form.fields, readings, strict=True)},
    )
    readings = [
        reading.flagged(broken[field.name]) if field.name in broken else reading
        for field, reading in zip(form.fields, readings, strict=True)
    ]
    return tuple(
        msgspec.structs.replace(
            field_value(
                field,
                reading.with_evidence(residual_px=lay.residual_px),
                lay.box_to_scan(field.box),
                judge,
                settings.flag_below,
            ),
            polygon=_polygon(field.box, lay),
        )
        for field, reading in zip(form.fields, readings, strict=True)
    )


def _is_far(field: Field, lay: Registration, dpi: float) -> bool:
    boxes = [*field.boxes, *(choice.box for choice in field.choices)]
    return any(lay.is_far_from_print(box, dpi) for box in boxes)


def _polygon(box: doc.Box, lay: Registration) -> tuple[doc.Point, ...]:
    """Corners of a template box on the scan, clockwise from the template's upper left."""
    left, top, right, bottom = box
    corners = lay.to_scan([(left, top), (right, top), (right, bottom), (left, bottom)])
    return tuple((x, y) for x, y in np.rint(corners).astype(int).tolist())


def _on_scan(image: Image, lay: Registration, box: doc.Box) -> Image:
    """A template box as it lies on the scan, sharper than the rectified page."""
    left, top, right, bottom = lay.box_to_scan(box)
    return crop(image, (max(left, 0), max(top, 0), max(right, 0), max(bottom, 0)))


def _lay(grey: Grey, template: Template, candidate: Candidate) -> Registration:
    blank, structure = _blank(template, candidate.page)
    return register(grey, template, candidate.page, blank, structure=structure, found=candidate)


@functools.lru_cache(maxsize=2)
def _load_known(folder: str | None) -> _Known:
    """Load and index the templates of a folder, once a process."""
    place = shipped_templates() if folder is None else Path(folder)
    if folder is None and not place.is_dir():
        return _Known({}, build_index(()))
    templates = load_templates(place)
    return _Known({one.id: one for one in templates}, build_index(templates))


@functools.lru_cache(maxsize=BLANKS_KEPT)
def _blank(template: Template, page: int) -> tuple[Grey, Structure]:
    blank = load_blank(template, page)
    known = template.pages[page]
    return blank, find_structure(blank, known.dpi, known.marks)
