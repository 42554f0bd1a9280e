"""Fetch handwriting fonts by package name from the npm registry, with the ``npm`` command."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from hwdigitize.errors import DataError

_NAMES = """
alex-brush allison allura amatic-sc amita annie-use-your-telescope architects-daughter
bad-script bilbo birthstone borel calligraffitti caveat caveat-brush cedarville-cursive
charm clicker-script comic-neue comic-relief coming-soon cookie courgette
covered-by-your-grace crafty-girls damion dancing-script dawning-of-a-new-day dekko
delicious-handrawn delius edu-au-vic-wa-nt-hand edu-nsw-act-cursive edu-nsw-act-hand-pre
edu-qld-beginner edu-qld-hand edu-sa-hand edu-tas-beginner edu-vic-wa-nt-beginner fuggles
fuzzy-bubbles give-you-glory gloria-hallelujah gochi-hand grape-nuts handlee homemade-apple
hurricane indie-flower italianno itim just-another-hand just-me-again-down-here kalam
kaushan-script kristi la-belle-aurore licorice loved-by-the-king mali mansalva marck-script
merienda montez ms-madi mynerve neucha nothing-you-could-do oooh-baby over-the-rainbow
pangolin patrick-hand patrick-hand-sc permanent-marker playpen-sans playwrite-br
playwrite-ca playwrite-cu playwrite-de-grund playwrite-es playwrite-fr-moderne
playwrite-fr-trad playwrite-hr playwrite-in playwrite-it-moderna playwrite-mx
playwrite-ng-modern playwrite-nl playwrite-pl playwrite-us-modern playwrite-us-trad
playwrite-vn pompiere qwigley qwitcher-grypen rancho redressed reenie-beanie rock-salt
sacramento satisfy schoolbell sedgwick-ave shadows-into-light shadows-into-light-two
shantell-sans short-stack square-peg sriracha stalemate sue-ellen-francisco sunshiney
swanky-and-moo-moo the-girl-next-door unkempt vibur waiting-for-the-sunrise walter-turncoat
whisper yellowtail zeyada
"""
FAMILIES = tuple(_NAMES.split())
"""Families judged by eye to look like handwriting that people can read."""

WANTED = ("LICENSE", "package.json", "-latin-400-normal.woff2")


def fetch_fonts(families: Iterable[str], folder: Path) -> None:
    """Unpack ``@fontsource/<family>`` into ``folder/<family>``, unless it is there already.

    A family may carry a version: ``kalam@5.3.0``. Raises DataError when npm is missing or does
    not bring the package.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise DataError("fonts are fetched with npm: install it (Debian: apt install npm)")
    for family in families:
        home = folder / family.partition("@")[0]
        if not home.is_dir():
            _fetch(npm, family, home)


def _fetch(npm: str, family: str, home: Path) -> None:
    with tempfile.TemporaryDirectory() as there:
        command = [npm, "pack", "--silent", f"@fontsource/{family}"]
        done = subprocess.run(command, cwd=there, capture_output=True, text=True, check=False)
        packed = list(Path(there).glob("*.tgz"))
        if done.returncode or not packed:
            raise DataError(f"npm pack @fontsource/{family} failed: {done.stderr.strip()}")
        with tarfile.open(packed[0]) as archive:
            wanted = [member for member in archive if member.name.endswith(WANTED)]
            archive.extractall(there, wanted, filter="data")
        home.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(Path(there) / "package", home)


def main(
    out: Annotated[Path, typer.Option(help="folder for the fonts")] = Path("fonts"),
    families: Annotated[
        list[str] | None, typer.Argument(help="all judged good if none")
    ] = None,
) -> None:
    """Fetch handwriting fonts by family name."""
    try:
        fetch_fonts(families or FAMILIES, out)
    except DataError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from error


if __name__ == "__main__":
    typer.run(main)
