"""The command line keeps its promises: exit codes, quiet data, no traceback."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hwdigitize import errors
from hwdigitize.batch import run as batch_run
from hwdigitize.cli import build_app, main
from tests.batch import fakes

from .conftest import ROOT


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three files that the fakes read, one of which fails."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "failed.png", "notes.txt"):
        (folder / name).write_bytes(b"abc")
    defaults = {"digitize": fakes.read, "count": fakes.count}
    assert batch_run.run_batch.__kwdefaults__ is not None
    monkeypatch.setattr(
        batch_run.run_batch,
        "__kwdefaults__",
        batch_run.run_batch.__kwdefaults__ | defaults,
    )
    return folder


def code_of(*arguments: str | Path) -> int:
    """Exit code of the program, run in this process."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def test_failed_pages_are_exit_code_1(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert code_of("run", source, "--out", out, "--jobs", "1") == errors.EXIT_PAGES_FAILED
    said = capsys.readouterr()
    assert said.out == ""
    assert (
        "1 done + 0 review + 1 quarantined" in said.err
        and str(out / "report" / "index.html") in said.err
    )
    assert "ingest:damaged" in said.err


def test_all_pages_done_is_exit_code_0(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("run", source / "a.png", "--out", tmp_path / "out", "--jobs", "1", "--quiet")
    assert code_of(*arguments) == errors.EXIT_OK
    assert capsys.readouterr() == ("", "")


def test_usage_errors_are_exit_code_2(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of("run", source) == errors.EXIT_USAGE
    assert code_of("run", source, "--out", tmp_path, "--jobs", "0") == errors.EXIT_USAGE
    assert code_of("run", tmp_path / "none", "--out", tmp_path / "o") == errors.EXIT_USAGE
    config = tmp_path / "settings.toml"
    config.write_text("colour = 1")
    given = ("run", source, "--out", tmp_path / "o", "--config", config)
    assert code_of(*given) == errors.EXIT_USAGE
    assert "colour" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "code", "words"),
    [
        ("--language", "xx", errors.EXIT_USAGE, "no lexicon 'xx'"),
        ("--language", "en+xx", errors.EXIT_USAGE, "no lexicon 'xx'"),
        ("--gallery", "absent.npz", errors.EXIT_USAGE, "cannot read writer gallery"),
        ("--password-file", "absent", errors.EXIT_USAGE, "cannot read password file"),
        ("--templates", "absent", errors.EXIT_BAD_TEMPLATE, "no folder of templates"),
        ("--models", "absent", errors.EXIT_BAD_MODEL, "no folder of weights"),
    ],
)
def test_what_settings_name_is_looked_for_before_anything_is_read(
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    option: str,
    value: str,
    code: int,
    words: str,
) -> None:
    """The pages of this run would never ask for any of it."""
    out = tmp_path / "out"
    assert code_of("run", source / "a.png", "--out", out, option, value) == code
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_nothing_to_read_is_exit_code_3(source: Path, tmp_path: Path) -> None:
    (tmp_path / "void").mkdir()
    given = ("run", tmp_path / "void", "--out", tmp_path / "out")
    assert code_of(*given) == errors.EXIT_NOTHING_TO_READ


def test_damaged_weights_are_exit_code_5(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "model.png").write_bytes(b"abc")
    given = ("run", source, "--out", tmp_path / "out", "--jobs", "1")
    assert code_of(*given) == errors.EXIT_BAD_MODEL
    assert capsys.readouterr().err == "hwdigitize: the weights are damaged\n"
    assert code_of("models", "verify", "--models", source) == errors.EXIT_BAD_MODEL


def test_unwritable_output_is_exit_code_6(source: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    given = ("run", source, "--out", blocked / "out")
    assert code_of(*given) == errors.EXIT_OUTPUT_NOT_WRITABLE
    given = ("run", source, "--out", tmp_path / "o", "--log-file", blocked / "log")
    assert code_of(*given) == errors.EXIT_OUTPUT_NOT_WRITABLE


def test_a_bug_is_exit_code_70_and_one_line(
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(batch_run, "run_batch", broken)
    given = ("run", source, "--out", tmp_path / "out")
    assert code_of(*given, "--log-file", tmp_path / "log") == errors.EXIT_BUG
    said = capsys.readouterr().err
    assert said.startswith("hwdigitize: bug, please report it: ZeroDivisionError")
    assert said.count("\n") == 1
    assert "Traceback" in (tmp_path / "log").read_text()


SCRIPT = """
import sys
from hwdigitize.batch import run
from tests.batch import fakes
run.run_batch.__kwdefaults__.update(digitize=fakes.slow_read, count=fakes.count)
from hwdigitize.cli import main
main(sys.argv[1:])
"""


def start(
    source: Path, out: Path, pages: int, *more: str, **how: object
) -> subprocess.Popen[str]:
    """Start a slow run over made-up pages as a program of its own."""
    for number in range(pages):
        (source / f"{number}.png").write_bytes(b"%06d" % number)
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "run", source, "--out", out, "--jobs", "1", *more],
        cwd=ROOT,
        text=True,
        **how,  # type: ignore[call-overload]
    )


def wait_for_pages(out: Path) -> None:
    deadline = time.monotonic() + 60
    while not list(out.glob("documents/*")) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_interrupt_keeps_what_is_done_and_is_exit_code_130(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    with start(source, out, 300, stderr=subprocess.PIPE) as program:
        wait_for_pages(out)
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=60)
    assert program.returncode == errors.EXIT_INTERRUPTED
    assert "start the same command again" in said
    counts = json.loads((out / "run.json").read_bytes())["counts"]
    assert 0 < counts["done"] < 300
    assert len(list(out.glob("documents/*.json"))) == counts["done"]


def test_second_interrupt_ends_at_once(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    with start(source, out, 50, stderr=subprocess.PIPE) as program:
        wait_for_pages(out)
        program.send_signal(signal.SIGTERM)
        time.sleep(0.05)
        program.send_signal(signal.SIGINT)
        assert program.wait(timeout=20) == errors.EXIT_INTERRUPTED


def test_a_terminal_gets_a_progress_bar(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    ours, theirs = pty.openpty()
    with start(source, out, 5, stdout=subprocess.PIPE, stderr=theirs) as program:
        os.close(theirs)
        said = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            said += piece
        assert program.stdout is not None and program.stdout.read() == ""
    os.close(ours)
    assert program.returncode == 0
    assert b"reading" in said and b"/5" in said


def test_verbose_and_log_name_each_page(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "a\x1b[2J.png").write_bytes(b"abc")
    given = ("run", source, "--out", tmp_path / "out", "--jobs", "1", "--verbose")
    code_of(*given, "--log-file", tmp_path / "log")
    said = capsys.readouterr().err
    assert "reading a.png, page 1: done" in said
    assert "failed.png, page 1: quarantined (ingest:damaged)" in said
    assert "\x1b" not in said
    assert "WARNING reading failed.png" in (tmp_path / "log").read_text()


def test_version_and_models(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert code_of("version") == 0
    assert capsys.readouterr().out.strip()[0].isdigit()
    assert code_of("writers", "list", tmp_path / "none.npz") == errors.EXIT_USAGE


def test_help_imports_no_library_that_is_slow() -> None:
    code = (
        "import sys; from hwdigitize.cli import build_app\n"
        "try: build_app()(['--help'])\n"
        "except SystemExit: pass\n"
        "slow = set('cv2 numpy onnxruntime skimage keras tensorflow torch PIL'.split())\n"
        "print(sorted(slow & set(sys.modules)), file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert result.stderr.strip() == "[]"
    assert "writers" in result.stdout


def test_commands_have_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["run"], ["writers", "enrol"], ["models", "verify"], ["version"]):
        with pytest.raises(SystemExit):
            build_app(command)([*command, "--help"])
        assert "Usage" in capsys.readouterr().out


def test_writers_are_enrolled_listed_and_identified(
    tmp_path: Path, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan, gallery = samples / "letter-plain.jpg", tmp_path / "hands.npz"
    broken = tmp_path / "broken.png"
    broken.touch()
    assert code_of("writers", "enrol", gallery, "Ada", scan, broken) == errors.EXIT_PAGES_FAILED
    assert code_of("writers", "list", gallery) == errors.EXIT_OK
    assert code_of("writers", "identify", gallery, scan) == errors.EXIT_OK
    said = capsys.readouterr()
    assert "broken.png, page 1: The file is empty" in said.err
    listed, identified = said.out.splitlines()
    assert listed == "Ada\t1"
    assert identified.split("\t")[:3] == ["letter-plain.jpg", "1", "Ada"]


def test_results_are_looked_after(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert code_of("run", source, "--out", out, "--dry-run") == errors.EXIT_OK
    assert capsys.readouterr().out == "new\t2 files\n" and not out.exists()
    code_of("run", source, "--out", out, "--jobs", "1", "--quiet")
    assert code_of("status", out) == errors.EXIT_OK
    said = capsys.readouterr().out
    assert "pages in  2 = 1 done + 0 review + 1 quarantined" in said
    assert "ingest:damaged  1 page, such as failed.png" in said
    assert code_of("status", out, "--json") == errors.EXIT_OK
    told = json.loads(capsys.readouterr().out)
    assert told["counts"]["quarantined"] == 1
    assert told["problems"] == [{"problem": "ingest:damaged", "pages": 1, "file": "failed.png"}]
    assert code_of("verify", out) == errors.EXIT_OK
    (out / "pages.csv").write_text("")
    assert code_of("verify", out) == errors.EXIT_PAGES_FAILED
    said = capsys.readouterr()
    assert "pages.csv: is not what was written" in said.out
    assert f"`hwdigitize verify {out} --mend` has the next run" in said.err
    assert code_of("verify", out, "--mend") == errors.EXIT_PAGES_FAILED
    assert "start the run again" in capsys.readouterr().err
    assert code_of("retry", out, "--jobs", "1") == errors.EXIT_PAGES_FAILED
    assert "to be read again: 1 page\n" in capsys.readouterr().err
    (source / "failed.png").unlink()
    assert code_of("run", source, "--out", out, "--jobs", "1") == errors.EXIT_OK
    assert "vanished from the inputs: 1 file, whose" in capsys.readouterr().err
    assert code_of("prune", out) == errors.EXIT_OK
    assert capsys.readouterr().out == "failed.png\n"
    assert code_of("verify", tmp_path) == errors.EXIT_USAGE
    assert code_of("export", out, "--format", "text", "--out", tmp_path / "x") == errors.EXIT_OK
    assert capsys.readouterr().err.endswith(f"1 file in {tmp_path / 'x'}\n")
    assert (tmp_path / "x" / "a.png.txt").read_text()
    assert code_of("export", out, "--format", "odt", "--out", out) == errors.EXIT_USAGE


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--flag-below", "3"),
        ("--dpi", "0"),
        ("--page-seconds", "-1"),
        ("--worker-megabytes", "0"),
        ("--max-megapixels", "0"),
        ("--max-error", "150%"),
        ("--decoder", "fast"),
    ],
)
def test_settings_out_of_range_are_refused(
    option: str, value: str, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of("run", source, "--out", tmp_path / "out", option, value) == errors.EXIT_USAGE
    said = capsys.readouterr().err
    assert option[2:].replace("-", "_") in said.replace("-", "_") and "Known keys" not in said
    assert not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_opened_is_a_failure_in_the_log(
    source: Path, tmp_path: Path
) -> None:
    (source / "uncountable.png").touch()
    log = tmp_path / "log.jsonl"
    to_log = ("-q", "--log-file", log, "--log-json")
    code_of("run", source, "--out", tmp_path / "out", "--jobs", "1", *to_log)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (failed,) = [line for line in lines if line.get("file") == "uncountable.png"]
    assert (failed["level"], failed["problem"]) == ("warning", "ingest:damaged")
    assert lines[0]["message"].startswith("began: ")
    assert lines[-1]["quarantined"] == 2 and lines[-1]["read"] == 2


def test_json_log_has_page_ids(source: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    out = tmp_path / "out"
    code_of("run", source, "--out", out, "--jobs", "1", "-q", "--log-file", log, "--log-json")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    pages = {line["file"]: line for line in lines if "page_id" in line}
    assert pages["a.png"]["state"] == "done" and pages["a.png"]["page"] == 1
    assert pages["failed.png"]["problem"] == "ingest:damaged"
    assert (out / "report/pages" / f"{pages['a.png']['page_id']}.html").is_file()
