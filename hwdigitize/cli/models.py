"""The commands ``models list``, ``verify``, ``install`` and ``export``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from hwdigitize import errors

if TYPE_CHECKING:
    from hwdigitize.recognition.runtime import Card, Name

app = typer.Typer(help="The networks: list, verify, install, export.", no_args_is_help=True)

Models = Annotated[
    Path | None, typer.Option(help="Folder with the weights.", show_default="as shipped")
]
Data = Annotated[list[Path], typer.Option("--data", help="Data set; repeatable.")]
Split = Annotated[str, typer.Option(help="Which part of the data to compare on.")]
Kind = Annotated[
    Literal["words", "characters", "writers"], typer.Argument(help="Which network.")
]
Format = Literal["onnx", "onnx-fp16", "onnx-int8", "tflite", "keras"]

#: figures of a card that a list shows, and whether they are shares
SHOWN = {"cer": "CER", "accuracy": "accuracy", "top1": "top-1"}


@app.command("list")
def list_models(
    models: Models = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the cards.")] = False,
) -> None:
    """Say of each network its version, size, scores, and the terms of its training sets."""
    import msgspec

    from hwdigitize.recognition.runtime import models_folder

    cards = _cards(models)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(cards), indent=2).decode())
        return
    for card in cards:
        size = (models_folder(_text(models)) / f"{card.name}.onnx").stat().st_size
        print(f"{card.name} {card.version}, {size / 1e6:.1f} MB, {card.sha256[:12]}")
        for data, measure, value in _figures(card.scores):
            print(f"  {measure} {100 * value:.1f} %  {data}")
        for source, terms in _terms(card).items():
            print(f"  trained on {source}: {terms}")


def _figures(scores: dict[str, Any], where: str = "") -> Iterator[tuple[str, str, float]]:
    """What was measured on which data, however deep in a card."""
    for key, value in scores.items():
        name = f"{where} {key}".strip()
        if not isinstance(value, dict):
            continue
        if found := next((key for key in SHOWN if key in value), None):
            yield name, SHOWN[found], value[found]
        elif {"measure", "now"} <= set(value):
            yield name, value["measure"], value["now"]
        else:
            yield from _figures(value, name)


def _terms(card: Card) -> dict[str, str]:
    data = card.training.get("data") or card.training.get("licences") or {}
    return data if isinstance(data, dict) else dict.fromkeys(data, "not stated")


@app.command()
def verify(models: Models = None) -> None:
    """Compare files with their hashes, load each network and read a sample; 5 if one fails."""
    from hwdigitize.recognition.probe import verify as verified

    for card in _cards(models):
        print(f"{card.name}\tgood\t{verified(card.name, _text(models))} of the sample")


@app.command()
def install(
    source: Annotated[Path, typer.Argument(help="Folder with the new networks.")],
    data: Data,
    into: Annotated[
        Path | None, typer.Option(help="Folder to put them into.", show_default="as shipped")
    ] = None,
    split: Split = "valid",
    force: Annotated[
        bool, typer.Option("--force", help="Install what reads worse, too.")
    ] = False,
) -> None:
    """Put networks in place of others, unless they read your own data worse; 5 if one does."""
    _need_training()
    from hwdigitize.recognition.runtime import models_folder
    from hwdigitize.training.datasets import join_datasets, open_dataset
    from hwdigitize.training.install import compare, differing, install

    folder = models_folder(_text(into))
    if not (names := differing(source, folder)):
        _say(f"{folder} has the networks of {source} already")
    dataset = join_datasets([open_dataset(path) for path in data])
    for name in names:
        comparison = None
        if (folder / f"{name}.json").exists():
            comparison = compare(name, dataset, split, folder, source, "your own data")
        install(name, source, folder, comparison, force)
        _say(f"{name}: {comparison or 'the first of its kind here'}; installed in {folder}")


@app.command()
def export(
    name: Kind,
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    models: Models = None,
    kind: Annotated[Format, typer.Option("--format", help="What to write.")] = "onnx-fp16",
    data: Annotated[
        list[Path] | None, typer.Option(help="For int8: data to measure its loss on.")
    ] = None,
    split: Split = "valid",
) -> None:
    """Write a network in another format, from its .keras file."""
    _need_training()
    from hwdigitize.recognition.runtime import models_folder
    from hwdigitize.training.datasets import join_datasets, open_dataset
    from hwdigitize.training.formats import to_format

    dataset = join_datasets([open_dataset(path) for path in data]) if data else None
    written, note = to_format(name, models_folder(_text(models)), out, kind, dataset, split)
    print(written)
    _say(f"{written.stat().st_size / 1e6:.2f} MB{note}")


# Behind the commands.


def _need_training() -> None:
    from importlib.util import find_spec

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if find_spec("keras") is None:
        raise errors.UsageError("this needs more packages: pip install 'hwdigitize[train]'")


def _cards(models: Path | None) -> list[Card]:
    from hwdigitize.recognition.runtime import Name, load_card

    names: tuple[Name, ...] = get_args(Name)
    return [load_card(name, _text(models)) for name in names]


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
