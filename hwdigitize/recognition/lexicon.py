"""Words of a language and how often they are written.

Shipped are English, French and names, derived from the packages ``wordfreq`` (Robyn Speer, data
under CC BY-SA 4.0) and ``Faker`` (MIT); see ``lexica/LICENCE.md``. Other languages are asked of
``wordfreq`` itself, by their code. The shipped files are made again by

    python -m hwdigitize.recognition.lexicon FOLDER
"""

from __future__ import annotations

import lzma
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from importlib.resources import files
from pathlib import Path

from hwdigitize.errors import UsageError
from hwdigitize.recognition.alphabet import normalise

#: lexica inside the package
SHIPPED = ("en", "fr", "names")
#: words of a language, the most frequent; more spell more misreadings than words
WORDS = 100_000
#: longer ones are mostly addresses of the web
LONGEST = 24
#: locales of Faker whose names are in the lexicon of names
LOCALES = (
    *("de_AT", "de_CH", "de_DE", "en_GB", "en_IE", "en_IN", "en_NZ", "en_US", "es_ES", "es_MX"),
    *("fr_BE", "fr_CA", "fr_CH", "fr_FR", "it_IT", "nl_BE", "nl_NL", "pt_BR", "pt_PT"),
)


def load_lexicon(name: str) -> dict[str, float]:
    """Words in lower case with their relative frequencies, which need not sum to 1.

    Args:
        name: "en", "fr" or "names"; another language by the code that ``wordfreq`` has for it.

    Raises:
        UsageError: not shipped, and ``wordfreq`` is not installed or lacks it.
    """
    if name in SHIPPED:
        packed = files(__package__).joinpath("lexica", f"{name}.txt.xz").read_bytes()
        return _parse(lzma.decompress(packed).decode())
    try:
        return _of_language(name)
    except ImportError as error:
        raise UsageError(
            f"no lexicon {name!r} is shipped (those are {', '.join(SHIPPED)}); for other "
            f"languages: pip install 'hwdigitize[languages]'"
        ) from error
    except LookupError as error:
        raise UsageError(f"no lexicon {name!r}: {error}") from error


def _parse(text: str) -> dict[str, float]:
    """Each line holds a frequency, in tenths of a decade, and its words."""
    lexicon = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            rank, *words = line.split(" ")
            lexicon.update(dict.fromkeys(words, 10.0 ** (int(rank) / 10)))
    return lexicon


def _of_language(name: str) -> dict[str, float]:
    """The most frequent words of ``wordfreq``; LookupError where it has none."""
    from wordfreq import get_frequency_dict

    frequencies = {w: f for w, f in get_frequency_dict(name).items() if len(w) <= LONGEST}
    most = sorted(frequencies, key=lambda word: (-frequencies[word], word))[:WORDS]
    return _cleaned({word: frequencies[word] * 1e9 for word in most})


def _names() -> dict[str, float]:
    """First and last names of Faker, each as often as there are lists that have it."""
    counts: Counter[str] = Counter()
    for locale in LOCALES:
        provider = import_module(f"faker.providers.person.{locale}").Provider
        lists = ("first_names", "first_names_female", "first_names_male", "last_names")
        names = [name for kind in lists for name in getattr(provider, kind, ())]
        counts.update({part for name in names for part in name.split()})
    return _cleaned(counts)


def _cleaned(words: Mapping[str, float]) -> dict[str, float]:
    """Normalised words of letters, apostrophes and hyphens in lower case."""
    cleaned: Counter[str] = Counter()
    for raw, frequency in words.items():
        word = normalise(raw).lower()
        if word[:1].isalpha() and all(c.isalpha() or c in "'-" for c in word):
            cleaned[word] += frequency  # type: ignore[assignment]
    return dict(cleaned)


def _written(lexicon: Mapping[str, float], about: str) -> Iterator[str]:
    yield f"# {about}"
    ranks: dict[int, list[str]] = {}
    for word, frequency in lexicon.items():
        ranks.setdefault(round(10 * math.log10(frequency)), []).append(word)
    for rank in sorted(ranks, reverse=True):
        yield f"{rank} {' '.join(sorted(ranks[rank]))}"


def _save(lines: Iterable[str], path: Path) -> None:
    data = "\n".join(lines).encode()
    path.write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


def main(folder: Path) -> None:
    """Make the shipped lexica; needs ``wordfreq`` and ``Faker``."""
    for language in ("en", "fr"):
        about = f"the most frequent words ({language}) of wordfreq, CC BY-SA 4.0"
        _save(_written(_of_language(language), about), folder / f"{language}.txt.xz")
    _save(_written(_names(), "names of Faker, MIT"), folder / "names.txt.xz")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
