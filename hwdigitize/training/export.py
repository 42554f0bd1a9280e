"""From a trained Keras network to the files that reading uses.

The conversion is that of Keras (tf2onnx below it), which needs the TensorFlow backend and gives
the LSTM as ONNX's own operator; a process of its own does it where another backend runs. The
result is checked against Keras before anything is replaced.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np
import onnx
import onnxruntime

from hwdigitize.errors import UsageError
from hwdigitize.recognition.runtime import Card, Name

#: largest difference of an output between Keras and ONNX Runtime with weights in half precision
TOLERANCE = 0.02
#: smaller weights (biases, scales) keep full precision
LEAST_HALVED = 1024


def export(
    network: Path,
    folder: Path,
    name: Name,
    version: str,
    *,
    classes: tuple[str, ...] = (),
    outputs: int = 1,
    geometry: dict[str, Any] | None = None,
    calibration: dict[str, Any] | None = None,
    training: dict[str, Any] | None = None,
) -> Card:
    """Write ``folder/name.onnx``, ``.keras`` and ``.json`` from a ``.keras`` file.

    Args:
        network: the trained network.
        folder: where reading looks for networks.
        name: words, characters or writers.
        version: of the weights.
        classes: characters of the output.
        outputs: how many outputs to keep; auxiliary heads come last and are dropped.
        geometry: what the input must look like.
        calibration: what turns scores into probabilities.
        training: data, licences, seed, date.

    Returns:
        The card.

    Raises:
        UsageError: the conversion fails, or the exported network computes something else than
            the trained one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        weights = Path(scratch) / f"{name}.onnx"
        convert_apart(network, outputs, weights)
        halve(weights)
        check(weights, network, outputs)
        card = Card(
            name=name,
            version=version,
            sha256=hash_of(weights),
            classes=classes,
            input=geometry or {},
            calibration=calibration or {},
            training=training or {},
        )
        weights.replace(folder / weights.name)
    _save_compact(network, folder / f"{name}.keras")
    save_card(card, folder)
    return card


def convert(network: Path, outputs: int, target: Path) -> None:
    """Write the first outputs of a ``.keras`` file as ONNX or LiteRT, with TensorFlow."""
    model = _first_outputs(network, outputs)
    model.predict_on_batch(_probe(model))  # a model that was never called is not exported
    form = "litert" if target.suffix == ".tflite" else "onnx"
    model.export(target, format=form, verbose=False)


def _first_outputs(network: Path, outputs: int) -> keras.Model:
    trained = keras.models.load_model(network, compile=False)
    kept = trained.outputs[:outputs]
    return keras.Model(trained.inputs, kept[0] if outputs == 1 else kept)


def convert_apart(network: Path, outputs: int, target: Path) -> None:
    """:func:`convert`, in a process with TensorFlow where another backend runs here.

    Raises:
        UsageError: the conversion fails.
    """
    if keras.backend.backend() == "tensorflow":
        return convert(network, outputs, target)
    command = [sys.executable, "-m", __spec__.name, str(network), str(outputs), str(target)]
    quiet = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=os.environ | quiet, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or "it says nothing").splitlines()[-1]
        raise UsageError(f"{network} cannot be converted with TensorFlow: {last}")
    return None


def save_card(card: Card, folder: Path) -> None:
    """Write ``folder/name.json`` with the hashes of the network's files."""
    files = {
        path.name: hash_of(path)
        for path in sorted(folder.glob(f"{card.name}.*"))
        if path.suffix != ".json"
    }
    card = msgspec.structs.replace(card, files=files)
    text = msgspec.json.format(msgspec.json.encode(card), indent=2)
    part = folder / f"part-{card.name}.json"
    part.write_bytes(text + b"\n")
    part.replace(folder / f"{card.name}.json")


def halve(path: Path) -> None:
    """Store weights in half precision, widened again when the network is loaded.

    Half the size on disk and the same arithmetic; ONNX Runtime folds the casts away.
    """
    model = onnx.load(path)
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < LEAST_HALVED:
            continue
        name = weight.name
        half = onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}:half")
        weight.CopyFrom(half)
        casts.append(
            onnx.helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, path)


def _save_compact(network: Path, path: Path) -> None:
    """Save for fine-tuning, weights rounded to half precision so that the archive packs."""
    model = keras.models.load_model(network, compile=False)
    for weight in model.weights:
        values = keras.ops.convert_to_numpy(weight)
        if values.dtype == np.float32:
            weight.assign(values.astype(np.float16).astype(np.float32))
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        loose, packed = Path(scratch) / path.name, Path(scratch) / "packed"
        model.save(loose)
        with (
            zipfile.ZipFile(loose) as source,
            zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
        ):
            for member in source.infolist():
                target.writestr(member.filename, source.read(member))
        packed.replace(path)


def _probe(model: keras.Model) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A batch of noise in the network's input shape; free sides get 96 pixels."""
    shape = [side or 96 for side in model.inputs[0].shape[1:]]
    return np.random.default_rng(0).random((3, *shape), dtype=np.float32)


def check(weights: Path, network: Path, outputs: int) -> None:
    """Compare what an ONNX file and its ``.keras`` file compute of noise.

    Raises:
        UsageError: they differ by more than TOLERANCE.
    """
    model = _first_outputs(network, outputs)
    probe = _probe(model)
    expected = model.predict_on_batch(probe)
    session = onnxruntime.InferenceSession(weights, providers=["CPUExecutionProvider"])
    got = session.run(None, {session.get_inputs()[0].name: probe})
    wanted = expected if outputs > 1 else [expected]
    worst = max(float(np.abs(a - b).max()) for a, b in zip(got, wanted, strict=True))
    if worst > TOLERANCE:
        raise UsageError(f"{weights.name} differs from the trained network by {worst:.2g}")


def hash_of(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    convert(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
