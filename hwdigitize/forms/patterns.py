r"""Regular expressions of templates, a documented subset of what is common.

Literals, ``.``, ``\d \w \s`` and escaped signs, classes ``[a-z]`` and ``[^...]``, groups
``(...)`` and ``(?:...)``, ``|``, and ``? * + {m} {m,} {m,n}``. A pattern always means the whole
value, so that ``^`` in front and ``$`` behind change nothing.
"""

from __future__ import annotations

import string

from hwdigitize.forms.expressions import EMPTY, Chars, Either, Expression, Joined, Repeated
from hwdigitize.recognition.alphabet import LATIN

#: every character that ``.`` stands for and from which ``[^...]`` is taken
ANY = frozenset(LATIN)
DIGITS = frozenset(string.digits)
LETTERS = frozenset(character for character in LATIN if character.isalpha())
_CLASSES = {"d": DIGITS, "w": LETTERS | DIGITS | {"_"}, "s": frozenset(" ")}
_CLASSES |= {name.upper(): ANY - characters for name, characters in list(_CLASSES.items())}
#: signs that mean something and have to be escaped to be meant themselves
_SPECIAL = frozenset("\\^$.|?*+()[]{}")
_DEEPEST, _MOST_REPEATS = 40, 1000


class PatternError(ValueError):
    """A pattern that does not parse; the message says where and why."""


def parse_pattern(pattern: str) -> Expression:
    """The expression of a pattern.

    Raises:
        PatternError: it does not parse, or uses what the subset lacks.
    """
    parser = _Parser(pattern.removeprefix("^"))
    expression = parser.alternatives(0)
    if parser.at < len(parser.text):
        raise parser.error("a ) without its (")
    return expression


class _Parser:
    """Recursive descent over one pattern."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def error(self, what: str) -> PatternError:
        return PatternError(f"{what}, at character {self.at + 1} of {self.text}")

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        character = self.peek()
        if not character:
            raise self.error("it ends too early")
        self.at += 1
        return character

    def alternatives(self, depth: int) -> Expression:
        if depth > _DEEPEST:
            raise self.error("groups too deep")
        parts = [self.sequence(depth)]
        while self.peek() == "|":
            self.at += 1
            parts.append(self.sequence(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def sequence(self, depth: int) -> Expression:
        parts = []
        while self.peek() not in ("", "|", ")"):
            if self.peek() == "$" and self.at == len(self.text) - 1:
                self.at += 1
                break
            parts.append(self.repeats(self.single(depth)))
        return parts[0] if len(parts) == 1 else Joined(tuple(parts)) if parts else EMPTY

    def single(self, depth: int) -> Expression:
        character = self.take()
        if character == "(":
            return self.group(depth)
        if character == "[":
            return Chars(self.character_class())
        if character == "\\":
            return Chars(self.escaped())
        if character == ".":
            return Chars(ANY)
        if character in _SPECIAL:
            self.at -= 1
            raise self.error(
                f"{character} has nothing to act on; write \\{character} for itself"
            )
        return Chars(frozenset(character))

    def group(self, depth: int) -> Expression:
        if self.peek() == "?":
            if self.text[self.at : self.at + 2] != "?:":
                raise self.error("of groups with ? only (?: is known")
            self.at += 2
        inside = self.alternatives(depth + 1)
        if self.peek() != ")":
            raise self.error("a ( without its )")
        self.at += 1
        return inside

    def escaped(self) -> frozenset[str]:
        character = self.take()
        if character in _CLASSES:
            return _CLASSES[character]
        if character.isalnum():
            self.at -= 1
            raise self.error(f"\\{character} is not known")
        return frozenset(character)

    def character_class(self) -> frozenset[str]:
        negated = self.peek() == "^"
        self.at += negated
        found: set[str] = set()
        first = True
        while first or self.peek() != "]":
            first = False
            characters = self.class_member()
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                characters = self.span(characters, self.class_member())
            found |= characters
        self.at += 1
        chosen = ANY - found if negated else found
        if not chosen:
            raise self.error("a class of no characters")
        return frozenset(chosen)

    def class_member(self) -> frozenset[str]:
        character = self.take()
        return self.escaped() if character == "\\" else frozenset(character)

    def span(self, low: frozenset[str], high: frozenset[str]) -> frozenset[str]:
        if len(low) != 1 or len(high) != 1 or min(low) > min(high):
            raise self.error("a range must go from one character up to another")
        codes = range(ord(min(low)), ord(min(high)) + 1)
        if len(codes) > 0x3000:
            raise self.error("a range of too many characters")
        return frozenset(map(chr, codes))

    def repeats(self, part: Expression) -> Expression:
        marks = {"?": (0, 1), "*": (0, None), "+": (1, None)}
        while self.peek() in ("?", "*", "+", "{") and self.peek():
            least, most = marks[self.take()] if self.peek() != "{" else self.counts()
            part = Repeated(part, least, most)
        return part

    def counts(self) -> tuple[int, int | None]:
        start = self.at
        self.at += 1
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at : max(end, self.at)].partition(",")
        good = low.isdecimal() and (high.isdecimal() or not high) and len(low + high) < 9
        if end < 0 or not good:
            self.at = start
            raise self.error("{ must be {m}, {m,} or {m,n}; write \\{ for itself")
        least = int(low)
        most = int(high) if high else None if comma else least
        if max(least, most or 0) > _MOST_REPEATS or (most is not None and most < least):
            raise self.error(f"cannot repeat {low}{comma}{high} times")
        self.at = end + 1
        return least, most
