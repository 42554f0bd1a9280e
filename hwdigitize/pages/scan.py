"""A page as loaded, and the limit that is checked before anything is decoded."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwdigitize.document import Problem
from hwdigitize.errors import PageError
from hwdigitize.settings import Settings

STAGE = "ingest"

#: larger pages are loaded grey: colour at the cap of 200 megapixels would take 1.4 GB
COLOUR_MEGAPIXELS = 60.0

#: maps and plans come up to this
REAL_MEGAPIXELS = 10_000.0

#: resolutions outside are slips of a scanner's or camera's software
LOWEST_DPI, HIGHEST_DPI = 20.0, 2400.0


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """One page as loaded: ``image`` is uint8, grey (H, W) or BGR (H, W, 3), C-contiguous.

    ``dpi`` is None where the file names none that makes sense. ``problems`` tells what is
    missing from a page that loaded in spite of damage.
    """

    image: NDArray[np.uint8]
    dpi: float | None
    problems: tuple[Problem, ...] = ()


def refused(code: str, message: str) -> PageError:
    """The error that stops a page while it is loaded."""
    return PageError(STAGE, code, message)


def damage(code: str, message: str) -> Problem:
    """The problem of a page that loaded, but not whole."""
    return Problem(stage=STAGE, code=code, message=message)


def megapixels(width: float, height: float) -> float:
    """Size of a page of ``width`` x ``height`` pixels."""
    return width * height / 1e6


def check_size(
    width: float,
    height: float,
    settings: Settings,
    remedy: str = "scan it at a lower resolution",
) -> None:
    """Refuse a page before it costs memory.

    Raises:
        PageError: ``too_large``, more than ``settings.max_megapixels``; or ``damaged``, no
            pixels at all.
    """
    if width < 1 or height < 1:
        raise refused("damaged", "The page has no width or no height: the file is damaged.")
    size = megapixels(width, height)
    if size > settings.max_megapixels:
        raise too_large(size, settings, remedy, f"{width:,.0f} x {height:,.0f} pixels, ")


def too_large(
    size: float,
    settings: Settings,
    remedy: str = "scan it at a lower resolution",
    sides: str = "",
) -> PageError:
    """The error for a page of ``size`` megapixels, its ``sides`` in words where known."""
    advice = (
        f"If it is a real scan, {remedy}, or raise the limit with --max-megapixels "
        f"{math.ceil(size)}."
        if size < REAL_MEGAPIXELS
        else "No scan is that large: the file is damaged or made to do harm. (The limit is "
        "--max-megapixels.)"
    )
    return refused(
        "too_large",
        f"The page has {sides}{size:,.0f} megapixels; more than "
        f"{settings.max_megapixels:g} are not opened. {advice}",
    )


def likely_dpi(value: float) -> float | None:
    """``value`` where it can be the resolution of a scan, else None (also for NaN)."""
    rounded = round(float(value), 2) if math.isfinite(value) else 0.0
    return rounded if LOWEST_DPI <= rounded <= HIGHEST_DPI else None
