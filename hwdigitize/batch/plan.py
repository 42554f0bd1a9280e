"""What a run would do, said before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from hwdigitize.batch.exports import model_versions
from hwdigitize.batch.fingerprint import fingerprint
from hwdigitize.batch.intake import Plan
from hwdigitize.batch.ledger import Ledger
from hwdigitize.batch.outputs import LEDGER, locked, output_errors
from hwdigitize.batch.remote import RemoteInputs, find_remote, is_url
from hwdigitize.errors import ModelError, NothingToReadError, UsageError
from hwdigitize.settings import Settings

if TYPE_CHECKING:
    from hwdigitize.pages.discovery import Inputs


def plan_run(inputs: Sequence[Path | str], out: Path, settings: Settings) -> Plan:
    """Say what ``run_batch`` with the same arguments would read anew, and why.

    Neither results nor ledger change. Inputs whose size or time changed are hashed, none is
    parsed, so that new files count as files, not pages.

    Raises:
        NothingToReadError: no readable file among the inputs.
        OutputError: ``out`` cannot be read, or a run is writing to it.
        ModelError, TemplateError, UsageError: what settings name is not there or not usable.
    """
    found = find_files(inputs, out)
    check_settings(settings)
    prints = fingerprint(settings)
    if not (out / LEDGER).exists():
        return Plan(len(found.files), 0, 0, (), 0)
    with output_errors(out), locked(out), closing(Ledger(out)) as ledger:
        return ledger.take_in(*listed(found), prints, keep=False)


def find_files(inputs: Sequence[Path | str], out: Path) -> Inputs | RemoteInputs:
    """Find what there is to read.

    Raises:
        NothingToReadError: nothing; the message says what was skipped.
        UsageError: a path or URL is not there, or both are given.
    """
    from hwdigitize.pages.discovery import find_inputs

    urls = [str(path) for path in inputs if is_url(path)]
    if urls and len(urls) < len(inputs):
        raise UsageError("inputs are either paths or URLs; for both, write file:///path")
    paths = [Path(path) for path in inputs]
    found = find_remote(urls) if urls else find_inputs(paths, exclude=out)
    if not found.files:
        raise NothingToReadError(_nothing_in(inputs, found))
    return found


def listed(
    found: Inputs | RemoteInputs,
) -> tuple[list[tuple[str, Path | str]], list[tuple[str, str]]]:
    """Give inputs and skipped files as the ledger takes them in."""
    files = [(file.file, file.path) for file in found.files]
    return files, [(file.file, file.reason) for file in found.skipped]


def check_settings(settings: Settings) -> None:
    """Refuse what settings name and what cannot be used, before any page is read.

    Raises:
        ModelError: a folder of weights that is not there, or a damaged card in it.
        TemplateError: a template that cannot be used; the message says what to change.
        UsageError: a lexicon, gallery or password file that is not there.
    """
    from hwdigitize.recognition.lexicon import SHIPPED, load_lexicon

    if settings.models is not None and not Path(settings.models).is_dir():
        raise ModelError(f"{settings.models}: no folder of weights; see --models")
    model_versions(settings)
    for name in settings.language.split("+"):
        if name not in ("none", *SHIPPED):
            load_lexicon(name)
    if settings.password_file is not None:
        _check_readable(Path(settings.password_file))
    if settings.gallery is not None:
        from hwdigitize.recognition.writers import load_gallery

        load_gallery(settings.gallery, settings.models)
    if settings.templates is not None:
        from hwdigitize.forms.template import load_templates

        load_templates(settings.templates)


def _check_readable(path: Path) -> None:
    try:
        path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read password file {path}: {error}") from error


def _nothing_in(inputs: Sequence[Path | str], found: Inputs | RemoteInputs) -> str:
    places = ", ".join(str(path) for path in inputs)
    if not found.skipped:
        return f"nothing to read: there is no file in {places}"
    one = found.skipped[0]
    return (
        f"nothing to read in {places}; {len(found.skipped)} files skipped, "
        f"such as {one.file}: {one.reason}"
    )
