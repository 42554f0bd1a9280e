"""From data sets to a trained words network: what ``train words`` does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import keras
import numpy as np

from hwdigitize.errors import DataError, ModelError, UsageError
from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.runtime import models_folder
from hwdigitize.training.datasets import Dataset
from hwdigitize.training.export import export
from hwdigitize.training.inspection import require_alphabet, without_unwritable
from hwdigitize.training.networks.crnn import CrnnConfig
from hwdigitize.training.plans import changed, require_tables
from hwdigitize.training.pools import Pool, build_pool
from hwdigitize.training.release import calibrate, score
from hwdigitize.training.runs import Report, Start, beside_shipped
from hwdigitize.training.words import WordsTraining, train_words

#: validation samples of a source that are read while training
MOST_VALIDATED = 500
#: batches where weights are given to start from: some minutes
TUNING_STEPS = 600


def fit_words(
    dataset: Dataset | None, drawn: Sequence[Pool], start: Start, report: Report
) -> WordsTraining:
    """Train, or resume, a words network; see :func:`words.train_words`.

    Args:
        dataset: words and lines; its valid split is validated on.
        drawn: pools of drawn words, to train on only.
        start: what the run is told.
        report: told of damaged samples.

    Raises:
        DataError: a split is empty, or holds characters that the alphabet lacks.
        UsageError: a configuration that makes no sense.
    """
    require_tables(start.plan, {"training", "network", "shares"})
    if dataset is None:
        raise DataError("drawn words alone cannot be validated on; add real data with --data")
    alphabet = Alphabet()
    ready = writable(dataset.of_kind("word", "line"), alphabet, start.skip_unknown)
    ready = ready.with_splits()
    training, network = words_plan(start)
    pools = [words_pool(ready.split("train"), alphabet, report), *drawn]
    valid = words_pool(ready.split("valid"), alphabet, report)
    shares = start.plan.get("shares", {})
    train_words(
        weighted(pools, shares),
        {name: fewer(pool, training.seed) for name, pool in by_source(valid).items()},
        start.out,
        alphabet,
        network,
        training,
        start.start_from,
    )
    return training


def writable(dataset: Dataset, alphabet: Alphabet, skip_unknown: bool) -> Dataset:
    """The samples that can be learned; see :func:`inspection.require_alphabet`."""
    if skip_unknown:
        return without_unwritable(dataset, alphabet)
    require_alphabet(dataset, alphabet)
    return dataset


def words_plan(start: Start) -> tuple[WordsTraining, CrnnConfig]:
    """The configurations: defaults, those of the weights to start from, file, flags."""
    base = CrnnConfig() if start.start_from is None else crnn_config_of(start.start_from)
    network = changed(base, start.plan.get("network", {}), "network")
    given = start.plan.get("training", {})
    training = changed(WordsTraining(), given, "training")
    tunes = start.start_from is not None
    steps = start.steps or (TUNING_STEPS if tunes and "steps" not in given else training.steps)
    # A short run warms up, decays and validates in proportion, unless told otherwise.
    shorter: dict[str, Any] = {
        "warmup_steps": min(training.warmup_steps, max(steps // 10, 1)),
        "decay_steps": min(training.decay_steps, max(steps // 2, 1)),
        "validate_every": min(training.validate_every, max(steps // 5, 1)),
    }
    if tunes:
        shorter["learning_rate"] = training.learning_rate / 3
    kept = {name: value for name, value in shorter.items() if name not in given}
    seed = training.seed if start.seed is None else start.seed
    return replace(training, steps=steps, seed=seed, **kept), network


def crnn_config_of(weights: Path) -> CrnnConfig:
    """The sizes of a trained words network.

    Raises:
        ModelError: the file is no words network.
    """
    try:
        model = keras.models.load_model(weights, compile=False)
        convolutions = [
            layer.filters
            for layer in model.layers
            if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (3, 3)
        ]
        recurrent = [x for x in model.layers if isinstance(x, keras.layers.Bidirectional)]
        first, last = convolutions[2], convolutions[-1]
        return CrnnConfig(
            height_px=int(model.input_shape[1]),
            stem_filters=(convolutions[0], convolutions[1]),
            block_filters=(first, last),
            blocks_per_stage=(len(convolutions) - 2) // 4,
            lstm_units=recurrent[0].forward_layer.units,
            lstm_layers=len(recurrent),
        )
    except (OSError, ValueError, IndexError, TypeError) as error:
        raise ModelError(f"{weights} holds no words network: {error}") from error


def words_pool(dataset: Dataset, alphabet: Alphabet, report: Report) -> Pool:
    """All crops of a set in memory; sources are told apart by kind, as in ``IAM-words``."""
    return build_pool(
        ((image, s.text, f"{s.source}-{s.kind}s") for s, image in dataset.images(report)),
        alphabet,
    )


def by_source(pool: Pool) -> dict[str, Pool]:
    """A pool for each source."""
    sources = np.array(pool.sources)
    return {str(name): pool.select(sources == name) for name in np.unique(sources)}


def weighted(pools: Sequence[Pool], shares: Mapping[str, Any]) -> list[tuple[Pool, float]]:
    """Pools by source with how often to draw from each: as many as it has, unless told.

    Raises:
        UsageError: a share for a source that is not there, or one that is no number.
    """
    parts = {name: part for pool in pools for name, part in by_source(pool).items()}
    for name, share in shares.items():
        if name not in parts or not isinstance(share, int | float) or share < 0:
            raise UsageError(
                f"[shares] {name} = {share!r} makes no sense; sources are {', '.join(parts)}"
            )
    return [(part, float(shares.get(name, len(part)))) for name, part in parts.items()]


def fewer(pool: Pool, seed: int) -> Pool:
    """At most MOST_VALIDATED samples, chosen by seed."""
    keep = np.zeros(len(pool), bool)
    keep[np.random.default_rng(seed).permutation(len(pool))[:MOST_VALIDATED]] = True
    return pool.select(keep)


def install_words(
    run: Path, dataset: Dataset, report: Report, skip_unknown: bool
) -> dict[str, dict[str, Any]]:
    """Export the best network of a run into ``run/models`` and calibrate it.

    Returns:
        Scores on the valid split of the network before (the shipped one) and now.

    Raises:
        UsageError: Keras runs on another backend than TensorFlow.
    """
    alphabet = Alphabet()
    ready = writable(dataset.of_kind("word", "line"), alphabet, skip_unknown).with_splits()
    seed = json.loads((run / "config.json").read_text())["training"]["seed"]
    valid = fewer(words_pool(ready.split("valid"), alphabet, report), seed)
    before = score(valid, models_folder(), frozenset())
    folder = beside_shipped(run)
    config = json.loads((run / "config.json").read_text())
    export(
        run / "best.keras",
        folder,
        "words",
        f"trained {date.today().isoformat()}",
        classes=tuple(alphabet.characters),
        geometry={
            "height_px": config["network"]["height_px"],
            "stride_px": CrnnConfig.stride_px,
        },
        training={
            **config["training"],
            "data": sorted(set(valid.sources)),
            "date": date.today().isoformat(),
        },
    )
    calibrate([valid], folder)
    return {"before": before, "now": score(valid, folder, frozenset())}
