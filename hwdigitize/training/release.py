"""From a trained words network to a shipped one: export, calibrate, measure.

    KERAS_BACKEND=tensorflow python -m hwdigitize.training.release RUN DATA MODELS VERSION

RUN is the folder of a training run, DATA holds words.parquet and lines.parquet, MODELS is where
reading looks for networks. Validation data calibrates; test data is read once, for the card,
without a language, with the one that runs expect by default, and as connected text.
"""

from __future__ import annotations

import json
import shutil
import sys
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.confidence import calibration_error, fit_isotonic
from hwdigitize.recognition.reading import Reading
from hwdigitize.recognition.runtime import Card, load_card, load_network
from hwdigitize.recognition.views import is_line
from hwdigitize.recognition.words import read_words
from hwdigitize.settings import Settings
from hwdigitize.training.error_rates import character_error_rate, word_error_rate
from hwdigitize.training.export import export, save_card
from hwdigitize.training.measurement import stored_log
from hwdigitize.training.pools import Pool, read_table
from hwdigitize.training.runs import LOG

LICENCES = {
    "IAM Handwriting Database": "non-commercial research",
    "IAM On-Line Handwriting Database (strokes)": "non-commercial research",
    "BAnQ Copiste d'un jour": "CC BY 4.0",
    "Memorials to Jane Lathrop Stanford": "CC BY 4.0",
    "handwriting fonts (@fontsource packages)": "SIL Open Font License",
    "characters (bishwa MIT, chars74k research, choice, ateam, MNIST CC BY-SA 3.0)": "mixed",
}


#: fewer say nothing about how sure a reading is
FEWEST_SAMPLES = 20
#: what readings with a language are calibrated and measured with: what a run expects
LANGUAGE = Settings().language


#: sources of single words; those of others are texts, in order
SINGLE = frozenset({"NAMES-words"})


def read_pool(
    pool: Pool, models: Path, language: str = "none", connected: bool = False
) -> list[Reading]:
    """Readings of all crops of a pool, as a page's words are read."""
    crops = [pool.crop(i) for i in range(len(pool))]
    return read_words(crops, language=language, connected=connected, models=str(models))


def calibrate(pools: list[Pool], models: Path) -> Card:
    """Fit the confidence of the words network on validation pools and store it in its card.

    Readings with a language have a calibration of their own, and so have those of connected
    words: they are right more often, and what they are scored by is no probability.
    """
    card = load_card("words", str(models))
    save_card(msgspec.structs.replace(card, calibration={}), models)
    _forget()
    fitted = {
        f"{kind}{end}": knots
        for end, some, language, connected in (
            ("", pools, "none", False),
            ("_language", pools, LANGUAGE, False),
            ("_context", [texts_of(pool) for pool in pools], LANGUAGE, True),
        )
        for kind, knots in _fitted(some, models, language, connected).items()
    }
    card = msgspec.structs.replace(card, calibration=fitted)
    save_card(card, models)
    _forget()
    return card


def texts_of(pool: Pool) -> Pool:
    """The part of a pool that is text, its words in order."""
    return pool.select(~np.isin(pool.sources, list(SINGLE)))


def _fitted(
    pools: list[Pool], models: Path, language: str, connected: bool
) -> dict[str, list[tuple[float, float]]]:
    """Knots for words and for lines, from the scores that are read without a calibration."""
    readings = [
        reading for pool in pools for reading in read_pool(pool, models, language, connected)
    ]
    truth = [text for pool in pools for text in pool.texts]
    wide = np.array([is_line(pool.crop(i)) for pool in pools for i in range(len(pool))])
    scores = np.array([reading.confidence for reading in readings])
    right = np.array([r.text == text for r, text in zip(readings, truth, strict=True)])
    kinds = {"words": ~wide, "lines": wide}
    return {
        kind: fit_isotonic(scores[which], right[which])
        for kind, which in kinds.items()
        if which.sum() >= FEWEST_SAMPLES
    }


def _forget() -> None:
    """Networks are cached for the life of a process; the card has changed."""
    load_card.cache_clear()
    load_network.cache_clear()


def score(
    pool: Pool,
    models: Path,
    seen: frozenset[str],
    language: str = "none",
    connected: bool = False,
) -> dict[str, Any]:
    """Figures of a pool: CER, WER, exact readings, unseen words apart, calibration error."""
    readings = read_pool(pool, models, language, connected)
    texts = [reading.text for reading in readings]
    right = np.array([a == b for a, b in zip(texts, pool.texts, strict=True)])
    caseless = [a.lower() == b.lower() for a, b in zip(texts, pool.texts, strict=True)]
    unseen = np.array([text not in seen for text in pool.texts])
    confidences = np.array([reading.confidence for reading in readings])
    return {
        "samples": len(pool),
        "cer": round(character_error_rate(texts, pool.texts), 4),
        "wer": round(word_error_rate(texts, pool.texts), 4),
        "exact": round(float(right.mean()), 4),
        "exact_caseless": round(float(np.mean(caseless)), 4),
        "unseen_samples": int(unseen.sum()),
        "unseen_exact": round(float(right[unseen].mean()), 4) if unseen.any() else None,
        "calibration_error": round(calibration_error(confidences, right), 4),
    }


def by_source(pool: Pool) -> dict[str, Pool]:
    """A pool split by the source of its samples."""
    sources = np.array(pool.sources)
    return {str(name): pool.select(sources == name) for name in np.unique(sources)}


def release(run: Path, data: Path, models: Path, version: str) -> Card:
    """Export, calibrate on the validation split, score on the test split, write the card."""
    alphabet = Alphabet()
    config = json.loads((run / "config.json").read_text())
    steps = json.loads((run / LOG).read_text().splitlines()[-1])["step"]
    # before the card, which holds its hash
    shutil.copyfile(run / LOG, stored_log("words", models))
    export(
        run / "best.keras",
        models,
        "words",
        version,
        classes=tuple(alphabet.characters),
        geometry={"height_px": config["network"]["height_px"], "stride_px": 4},
        training={
            **config["training"],
            "steps": steps,
            "date": date.today().isoformat(),
            "licences": LICENCES,
        },
    )
    tables = ("words", "lines")
    valid = [read_table(data / f"{table}.parquet", "valid", alphabet) for table in tables]
    card = calibrate(valid, models)
    seen = frozenset(read_table(data / "words.parquet", "train", alphabet).texts)
    test = [read_table(data / f"{table}.parquet", "test", alphabet) for table in tables]
    pools = {name: part for table in test for name, part in by_source(table).items()}
    scores: dict[str, Any] = {
        "split": "test",
        "command": "python -m hwdigitize.training.release RUN DATA MODELS VERSION",
        **{name: score(pool, models, seen) for name, pool in pools.items()},
        "language": {
            "name": LANGUAGE,
            **{name: score(pool, models, seen, LANGUAGE) for name, pool in pools.items()},
        },
        "context": {
            "name": LANGUAGE,
            **{
                name: score(pool, models, seen, LANGUAGE, connected=True)
                for name, pool in pools.items()
                if name not in SINGLE
            },
        },
    }
    card = msgspec.structs.replace(card, scores=scores)
    save_card(card, models)
    return card


if __name__ == "__main__":
    run, data, models = (Path(argument) for argument in sys.argv[1:4])
    print(json.dumps(release(run, data, models, sys.argv[4]).scores, indent=2))
