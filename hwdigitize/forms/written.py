"""Reading fields that are written in characters: text, numbers, dates, letters in boxes.

Two readers look at a field: the words network at the whole of it, and the characters network at
each character where characters stand apart, in cells or by themselves. Both decode within the
field's grammar. Their probabilities are multiplied; where they differ, the evidence shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from hwdigitize.forms.alike import differ, fairest
from hwdigitize.forms.automaton import Automaton
from hwdigitize.forms.cutting import EDGE_PX, Cut, cut_cells, relative
from hwdigitize.forms.fields import FieldReading
from hwdigitize.forms.grammar import compile_grammar
from hwdigitize.forms.joint import UNMENTIONED, chances_of, joint, ranking
from hwdigitize.forms.pieces import cut_glyphs, cut_lines, cut_words, part_struck
from hwdigitize.forms.records import Field, Grammar
from hwdigitize.forms.spelling import Spelled, known_words, read_spelled, spell
from hwdigitize.forms.strikes import is_crossed_out
from hwdigitize.recognition.alphabet import Alphabet
from hwdigitize.recognition.constrained import (
    Constrained,
    decode_cells,
    decode_words,
    read_doubtful_again,
    score_cells,
)
from hwdigitize.recognition.language import Language, load_language
from hwdigitize.recognition.reading import Reading
from hwdigitize.recognition.runtime import load_card
from hwdigitize.recognition.words import read_words, score_words

Grey = NDArray[np.uint8]

#: kinds whose characters are read one by one where they stand apart
SPELLED = ("letters", "digits", "number", "date", "time")
#: what letters in boxes may be without a grammar of their own
LETTERS = "[A-Za-zÀ-ÖØ-öø-ÿ' .-]+"
#: amount of ink, of the square of the box's height, at which an empty box and a small character
#: are equally likely, and how fast that turns (of its logarithm)
SPECK, SPECK_SCALE = 0.010, 0.35
#: writing reaches farther into its box than this, of the box's height; less is the box's own
#: lines, out of focus or out of place, with this probability
RIM, RIM_EMPTY = 0.2, 0.9
#: what the reader of single characters leaves to a value that it does not mention: without
#: cells, characters that touch are cut wrongly and make it sure of a shorter one
UNMENTIONED_UNCELLED = 0.025
#: readers that leave less than this to each word of a value, in the mean, cannot read it
LEGIBLE = 0.02
#: marks that are written close to the word before them
CLOSING = frozenset(".,;:!?")
#: likeness to what the cells show below which a language overrules them
OVERRULED = 0.1


@dataclass(frozen=True, eq=False)
class Written:
    """A field's handwriting, ready to be read.

    ``rows`` are one image, or one a line for kind ``lines``; ``spelled`` the characters where
    they stand apart; ``empty`` the probability that nothing is written; ``corrected`` whether
    something before it was struck out and left out.
    """

    field: Field
    cut: Cut
    rows: tuple[Grey, ...]
    spelled: tuple[Grey, ...]
    empty: float
    crossed_out: bool
    corrected: bool

    @property
    def legible(self) -> bool:
        """Whether there is anything to read."""
        return self.empty < 0.5 and any(row.size for row in self.rows)

    @property
    def is_open(self) -> bool:
        """Whether it may hold any words in its cells, so that a language helps."""
        grammar = self.field.grammar
        listed = grammar.values or grammar.lexicon or grammar.checksum
        return self.field.kind in ("letters", "text") and not listed


def write_out(cut: Cut) -> Written:
    """Set out a field's handwriting in rows and characters."""
    field, height, everything = cut.field, _line_height(cut.field), cut.ink
    if field.cell_boxes:
        crossed_out = is_crossed_out(cut.ink.mask, height)
    else:
        cut, crossed_out = part_struck(cut, height)
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
        crossed_out=crossed_out,
        corrected=cut.ink is not everything,
    )


def ink_amount(cut: Cut) -> float:
    """Ink of a field, of the square of its boxes' height."""
    return float(cut.ink.mask.sum()) / _line_height(cut.field) ** 2


def _line_height(field: Field) -> int:
    return max(min(bottom - top for _, top, _, bottom in field.boxes), 1)


def _touching(cut: Cut) -> float:
    """How long strokes run into the form's own ink, of the line's height, where most do."""
    columns = cut.ink.touching.sum(0)
    sides = [(box[0], box[2]) for box in cut.field.cell_boxes] or [
        (cut.window[0], cut.window[2])
    ]
    starts = [
        (max(left - cut.window[0] - EDGE_PX, 0), right - cut.window[0] + EDGE_PX)
        for left, right in sides
    ]
    return max(float(columns[start:end].sum()) for start, end in starts) / _line_height(
        cut.field
    )


def _emptiness(cut: Cut) -> float:
    amount = ink_amount(cut)
    if not amount:
        return 0.999
    empty = float(1 / (1 + (amount / SPECK) ** (1 / SPECK_SCALE)))
    return max(empty, RIM_EMPTY) if _on_rim(cut) else empty


def _on_rim(cut: Cut) -> bool:
    """Whether all ink lies along the edges of the field's only box."""
    if len(cut.field.boxes) > 1 or cut.field.cell_boxes:
        return False
    left, top, right, bottom = relative(cut.field.box, cut.window)
    rim = round(RIM * (bottom - top))
    return not cut.ink.mask[top + rim : bottom - rim, left + rim : right - rim].any()


def read_written(
    written: Sequence[Written],
    folder: str,
    models: str | None,
    language: str,
) -> list[FieldReading]:
    """Read fields together, which is faster than one by one.

    Args:
        written: the fields.
        folder: of the template, for its lexicons.
        models: folder of the networks; None for the shipped ones.
        language: of free text.
    """
    legible = [one for one in written if one.legible]
    found: dict[int, FieldReading] = {}
    automata = [_grammar(one.field, folder) for one in legible]
    free = [one for one, automaton in zip(legible, automata, strict=True) if automaton is None]
    alphabet = Alphabet("".join(load_card("words", models).classes))
    for one, lines in zip(free, _read_free(free, models, language), strict=True):
        spoken = load_language(_language_of(one.field, language), alphabet)
        found[id(one)] = _of_free(one, lines, spoken)
    bound = [(one, known) for one, known in zip(legible, automata, strict=True) if known]
    for one, reading in _read_bound(bound, alphabet, models, language):
        found[id(one)] = reading
    return [found[id(one)] if id(one) in found else _nothing(one) for one in written]


def _grammar(field: Field, folder: str) -> Automaton | None:
    """What a field may hold; letters in boxes are no digits even where nothing else is said."""
    if field.kind == "letters" and field.grammar == Grammar():
        field = msgspec.structs.replace(field, grammar=Grammar(pattern=LETTERS))
    return compile_grammar(field, folder)


def _read_bound(
    bound: Sequence[tuple[Written, Automaton]],
    alphabet: Alphabet,
    models: str | None,
    language: str,
) -> Iterator[tuple[Written, FieldReading]]:
    """Fields with a grammar, by the words network and, where it can, the characters network."""
    crops, languages = [one.rows[0] for one, _ in bound], [known for _, known in bound]
    scores = score_words(crops, models)
    rows = decode_words(scores, alphabet, languages)
    # in cells the characters network is the better second look
    again = [i for i, (one, _) in enumerate(bound) if not one.field.cell_boxes]
    looks = read_doubtful_again(
        [rows[i] for i in again],
        [crops[i] for i in again],
        [languages[i] for i in again],
        models=models,
    )
    for i, row in zip(again, looks, strict=True):
        rows[i] = row
    shares = score_cells([cell for one, _ in bound for cell in one.spelled], models)
    first = 0
    for (one, known), row, steps in zip(bound, rows, scores, strict=True):
        cells = shares[first : first + len(one.spelled)]
        first += len(one.spelled)
        spoken = load_language(one.field.grammar.language or language, alphabet)
        if not one.spelled:
            yield one, _of_one(one, row)
        elif spoken and one.is_open:
            spelled = spell(cells, alphabet, known)
            own = decode_cells(cells, known)
            candidates = sorted({*chances_of(row), *chances_of(own)})
            ranked = read_spelled(spelled, steps, candidates, known, spoken)
            yield one, _of_language(one, spelled, own, row, ranked, spoken)
        else:
            yield one, _of_both(one, row, decode_cells(cells, known))


def _read_free(
    written: Sequence[Written], models: str | None, language: str
) -> list[list[list[Reading]]]:
    """Readings of the words of the lines of each field.

    Fields of one language are read together; one of several lines is a text of its own.
    """
    lines = [[cut_words(line) for line in _lines_of(one)] for one in written]
    groups: dict[tuple[str, int | None], list[int]] = {}
    for i, one in enumerate(written):
        text = i if one.field.kind == "lines" else None
        groups.setdefault((_language_of(one.field, language), text), []).append(i)
    found: dict[int, list[list[Reading]]] = {}
    for (name, text), ours in groups.items():
        crops = [word for i in ours for line in lines[i] for word in line]
        readings = iter(
            read_words(crops, language=name, connected=text is not None, models=models)
            if crops
            else ()
        )
        for i in ours:
            found[i] = [[next(readings) for _ in line] for line in lines[i]]
    return [found[i] for i in range(len(written))]


def _lines_of(one: Written) -> list[Cut]:
    return cut_lines(one.cut) if one.field.kind == "lines" else [one.cut]


def _language_of(field: Field, language: str) -> str:
    """What a field of free text is likely to hold: forms ask for names."""
    if field.grammar.language:
        return field.grammar.language
    named = field.kind == "lines" or language == "none" or "names" in language.split("+")
    return language if named else f"{language}+names"


def _nothing(one: Written) -> FieldReading:
    return FieldReading(
        "", "", "empty", {"probability": one.empty, "alternative": 1 - one.empty, "ink": 0.0}
    )


def _of_free(
    one: Written, lines: Sequence[Sequence[Reading]], language: Language | None
) -> FieldReading:
    words = [word for line in lines for word in line]
    text = "\n".join(_joined(word.text for word in line) for line in lines).strip()
    probability = float(np.prod([word.confidence for word in words])) if words else 0.0
    others: tuple[tuple[str, float], ...] = ()
    if len(words) == 1:
        others = words[0].alternatives
    return _settled(one, text, [(text, probability), *others], known_words(text, language))


def _joined(words: Iterable[str]) -> str:
    """A line of words; a mark that stands alone ends the word before it."""
    line = ""
    for word in words:
        line += word if not line or set(word) <= CLOSING else f" {word}"
    return line


def _of_one(one: Written, row: Constrained) -> FieldReading:
    """What the words network says alone."""
    evidence = {"none_fits": row.none_fits}
    return _settled(one, row.raw.text, ranking(chances_of(row)), evidence)


def _of_both(one: Written, row: Constrained, spelled: Constrained) -> FieldReading:
    """What both networks say, taken to be independent."""
    if not spelled.text:
        return _of_one(one, row)
    first, second = chances_of(row), chances_of(spelled)
    unmentioned = UNMENTIONED if one.field.cell_boxes else UNMENTIONED_UNCELLED
    ranked = ranking(joint(first, second, unmentioned))
    best = ranked[0][0]
    evidence = {
        "agreement": min(first.get(best, 0.0), second.get(best, 0.0)),
        "none_fits": min(row.none_fits, spelled.none_fits),
    }
    raw = fairest((row.raw.text, spelled.raw.text), best, one.field.kind)
    return _settled(one, raw, ranked, evidence)


def _of_language(
    one: Written,
    spelled: Spelled,
    cells: Constrained,
    row: Constrained,
    ranked: list[tuple[str, float]],
    language: Language,
) -> FieldReading:
    """What a language makes of the characters in their cells."""
    best = ranked[0][0] if ranked else ""
    raw = fairest((cells.raw.text, row.raw.text), best, one.field.kind)
    agreement = spelled.likeness(best) if ranked else 0.0
    evidence = {
        "agreement": agreement,
        "none_fits": cells.none_fits,
        **known_words(best, language),
    }
    overruled = agreement < OVERRULED and differ(raw, best, one.field.kind)
    return _settled(one, raw, ranked, evidence, overruled)


def _settled(
    one: Written,
    raw: str,
    ranked: Sequence[tuple[str, float]],
    evidence: Mapping[str, float],
    overruled: bool | None = None,
) -> FieldReading:
    """Settle the state, and say what is doubtful.

    Args:
        one: the field.
        raw: what was read without regard to what is legal.
        ranked: legal values with their probabilities, best first.
        evidence: what the readers know besides.
        overruled: whether the value is not what it looks like; None: where it differs from
            ``raw``, so that the grammar alone says so.
    """
    written = 1 - one.empty
    (value, probability), *others = [*ranked[:4], ("", 0.0)][: max(len(ranked[:4]), 1)]
    numbers = {
        **evidence,
        "probability": probability * written,
        "alternative": others[0][1] * written if others else 0.0,
        "ink": one.cut.ink.quality,
        "touching": _touching(one.cut),
        "length": float(len(value)),
    }
    likely = tuple(ranked[:4])
    if one.crossed_out:
        crossed = FieldReading("", raw, "crossed_out", numbers, likely)
        return crossed.flagged("seems to be crossed out")
    if not value or probability < LEGIBLE ** max(len(value.split()), 1):
        what = f'cannot be read; it looks like "{raw}"' if raw else "cannot be read"
        return FieldReading("", raw, "unreadable", numbers, likely).flagged(what)
    reading = FieldReading(value, raw, "value", numbers, tuple(others))
    if one.corrected:
        reading = reading.flagged("something before it seems to be struck out")
    if differ(raw, value, one.field.kind) if overruled is None else overruled:
        return reading.flagged(f'looks like "{raw}"')
    return reading
