"""The wheel holds what the checkout holds."""

import tomllib

from tests.conftest import ROOT

OUTSIDE = {"hwdigitize.models", "hwdigitize.templates"}


def test_every_package_is_listed() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(config["tool"]["setuptools"]["packages"])
    found = {
        ".".join(init.parent.relative_to(ROOT).parts)
        for init in (ROOT / "hwdigitize").rglob("__init__.py")
    }
    assert listed == found | OUTSIDE
