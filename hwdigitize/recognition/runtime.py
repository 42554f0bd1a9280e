"""Loading and running the shipped networks, with ONNX Runtime, one thread a process.

A network is three files of one name: ``words.onnx`` (what runs), ``words.json`` (its card) and
``words.keras`` (for fine-tuning; not needed here). The card holds the hash of the weights, so
that a damaged or mixed-up file is noticed before a page is read with it.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from hwdigitize.errors import ModelError

Name = Literal["words", "characters", "writers"]


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a network; written at export, completed by evaluation.

    ``sha256`` is that of the weights that run, ``files`` has those of all files beside the
    card. ``classes`` are the characters of the output in order (the CTC blank left out),
    ``input`` its geometry, ``calibration`` what turns scores into probabilities, ``scores``
    measured figures by data set with the command that made them, ``training`` data,
    licences, seed and date.
    """

    name: Name
    version: str
    sha256: str
    files: dict[str, str] = {}
    classes: tuple[str, ...] = ()
    input: dict[str, Any] = {}
    calibration: dict[str, Any] = {}
    scores: dict[str, Any] = {}
    training: dict[str, Any] = {}


class Network:
    """A loaded network; ``run`` maps a batch to its outputs."""

    def __init__(self, session: onnxruntime.InferenceSession, card: Card) -> None:
        self.card = card
        self._session = session
        self._input = session.get_inputs()[0].name

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Outputs for a batch; shapes are those of the network's builder in training."""
        return self._session.run(None, {self._input: batch})


def models_folder(folder: str | None = None) -> Path:
    """The folder given, or the one that the package ships, in checkout and wheel alike."""
    if folder is not None:
        return Path(folder)
    package = Path(__file__).resolve().parent.parent
    inside = package / "models"
    return inside if inside.is_dir() else package.parent / "models"


@functools.cache
def load_network(name: Name, folder: str | None = None) -> Network:
    """Load a network once a process.

    Raises:
        ModelError: weights or card are missing, damaged or do not belong together.
    """
    weights = models_folder(folder) / f"{name}.onnx"
    card = load_card(name, folder)
    try:
        data = weights.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read weights {weights}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise ModelError(
            f"weights {weights} are damaged or not those of their card; "
            f"install the package again, or export the network again"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # The arena keeps the largest batch ever seen; crops differ too much in width for that.
    options.enable_cpu_mem_arena = False
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return Network(session, card)


@functools.cache
def load_card(name: Name, folder: str | None = None) -> Card:
    """Read a network's card without its weights.

    Raises:
        ModelError: the card is missing or not valid.
    """
    path = models_folder(folder) / f"{name}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Card)
    except OSError as error:
        raise ModelError(f"cannot read model card {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ModelError(f"model card {path} is damaged: {error}") from error
