"""A trained network in the formats that programs run."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Literal

import msgspec

from hwdigitize.errors import ModelError, UsageError
from hwdigitize.recognition.runtime import Name, load_card
from hwdigitize.training.datasets import Dataset
from hwdigitize.training.export import check, convert_apart, halve, hash_of, save_card
from hwdigitize.training.install import compare

Format = Literal["onnx", "onnx-fp16", "onnx-int8", "tflite", "keras"]

#: most that a network in 8 bits may lose, as a share of characters, glyphs or pages
MOST_LOST = 0.002


def to_format(
    name: Name, models: Path, out: Path, kind: Format, dataset: Dataset | None, split: str
) -> tuple[Path, str]:
    """Write ``out/name`` in a format, with its card where reading can use it.

    Args:
        name: words, characters or writers.
        models: folder with the ``.keras`` file and its card.
        out: folder to write to.
        kind: ``onnx`` has weights in single precision, ``onnx-fp16`` in half, ``onnx-int8`` in
            8 bits, with activations quantised while running.
        dataset: what the loss of 8 bits is measured on.
        split: which part of it.

    Returns:
        The file, and what was measured.

    Raises:
        ModelError: no ``.keras`` file, or 8 bits lose more than MOST_LOST.
        UsageError: 8 bits without data, or a conversion that fails.
    """
    source, card = models / f"{name}.keras", load_card(name, str(models))
    if not source.is_file():
        raise ModelError(f"no {source} to export from; name a folder with it by --models")
    if kind == "onnx-int8" and dataset is None:
        raise UsageError("8 bits may read worse: give data to measure the loss on with --data")
    if out.resolve() == models.resolve():
        raise UsageError(
            f"{out} is where the network comes from; name another folder with --out"
        )
    out.mkdir(parents=True, exist_ok=True)
    if kind == "keras":
        return Path(shutil.copyfile(source, out / source.name)), ""
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        suffix = ".tflite" if kind == "tflite" else ".onnx"
        part = Path(scratch) / f"{name}{suffix}"
        convert_apart(source, 1, part)
        if kind == "tflite":
            if b"Flex" in part.read_bytes():
                raise UsageError(
                    f"LiteRT has no operators of its own for the {name} network's recurrent "
                    f"layers; use onnx, or train a network without any (kind resnet-ctc)"
                )
            return part.replace(out / part.name), ""
        if kind == "onnx-int8":
            _quantise(part)
        else:
            if kind == "onnx-fp16":
                halve(part)
            check(part, source, 1)
        save_card(msgspec.structs.replace(card, sha256=hash_of(part)), part.parent)
        note = ""
        if dataset is not None:
            found = compare(name, dataset, split, models, part.parent, str(dataset.path))
            note = f"; {found}"
            if kind == "onnx-int8" and -found.gain > MOST_LOST:
                raise ModelError(
                    f"8 bits lose more than {100 * MOST_LOST:.1f} points: {found}; nothing was "
                    f"written, use onnx-fp16"
                )
        for path in (part, part.with_suffix(".json")):
            path.replace(out / path.name)
    return out / f"{name}.onnx", note


def _quantise(path: Path) -> None:
    """Weights of matrix products and LSTMs in 8 bits; convolutions would only become slower."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        path,
        path,
        op_types_to_quantize=["MatMul", "Gemm", "LSTM"],
        weight_type=QuantType.QInt8,
        per_channel=False,
    )
