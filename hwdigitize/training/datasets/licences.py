"""The terms that training sets come with, for the cards of the networks trained on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

#: by source, as samples name it
TERMS = {
    "IAM": "IAM Handwriting Database: non-commercial research",
    "strokes": "IAM On-Line Handwriting Database: non-commercial research",
    "COPISTE": "BAnQ, Copiste d'un jour: CC BY 4.0",
    "STANFORD": "Memorials to Jane Lathrop Stanford: CC BY 4.0",
    "NAMES": "Kaggle landlord/handwriting-recognition: CC0",
    "bishwa": "Bishwaprotapi/Hand-Written: MIT",
    "chars74k": "Chars74K EnglishHnd: research, cite de Campos 2009",
    "choice": "CHoiCe: none stated",
    "ateam": "A-Team character data set: none stated",
    "punctuation": "CHoiCe and A-Team character data sets: none stated",
    "mnist_test": "MNIST test digits: CC BY-SA 3.0",
    "MNIST": "MNIST: CC BY-SA 3.0",
    "EMNIST": "EMNIST, from NIST Special Database 19: public domain",
    "fonts": "handwriting fonts of @fontsource packages: SIL Open Font License",
}
#: label files that tell which set they belong to, whatever folder they lie in
LABEL_FILES = {"written_name": "NAMES", "english.csv": "chars74k"}
#: files in which a set says its own terms
OWN = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "LICENCE.txt", "COPYING")

#: sets whose glyphs are strung together to words; "many" is a word of several
GLYPHS = ("bishwa", "chars74k", "choice", "ateam", "punctuation", "mnist_test")


def terms_of(source: str, root: Path, files: Iterable[Path] = ()) -> str:
    """Terms of a source: as known, as the folder's own file says, or that none are stated."""
    if source in TERMS:
        return TERMS[source]
    for path in files:
        for start, name in LABEL_FILES.items():
            if path.name.lower().startswith(start):
                return TERMS[name]
    for name in OWN:
        if (root / name).is_file():
            lines = (root / name).read_text("utf-8", errors="replace").splitlines()
            first = next((line.strip() for line in lines if line.strip()), "empty file")
            return f"{root / name}: {first[:80]}"
    return f"not stated: {root}"


def drawn_from(source: str) -> tuple[str, ...]:
    """The sets behind a drawn word, by the source that its pool gives: ``strokes:10143``."""
    kind, _, rest = source.partition(":")
    if kind != "glyphs":
        return (kind,)
    name = rest.partition(":")[0]
    return (name,) if name in GLYPHS else GLYPHS


def excluded(source: str, exclude: Sequence[str]) -> bool:
    """Whether a drawn word is to be left out with its kind (``glyphs``) or one of its sets."""
    return bool({source.partition(":")[0], *drawn_from(source)} & set(exclude))


def terms_of_drawn(sources: Iterable[str]) -> dict[str, str]:
    """Terms of the sets behind drawn words."""
    names = {name for source in sources for name in drawn_from(source)}
    return {name: TERMS.get(name, "not stated: drawn words") for name in sorted(names)}
