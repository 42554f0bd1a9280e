"""By how many degrees the lines of a page slope.

The darkness of the page is projected along every candidate slope; the profile is sharpest along
the text lines, and sharper still along ruled and printed lines, which therefore win over
handwriting that slopes on its own. Sharpness is the energy of the profile's derivative, summed
in the frequency domain from narrow strips of the page (Postl, "Detection of linear oblique
structures and skew scan in digitized documents", ICPR 1986), where a strip can be shifted by
any fraction of a pixel at the price of one multiplication.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hwdigitize.pages.ink import Grey

Floats = npt.NDArray[np.float64]
Spectra = npt.NDArray[np.complex64]

LARGEST_DEGREES = 15.0
STRIPS = 100  # at least, on a page that wide
FAINT_AS_INK = 96  # darkness above this counts no more, so that faint rules are heard
COARSE_PERIOD_PX, FINE_PERIOD_PX = 12.0, 2.5  # shortest waves of the profile that are looked at
LEAST_CONTRAST = 1.6  # sharpness of the best slope over the typical one; less is no evidence


@dataclass(frozen=True, slots=True)
class Skew:
    """``degrees`` clockwise by which the lines fall to the right; ``contrast`` is the evidence.

    ``contrast`` is the sharpness of the profile at the best slope over the median of all
    slopes, 1 where no slope stands out.
    """

    degrees: float
    contrast: float


def find_skew(grey: Grey) -> Skew:
    """Slope of the lines of a page, within 15 degrees; 0 where nothing tells.

    ``grey`` is (H, W) with ink dark on paper near 255, at about 100 to 150 dpi.
    """
    spectra, step = _strip_spectra(grey)
    coarse = _coarse_skew(spectra, step)
    if coarse.contrast < LEAST_CONTRAST:
        return Skew(0.0, coarse.contrast)
    best, length = coarse.degrees, 2 * (spectra.shape[1] - 1)
    fine = spectra[:, : max(2, int(length / FINE_PERIOD_PX))]
    for reach, count in ((0.24, 9), (0.06, 7)):
        degrees = best + np.linspace(-reach, reach, count)
        energy = _sharpness(fine, degrees, step, length)
        best = _peak(degrees, energy)
    return Skew(float(np.clip(best, -LARGEST_DEGREES, LARGEST_DEGREES)), coarse.contrast)


def slope_contrast(grey: Grey) -> float:
    """How much sharper the page is along its best slope than along others, 1 for not at all."""
    return _coarse_skew(*_strip_spectra(grey)).contrast


def _coarse_skew(spectra: Spectra, step: float) -> Skew:
    """The best slope to a quarter degree, by the slow waves of the profile."""
    length = 2 * (spectra.shape[1] - 1)
    waves = spectra[:, : max(2, int(length / COARSE_PERIOD_PX))]
    degrees = np.arange(-LARGEST_DEGREES, LARGEST_DEGREES + 0.01, 0.25)
    energy = _sharpness(waves, degrees, step, length)
    typical = float(np.median(energy))
    if typical == 0:
        return Skew(0.0, 1.0)
    return Skew(float(degrees[energy.argmax()]), float(energy.max()) / typical)


def _strip_spectra(grey: Grey) -> tuple[Spectra, float]:
    """Spectra (strips, frequencies) of the darkness of vertical strips, and their distance.

    The page is padded below with paper, so that nothing shifted out comes back in.
    """
    height, width = grey.shape
    step = max(1, width // STRIPS)
    count = width // step
    dark = cv2.min(cv2.bitwise_not(grey[:, : count * step]), FAINT_AS_INK).astype(np.float32)
    strips = cv2.resize(dark, (count, height), interpolation=cv2.INTER_AREA).T
    shift = width * np.tan(np.radians(LARGEST_DEGREES))
    length = cv2.getOptimalDFTSize(height + int(shift) + 1)
    spectra = np.fft.rfft(strips, length + length % 2, axis=1).astype(np.complex64)
    return spectra, step


def _sharpness(spectra: Spectra, degrees: Floats, step: float, length: int) -> Floats:
    """Energy of the derivative of the projection along each slope.

    Horner's scheme over strips: strip i is shifted up by i times ``step`` times the slope.
    """
    frequencies = np.arange(spectra.shape[1])
    turns = np.outer(np.tan(np.radians(degrees)) * step, frequencies) / length
    shift = np.exp(2j * np.pi * turns).astype(np.complex64)
    profile = np.zeros(shift.shape, np.complex64)
    for strip in spectra[::-1]:
        profile *= shift
        profile += strip
    power = profile.real**2 + profile.imag**2
    return np.asarray(power @ (frequencies.astype(np.float64) ** 2), np.float64)


def _peak(degrees: Floats, energy: Floats) -> float:
    """Place of the maximum, by a parabola through it and its neighbours."""
    best = int(energy.argmax())
    if not 0 < best < len(energy) - 1:
        return float(degrees[best])
    before, here, after = energy[best - 1 : best + 2]
    bend = before - 2 * here + after
    offset = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(degrees[best] + offset * (degrees[1] - degrees[0]))
