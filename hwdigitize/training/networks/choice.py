"""Which networks there are, and how a configuration file chooses one.

``[network] kind = "…"`` names an entry; the other settings of the table change its sizes. Every
configuration builds its own network, so that training knows no kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from hwdigitize.errors import UsageError
from hwdigitize.training.networks.backbones import SoftmaxNetConfig
from hwdigitize.training.networks.characters import CharactersNetConfig
from hwdigitize.training.networks.crnn import CrnnConfig
from hwdigitize.training.networks.resnet_ctc import ResnetCtcConfig
from hwdigitize.training.networks.writers import WritersNetConfig
from hwdigitize.training.plans import changed

WordsNet = CrnnConfig | ResnetCtcConfig
WritersNet = WritersNetConfig | SoftmaxNetConfig
Config = TypeVar("Config", WordsNet, CharactersNetConfig, WritersNet)

WORDS: dict[str, WordsNet] = {
    "crnn": CrnnConfig(),
    "resnet-ctc": ResnetCtcConfig(),
    "128x32": CrnnConfig(kind="128x32", width_px=128),
}
CHARACTERS: dict[str, CharactersNetConfig] = {
    "resnet": CharactersNetConfig(),
    "cnn": CharactersNetConfig(kind="cnn", stage_filters=(32, 64, 128), blocks=(0, 0, 0)),
}
WRITERS: dict[str, WritersNet] = {
    "embedding": WritersNetConfig(),
    "softmax": SoftmaxNetConfig(),
}


def chosen(kinds: Mapping[str, Config], base: Config, table: Mapping[str, Any]) -> Config:
    """The configuration that a ``[network]`` table asks for.

    Args:
        kinds: :data:`WORDS`, :data:`CHARACTERS` or :data:`WRITERS`.
        base: what holds where the table names no other kind.
        table: the settings.

    Raises:
        UsageError: an unknown kind or setting.
    """
    kind = table.get("kind", base.kind)
    if kind not in kinds:
        raise UsageError(f"unknown [network] kind {kind!r}; known are {', '.join(kinds)}")
    return changed(base if kind == base.kind else kinds[kind], table, "network")
