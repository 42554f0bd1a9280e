"""A cluster gives the bytes of a local run with the networks that are shipped, too."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="needs Dask: pip install 'hwdigitize[cluster]'")

from distributed import LocalCluster

from hwdigitize.batch import care
from hwdigitize.batch.run import Progress, run_batch
from hwdigitize.settings import Settings
from tests.conftest import ROOT

from .conftest import results_in

pytestmark = pytest.mark.slow

PAGES = ("letter-plain.jpg", "membership-flat.jpg", "order-fax.tif", "notebook.pdf")
WAIT_SECONDS = 900


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("in") / "scans"
    folder.mkdir()
    for name in PAGES:
        shutil.copy(ROOT / "samples" / name, folder)
    return folder


@pytest.fixture(scope="module")
def local(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the command leaves without a cluster."""
    return results_of(scans, tmp_path_factory.mktemp("local") / "out", "--jobs", "1")


def results_of(source: Path | str, out: Path, *options: str) -> dict[str, bytes]:
    """Run the command, all of whose pages can be read; what it leaves."""
    program = "from hwdigitize.cli import main; main()"
    command = [sys.executable, "-c", program, "run", source, "--out", out, "--quiet", *options]
    done = subprocess.run(
        command, cwd=ROOT, timeout=WAIT_SECONDS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(care.verify(out)) == []
    return results_in(out)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each call."""


@pytest.fixture
def url(scans: Path) -> Iterator[str]:
    """The scans as a web server lists them."""
    handler = partial(_Quiet, directory=str(scans))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def test_the_command_on_two_workers(
    scans: Path, tmp_path: Path, local: dict[str, bytes]
) -> None:
    documents = [name for name in local if name.startswith("documents/")]
    assert sorted(documents) == sorted(f"documents/{name}.json" for name in PAGES)
    assert results_of(scans, tmp_path / "out", "--cluster", "local:2") == local


def test_scans_from_a_web_server(url: str, tmp_path: Path, local: dict[str, bytes]) -> None:
    assert results_of(url, tmp_path / "out", "--cluster", "local:2") == local


def test_one_of_two_workers_killed_half_way(
    scans: Path, tmp_path: Path, local: dict[str, bytes]
) -> None:
    killed: list[int] = []
    with LocalCluster(
        n_workers=2, threads_per_worker=1, memory_limit=None, dashboard_address="127.0.0.1:0"
    ) as cluster:

        def kill_one(progress: Progress) -> None:
            if progress.stage == "reading" and progress.done >= 2 and not killed:
                killed.extend(n.pid for n in cluster.workers.values() if n.pid)
                os.kill(killed[0], signal.SIGKILL)

        address = cluster.scheduler_address
        out = tmp_path / "out"
        run_batch([scans], out, Settings(), cluster=address, listener=kill_one)
    assert len(killed) == 2
    assert results_in(out) == local
