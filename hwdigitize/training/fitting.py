"""What training runs of all three networks do with what they are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from hwdigitize.recognition.runtime import Card
from hwdigitize.training.loop import Plan
from hwdigitize.training.networks.choice import Config, chosen
from hwdigitize.training.plans import changed, require_tables
from hwdigitize.training.runs import Start

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


Told = TypeVar("Told", bound="DataclassInstance")


def configured(base: Told, kinds: Mapping[str, Config], start: Start) -> Told:
    """A network's training record as a run is told: defaults, then the file, then flags.

    Raises:
        UsageError: a table or setting that is not known, or a value that makes no sense.
    """
    require_tables(start.plan, {"plan", "training", "network", "shares"})
    now: Any = base
    return replace(
        changed(base, start.plan.get("training", {}), "training"),
        plan=loop_plan(now.plan, start),
        network=chosen(kinds, now.network, start.plan.get("network", {})),
    )


def loop_plan(base: Plan, start: Start) -> Plan:
    """A plan of the training loop; short runs warm up, decay and validate in proportion."""
    given: Mapping[str, Any] = start.plan.get("plan", {})
    plan = changed(base, given, "plan")
    steps = plan.steps if start.steps is None else start.steps
    shorter: dict[str, Any] = {
        "warmup_steps": min(plan.warmup_steps, max(steps // 10, 1)),
        "decay_steps": min(plan.decay_steps, max(steps // 2, 1)),
        "validate_every": min(plan.validate_every, max(steps // 5, 1)),
    }
    kept = {name: value for name, value in shorter.items() if name not in given}
    seed = plan.seed if start.seed is None else start.seed
    return replace(plan, steps=steps, seed=seed, **kept)


def tables_of(training: DataclassInstance) -> dict[str, Any]:
    """A training record as the tables of a configuration file."""
    values = asdict(training)
    apart = {name: values.pop(name) for name in ("plan", "network")}
    return apart | {"training": values}


def trained_now(config: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """For a card: what a run was told with today's date, and a version."""
    today = date.today().isoformat()
    told = {name: config[name] for name in ("plan", "training", "network", "from", "data")}
    return told | {"seed": config["plan"]["seed"], "date": today}, f"trained {today}"


def base_calibration(weights: str | None) -> dict[str, Any]:
    """The calibration of the network that a run started from, from the card beside it."""
    card = None if weights is None else Path(weights).with_suffix(".json")
    if card is None or not card.is_file():
        return {}
    return msgspec.json.decode(card.read_bytes(), type=Card).calibration
