"""The words network's input, on crops drawn for the test."""

import numpy as np
import pytest

from hwdigitize.recognition.inputs import MARGIN_PX, WIDTH_STEP_PX, prepare, stack


def stroke(height: int, width: int, paper: int = 255, ink: int = 0) -> np.ndarray:
    crop = np.full((height, width), paper, np.uint8)
    crop[height // 4 : height // 2, width // 4 : width // 2] = ink
    return crop


@pytest.mark.parametrize("size", [(64, 200), (20, 35), (1, 1), (500, 3)])
def test_height_is_the_networks_and_aspect_is_kept(size: tuple[int, int]) -> None:
    image = prepare(stroke(*size), 32)
    assert image.shape == (32, max(round(size[1] * 32 / size[0]), 4) + 2 * MARGIN_PX)


def test_faint_ink_on_grey_paper_reads_like_black_on_white() -> None:
    black = prepare(stroke(64, 128), 32)
    faint = prepare(stroke(64, 128, paper=200, ink=120), 32)
    assert np.abs(black - faint).max() < 0.02
    assert black.max() == 1.0


def test_paper_noise_is_not_blown_up_to_ink() -> None:
    rng = np.random.default_rng(0)
    blank = rng.integers(248, 256, (40, 100)).astype(np.uint8)
    assert prepare(blank, 32).mean() < 0.1


def test_stack_pads_with_paper_to_a_multiple_of_the_step() -> None:
    batch = stack([prepare(stroke(32, 40), 32), prepare(stroke(32, 90), 32)])
    assert batch.shape[0] == 2 and batch.shape[2] % WIDTH_STEP_PX == 0
    assert batch[0, :, 40 + 2 * MARGIN_PX :].max() == 0.0


def test_a_network_of_one_width_gets_just_that() -> None:
    images = [prepare(stroke(32, width), 32, 128) for width in (40, 400)]
    assert [image.shape for image in images] == [(32, 48), (32, 128)]
    assert stack(images, 128).shape == (2, 32, 128, 1)
    assert stack(images[:1], 128).shape == (1, 32, 128, 1)
