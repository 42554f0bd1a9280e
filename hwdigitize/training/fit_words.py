"""From data sets to a trained words network: what ``train words`` does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hwdigitize.errors import DataError, UsageError
from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.training.datasets import Dataset
from hwdigitize.training.export import export
from hwdigitize.training.fitting import base_calibration, configured, tables_of, trained_now
from hwdigitize.training.inspection import writable
from hwdigitize.training.loop import BEST, Plan, Watch
from hwdigitize.training.networks.choice import WORDS
from hwdigitize.training.pools import Pool, build_pool
from hwdigitize.training.release import calibrate
from hwdigitize.training.runs import Report, Start, write_config
from hwdigitize.training.words import (
    WordsTraining,
    height_px,
    load_words,
    stride_px,
    train_words,
    width_px,
)

#: validation samples of a source that are read while training
MOST_VALIDATED = 500
#: with fewer validation samples, confidences stay as the network started from has them
FEWEST_TO_CALIBRATE = 200
#: what changes where weights are given to start from: some minutes
TUNING = WordsTraining(
    plan=Plan(
        steps=200,
        learning_rate=5e-4,
        schedule="constant",
        warmup_steps=20,
        decay_steps=100,
        average=0.99,
        validate_every=40,
    ),
    batch_size=16,
    batches_per_block=10,
)


def fit_words(
    dataset: Dataset | None,
    drawn: Sequence[Pool],
    start: Start,
    report: Report,
    watch: Watch | None = None,
) -> Dataset:
    """Train, or resume, a words network; see :func:`words.train_words`.

    Args:
        dataset: words and lines; its valid split is validated on.
        drawn: pools of drawn words, to train on only.
        start: what the run is told.
        report: told of damaged samples.
        watch: told of the progress.

    Returns:
        The words and lines that were trained and validated on, with their splits.

    Raises:
        DataError: a split is empty, or holds characters that the alphabet lacks.
        UsageError: a configuration that makes no sense.
    """
    if dataset is None:
        raise DataError("drawn words alone cannot be validated on; add real data with --data")
    alphabet = Alphabet()
    training = words_training(start)
    ready = writable(dataset.of_kind("word", "line"), start.skip_unknown).with_splits()
    train_set, valid_set = ready.split("train"), ready.split("valid")
    pools = [words_pool(train_set, alphabet, report), *drawn]
    valid = words_pool(valid_set, alphabet, report)
    shares = weighted(pools, start.plan.get("shares", {}))
    terms = {name: text for pool in drawn for name, text in pool.terms.items()}
    config = {"from": start.start_from, "data": train_set.licences() | terms}
    write_config(start.out, tables_of(training) | config)
    validated = {
        name: fewer(pool, training.plan.seed) for name, pool in by_source(valid).items()
    }
    train_words(shares, validated, start.out, alphabet, training, start.start_from, watch)
    return ready


def words_training(start: Start) -> WordsTraining:
    """The configuration; sizes come with the weights to start from.

    Raises:
        UsageError: it makes no sense.
    """
    if start.start_from is not None and start.plan.get("network"):
        raise UsageError(
            f"[network] cannot be changed, the network is the one of {start.start_from}; "
            f"leave out the table, or --from"
        )
    return configured(WordsTraining() if start.start_from is None else TUNING, WORDS, start)


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


def export_words(run: Path, dataset: Dataset, folder: Path) -> None:
    """Export the best network of a run and calibrate it on the valid split."""
    model = load_words(run / BEST, Alphabet())
    config = json.loads((run / "config.json").read_text("utf-8"))
    training, version = trained_now(config)
    base = base_calibration(config["from"])
    export(
        run / BEST,
        folder,
        "words",
        version,
        classes=tuple(Alphabet().characters),
        geometry={
            "height_px": height_px(model),
            "width_px": width_px(model),
            "stride_px": stride_px(model),
        },
        training=training,
        calibration=base,
    )
    valid = dataset.split("valid")
    if not base or len(valid) >= FEWEST_TO_CALIBRATE:
        pool = words_pool(valid, Alphabet(), lambda item: None)
        calibrate([fewer(pool, training["seed"])], folder)
