"""Forms that move money and goods."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hwdigitize.forms.records import Grammar
from hwdigitize.training.archive import values as v
from hwdigitize.training.archive.form import (
    A4,
    A5,
    A6,
    Design,
    Item,
    Part,
    Print,
    Style,
    Table,
    make_design,
)
from hwdigitize.training.archive.kit import (
    BLACK,
    DOTTED,
    GREEN,
    RED,
    TOWNS,
    UPPER,
    choice,
    coded,
    dated,
    figures,
    numbered,
    remarks,
    signed,
    towns,
)

IBAN = Grammar(pattern="DE[0-9]{20}", checksum="mod97")
GOODS = ("books", "clothes", "documents", "gifts", "samples", "tools", "toys")
COUNTRIES = (
    "AT",
    "BE",
    "CH",
    "DE",
    "DK",
    "ES",
    "FR",
    "GB",
    "IE",
    "IT",
    "NL",
    "NO",
    "PL",
    "PT",
    "SE",
    "US",
)


def transfer(faces: Sequence[Path]) -> Design:
    """A bank's transfer slip: combs in red, check digits, a small landscape sheet."""
    style = Style(
        RED, "comb", "line", "above", margin=10, face=2, cell_mm=(4.9, 6.4), label_mm=1.7
    )
    page: list[Part] = [
        Print("CREDIT TRANSFER", 3.4),
        (
            11.0,
            (
                Item(
                    "payee",
                    "Payee",
                    "letters",
                    v.full_capitals(27),
                    1,
                    UPPER,
                    (27,),
                    required=True,
                ),
            ),
        ),
        (
            11.0,
            (
                Item(
                    "iban",
                    "IBAN",
                    "letters",
                    v.iban(),
                    1,
                    Grammar(pattern="DE[0-9]{20}", checksum="mod97"),
                    (22,),
                    required=True,
                ),
            ),
        ),
        (
            11.0,
            (
                Item(
                    "euros",
                    "Amount, euros",
                    "digits",
                    v.whole(1, 99999),
                    2,
                    Grammar(pattern="[0-9]{1,6}", minimum=1),
                    (6,),
                ),
                Item(
                    "cents",
                    "cents",
                    "digits",
                    v.shaped("99"),
                    1,
                    Grammar(pattern="[0-9]{2}"),
                    (2,),
                ),
                dated("due", "Day", "ddmmyy", 2020, 2029, groups=(2, 2, 2), span=2),
            ),
        ),
        (
            11.0,
            (
                Item(
                    "reference",
                    "Reference",
                    "digits",
                    v.luhn(16),
                    1,
                    Grammar(pattern="[0-9]{16}", checksum="luhn"),
                    (16,),
                ),
            ),
        ),
        (11.0, (Item("payer", "Payer", "letters", v.full_capitals(27), 1, UPPER, (27,)),)),
        (
            14.0,
            (
                Item("signature", "Signature", "signature", span=1.4),
                choice("urgent", "Transfer", ("normal", "urgent"), 1),
                coded("slip", "", "CT", 0.4),
            ),
        ),
    ]
    return make_design("transfer-slip", "Bank transfer", (160.0, 108.0), style, [page], faces)


def receipt(faces: Sequence[Path]) -> Design:
    """A small postal receipt, dotted lines, no marks."""
    style = Style(BLACK, "boxes", "dots", "before", margin=8, face=9, label_mm=1.9)
    page: list[Part] = [
        Print("POSTAL RECEIPT", 3.2),
        (9.5, (Item("sender", "Sender", "text", v.full_name),)),
        (9.5, (Item("addressee", "Addressee", "text", v.full_name),)),
        (
            9.5,
            (
                Item(
                    "place",
                    "Place",
                    "text",
                    v.one_of(towns()),
                    1,
                    Grammar(lexicon=TOWNS, case="ignore"),
                ),
            ),
        ),
        (
            9.5,
            (
                numbered("grams", "Weight g", 20, 20000),
                Item(
                    "postage",
                    "Postage",
                    "number",
                    v.decimal(0.6, 49),
                    1,
                    Grammar(minimum=0, maximum=100, decimals=2),
                ),
            ),
        ),
        (
            13.0,
            (
                Item(
                    "item",
                    "No.",
                    "text",
                    v.shaped("RR999999999"),
                    1,
                    Grammar(pattern="RR[0-9]{9}"),
                ),
                coded("code", "", "PR", 0.25),
            ),
        ),
        (9.5, (choice("kind", "Kind", ("letter", "parcel", "wire"), 1),)),
        (
            10.0,
            (dated("posted", "Date", DOTTED, 1990, 2024), Item("clerk", "Clerk", "signature")),
        ),
    ]
    return make_design(
        "postal-receipt",
        "Postal receipt",
        (A6[1], A6[0]),
        style,
        [page],
        faces,
        (),
        {TOWNS: towns()},
    )


def invoice(faces: Sequence[Path]) -> Design:
    """An invoice with a table and a sum that must agree, typewriter print."""
    style = Style(BLACK, "boxes", "box", "before", margin=15, face=1, label_mm=1.8)
    style_columns = (
        Item(
            "article",
            "Article",
            "text",
            v.in_rows(v.shaped("AA-9999"), 0.8),
            1.2,
            Grammar(pattern="[A-Z]{2}-[0-9]{4}"),
        ),
        Item("text", "Description", "text", v.if_row(v.free_word), 2.0),
        Item(
            "count",
            "Qty",
            "number",
            v.if_row(v.whole(1, 24)),
            0.7,
            Grammar(minimum=1, maximum=999),
        ),
        Item(
            "price",
            "Price",
            "number",
            v.if_row(v.decimal(0.5, 150)),
            1,
            Grammar(minimum=0, maximum=1000, decimals=2),
        ),
        Item(
            "sum",
            "Sum",
            "number",
            v.product_of("count", "price"),
            1.1,
            Grammar(minimum=0, maximum=99999, decimals=2),
        ),
    )
    page: list[Part] = [
        Print("INVOICE", 5.0),
        (
            14.0,
            (
                Item(
                    "number",
                    "No.",
                    "text",
                    v.shaped("9999/99"),
                    1,
                    Grammar(pattern="[0-9]{4}/[0-9]{2}"),
                ),
                dated("day", "Date", DOTTED, 1995, 2024),
                coded("code", "", "IN", 0.3),
            ),
        ),
        (11.0, (Item("customer", "Customer", "text", v.full_name),)),
        (11.0, (Item("street", "Street", "text", v.street),)),
        (
            11.0,
            (
                Item(
                    "postcode",
                    "Postcode",
                    "text",
                    v.shaped("99999"),
                    1,
                    Grammar(pattern="[0-9]{5}"),
                ),
                Item(
                    "town",
                    "Town",
                    "text",
                    v.one_of(v.towns(400)),
                    2,
                    Grammar(lexicon=TOWNS, case="ignore"),
                ),
            ),
        ),
        4.0,
        Table(style_columns, 9, 10.0),
        3.0,
        (
            11.0,
            (
                choice("pays", "", ("cash", "card", "transfer"), 1.6),
                Item(
                    "total",
                    "Total",
                    "number",
                    v.sum_of("sum", places=2),
                    1,
                    Grammar(minimum=0, maximum=999999, decimals=2),
                    required=True,
                ),
            ),
        ),
        (12.0, (Item("iban", "IBAN", "letters", v.iban(), 1, IBAN, (22,)),)),
        (24.0, (remarks("remarks", "Remarks"),)),
        (16.0, (signed("signature", "Signature"),)),
    ]
    rules = (f"total == sum({', '.join(f'sum_{i}' for i in range(1, 10))})",)
    return make_design(
        "invoice", "Invoice", A4, style, [page], faces, rules, {TOWNS: v.towns(400)}
    )


def parcel(faces: Sequence[Path]) -> Design:
    """A customs declaration, A5 landscape, gapped boxes, dark bands."""
    style = Style(
        GREEN,
        "gapped",
        "box",
        "above",
        margin=9,
        face=6,
        label_mm=1.6,
        cell_mm=(4.8, 6.2),
        band=True,
        check_mm=3.2,
    )
    page: list[Part] = [
        Print("CUSTOMS DECLARATION", 3.2, band=True),
        (
            11.0,
            (
                Item(
                    "sender", "Sender, family name", "letters", v.surname(18), 1.3, UPPER, (18,)
                ),
                Item(
                    "parcel",
                    "Parcel",
                    "digits",
                    v.luhn(12),
                    1,
                    Grammar(pattern="[0-9]{12}", checksum="luhn"),
                    (4, 4, 4),
                ),
            ),
        ),
        (
            11.0,
            (
                Item("street", "Street", "text", v.street, 1.4),
                Item(
                    "country",
                    "Country code",
                    "letters",
                    v.one_of(COUNTRIES),
                    0.5,
                    Grammar(values=COUNTRIES),
                    (2,),
                ),
                Item(
                    "postcode",
                    "Postcode",
                    "digits",
                    v.shaped("99999"),
                    0.8,
                    Grammar(pattern="[0-9]{5}"),
                    (5,),
                ),
            ),
        ),
        (
            11.0,
            (
                Item(
                    "receiver",
                    "Receiver, family name",
                    "letters",
                    v.surname(18),
                    1.3,
                    UPPER,
                    (18,),
                ),
                figures("telephone", "Telephone", 10),
            ),
        ),
        (
            11.0,
            (
                choice("contents", "Contents", ("gift", "goods", "papers", "returned"), 1.4),
                choice("undelivered", "If it cannot be delivered", ("return", "abandon"), 1),
            ),
        ),
        2.0,
        Table(
            (
                Item(
                    "what",
                    "What",
                    "text",
                    v.in_rows(v.one_of(GOODS), 0.6),
                    2,
                    Grammar(values=GOODS, case="ignore"),
                ),
                Item(
                    "pieces",
                    "Pieces",
                    "number",
                    v.if_row(v.whole(1, 12)),
                    0.8,
                    Grammar(minimum=1, maximum=99),
                ),
                Item(
                    "grams",
                    "Weight g",
                    "number",
                    v.if_row(v.whole(50, 9000)),
                    1,
                    Grammar(minimum=1, maximum=30000),
                ),
                Item(
                    "value",
                    "Value",
                    "number",
                    v.if_row(v.decimal(1, 400)),
                    1,
                    Grammar(minimum=0, maximum=9999, decimals=2),
                ),
            ),
            4,
            8.0,
        ),
        (20.0, (remarks("remarks", "Remarks"),)),
        (
            13.0,
            (
                numbered("postage", "Postage units", 1, 99, 0.6),
                dated("day", "Date", groups=(2, 2, 4), span=1.3, first=2010),
                signed("signature", "Signature", 1.2),
                coded("code", "", "CD", 0.4),
            ),
        ),
    ]
    return make_design("customs", "Customs declaration", (A5[1], A5[0]), style, [page], faces)
