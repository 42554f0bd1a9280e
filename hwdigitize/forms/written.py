"""Reading fields that are written in characters: text, numbers, dates, letters in boxes.

Two readers look at a field: the words network at the whole of it, and the characters network at
each character where characters stand apart, in cells or by themselves. Both decode within the
field's grammar. Their probabilities are multiplied; where they differ, the evidence shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from hwdigitize.forms.cutting import Cut, cut_cells, cut_glyphs
from hwdigitize.forms.fields import FieldReading
from hwdigitize.forms.grammar import compile_grammar
from hwdigitize.forms.records import Field, Grammar
from hwdigitize.forms.strikes import is_crossed_out
from hwdigitize.recognition.reading import Reading
from hwdigitize.recognition.words import read_words

if TYPE_CHECKING:
    from hwdigitize.forms.automaton import Automaton
    from hwdigitize.recognition.constrained import Constrained

Grey = NDArray[np.uint8]
#: cuts handwriting into lines of words, from top to bottom and left to right
SplitWords = Callable[[Grey], list[list[Grey]]]

#: kinds whose characters are read one by one where they stand apart
SPELLED = ("letters", "digits", "number", "date", "time")
#: what letters in boxes may be without a grammar of their own
LETTERS = "[A-Za-zÀ-ÖØ-öø-ÿ' .-]+"
#: amount of ink, of the square of the box's height, at which an empty box and a small character
#: are equally likely, and how fast that turns (of its logarithm)
SPECK, SPECK_SCALE = 0.010, 0.35
#: probability of a value that a reader does not mention
UNMENTIONED = 0.002
#: readers that leave less than this to a value cannot read it
LEGIBLE = 0.02
#: probability above which no legal value fits
MISFIT = 0.5
#: shapes that handwriting does not tell apart: reading one for another is no disagreement
SAME_SHAPES = str.maketrans(
    {**dict.fromkeys("Oo°QD", "0"), **dict.fromkeys("lI|i!", "1"), "Z": "2", "z": "2"}
    | {"S": "5", "s": "5", "b": "6", "B": "8", "g": "9", "q": "9", " ": None, ",": "."}
)


@dataclass(frozen=True, eq=False)
class Written:
    """A field's handwriting, ready to be read.

    ``rows`` are one image, or one a line for kind ``lines``; ``spelled`` the characters where
    they stand apart; ``empty`` the probability that nothing is written.
    """

    field: Field
    cut: Cut
    rows: tuple[Grey, ...]
    spelled: tuple[Grey, ...]
    empty: float
    crossed_out: bool

    @property
    def legible(self) -> bool:
        """Whether there is anything to read."""
        return self.empty < 0.5 and any(row.size for row in self.rows)


def write_out(cut: Cut) -> Written:
    """Set out a field's handwriting in rows and characters."""
    field, mask = cut.field, cut.ink.mask
    places = field.cell_boxes or (field.boxes if len(field.boxes) > 1 else ())
    if places and field.kind != "lines":
        cells = cut_cells(cut, places)
        rows: tuple[Grey, ...] = (cells.row,)
        spelled = cells.images if field.cell_boxes else ()
        spelled = spelled[: max((i + 1 for i, f in enumerate(cells.filled) if f), default=0)]
    else:
        rows = (cut.grey,)
        spelled = tuple(cut_glyphs(cut)) if field.kind in SPELLED else ()
    return Written(
        field=field,
        cut=cut,
        rows=rows,
        spelled=spelled,
        empty=_emptiness(cut),
        crossed_out=not field.cell_boxes and is_crossed_out(mask, _line_height(field)),
    )


def ink_amount(cut: Cut) -> float:
    """Ink of a field, of the square of its boxes' height."""
    return float(cut.ink.mask.sum()) / _line_height(cut.field) ** 2


def _line_height(field: Field) -> int:
    return max(min(bottom - top for _, top, _, bottom in field.boxes), 1)


def _emptiness(cut: Cut) -> float:
    amount = ink_amount(cut)
    if not amount:
        return 0.999
    return float(1 / (1 + (amount / SPECK) ** (1 / SPECK_SCALE)))


def read_written(
    written: Sequence[Written],
    folder: str,
    split_words: SplitWords,
    models: str | None,
    language: str,
) -> list[FieldReading]:
    """Read fields together, which is faster than one by one.

    Args:
        written: the fields.
        folder: of the template, for its lexicons.
        split_words: for free text.
        models: folder of the networks; None for the shipped ones.
        language: of free text.
    """
    legible = [one for one in written if one.legible]
    found: dict[int, FieldReading] = {}
    automata = [_grammar(one.field, folder) for one in legible]
    free = [one for one, automaton in zip(legible, automata, strict=True) if automaton is None]
    for one, lines in zip(free, _read_free(free, split_words, models, language), strict=True):
        found[id(one)] = _of_free(one, lines)
    bound = [(one, known) for one, known in zip(legible, automata, strict=True) if known]
    for one, row, spelled in _read_bound(bound, models):
        found[id(one)] = _of_bound(one, row, spelled)
    return [found[id(one)] if id(one) in found else _nothing(one) for one in written]


def _grammar(field: Field, folder: str) -> Automaton | None:
    """What a field may hold; letters in boxes are no digits even where nothing else is said."""
    if field.kind == "letters" and field.grammar == Grammar():
        field = msgspec.structs.replace(field, grammar=Grammar(pattern=LETTERS))
    return compile_grammar(field, folder)


def _read_bound(
    bound: Sequence[tuple[Written, Automaton]], models: str | None
) -> Iterator[tuple[Written, Constrained, Constrained | None]]:
    """What the words network and, where it can, the characters network read of each field."""
    if not bound:
        return
    from hwdigitize.recognition.constrained import read_cells_within, read_words_within

    rows = read_words_within(
        [one.rows[0] for one, _ in bound], [known for _, known in bound], models=models
    )
    for (one, known), row in zip(bound, rows, strict=True):
        spelled = read_cells_within(one.spelled, known, models=models) if one.spelled else None
        yield one, row, spelled


def _read_free(
    written: Sequence[Written], split_words: SplitWords, models: str | None, language: str
) -> list[list[list[Reading]]]:
    """Readings of the words of the lines of each field."""
    pages = [[line for row in one.rows for line in split_words(row)] for one in written]
    crops = [word for lines in pages for line in lines for word in line]
    readings = iter(read_words(crops, language=language, models=models) if crops else ())
    return [[[next(readings) for _ in line] for line in lines] for lines in pages]


def _nothing(one: Written) -> FieldReading:
    return FieldReading(
        "", "", "empty", {"probability": one.empty, "alternative": 1 - one.empty, "ink": 0.0}
    )


def _of_free(one: Written, lines: Sequence[Sequence[Reading]]) -> FieldReading:
    words = [word for line in lines for word in line]
    text = "\n".join(" ".join(word.text for word in line) for line in lines).strip()
    probability = float(np.prod([word.confidence for word in words])) if words else 0.0
    others: tuple[tuple[str, float], ...] = ()
    if len(words) == 1:
        others = words[0].alternatives
    return _finished(one, text, text, probability, others, {})


def _of_bound(one: Written, row: Constrained, spelled: Constrained | None) -> FieldReading:
    if spelled is None or not spelled.text:
        ranked = _ranked(_chances(row))
        agreement: dict[str, float] = {}
        none_fits = row.none_fits
    else:
        first, second = _chances(row), _chances(spelled)
        ranked = _ranked(_multiplied(first, second))
        best = ranked[0][0] if ranked else ""
        agreement = {"agreement": min(first.get(best, 0.0), second.get(best, 0.0))}
        none_fits = min(row.none_fits, spelled.none_fits)
    if not ranked:
        return _finished(one, "", row.raw.text, 0.0, (), agreement | {"none_fits": none_fits})
    (value, probability), others = ranked[0], tuple(ranked[1:4])
    evidence = agreement | {"none_fits": none_fits}
    return _finished(one, value, row.raw.text, probability, others, evidence)


def _chances(reading: Constrained) -> dict[str, float]:
    """Legal values with their probabilities."""
    pairs = ((reading.text, reading.probability), *reading.alternatives)
    return {text: probability for text, probability in pairs if text}


def _multiplied(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    """What two readers say together, taken to be independent."""
    joint = {
        text: first.get(text, UNMENTIONED) * second.get(text, UNMENTIONED)
        for text in {*first, *second}
    }
    rest = max(1 - sum(first.values()), UNMENTIONED) * max(
        1 - sum(second.values()), UNMENTIONED
    )
    whole = sum(joint.values()) + rest
    return {text: chance / whole for text, chance in joint.items()}


def _ranked(chances: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(chances.items(), key=lambda pair: (-pair[1], pair[0]))


def _finished(
    one: Written,
    value: str,
    raw: str,
    probability: float,
    others: tuple[tuple[str, float], ...],
    evidence: Mapping[str, float],
) -> FieldReading:
    """Settle the state and say what is doubtful."""
    written = 1 - one.empty
    numbers = {
        **evidence,
        "probability": probability * written,
        "alternative": others[0][1] * written if others else 0.0,
        "ink": one.cut.ink.quality,
        "length": float(len(value)),
    }
    misfit = evidence.get("none_fits", 0.0) > MISFIT
    if one.crossed_out:
        crossed = FieldReading("", raw, "crossed_out", numbers, ((value, probability), *others))
        return crossed.flagged("seems to be crossed out")
    if not value or probability < LEGIBLE or misfit:
        likely = ((value, probability), *others) if value else others
        what = f'reads "{raw}", which is not allowed here' if raw else "cannot be read"
        return FieldReading("", raw, "unreadable", numbers, likely).flagged(what)
    reading = FieldReading(value, raw, "value", numbers, others)
    if _differ(raw, value) and evidence.get("agreement", 0.0) < 0.5:
        return reading.flagged(f'looks like "{raw}", which is not allowed here')
    return reading


def _differ(raw: str, value: str) -> bool:
    """Whether two texts look different when written by hand."""
    return raw.translate(SAME_SHAPES).casefold() != value.translate(SAME_SHAPES).casefold()
