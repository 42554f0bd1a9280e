"""Inputs and results in an object store: a cluster's workers share no disk, the bytes stay."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hwdigitize.batch.remote import results_at
from hwdigitize.batch.run import RunSummary, run_batch
from hwdigitize.settings import Settings
from tests.conftest import ROOT

from . import fakes
from .conftest import MakeScans, results_in
from .object_store import KEY_ID, Store, serving

pytest.importorskip("distributed", reason="needs Dask: pip install 'hwdigitize[cluster]'")
s3fs = pytest.importorskip("s3fs", reason="needs pip install s3fs")

SETTINGS = Settings()
SAMPLES = ("order-fax.tif", "membership-flat.jpg", "notebook.pdf")
SCANS, OUT = "s3://archive/scans", "s3://archive/results"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store, told to s3fs in this process and all that it starts."""
    store = Store()
    with serving(store) as url:
        for name, value in {
            "AWS_ENDPOINT_URL_S3": url,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "nowhere-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }.items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield store
        s3fs.S3FileSystem.clear_instance_cache()


def put(store: Store, scans: Path) -> None:
    """Lay a folder into the store, as `aws s3 cp --recursive` would."""
    for path in scans.rglob("*"):
        if path.is_file():
            name = path.relative_to(scans).as_posix()
            store.objects[f"archive/scans/{name}"] = path.read_bytes()


def run(**how: Any) -> RunSummary:
    """Read what is in the store into the store, on two workers."""
    with results_at(OUT) as folder:
        return run_batch([SCANS], folder, SETTINGS, cluster="local:2", **how)


def in_store(store: Store) -> dict[str, bytes]:
    apart = ("ledger.sqlite", "timing.json")
    found = store.below("archive/results/").items()
    return {name: data for name, data in found if name not in apart}


def differing(some: dict[str, bytes], others: dict[str, bytes]) -> list[str]:
    """Names of what is not the same in both."""
    return [name for name in some.keys() | others.keys() if some.get(name) != others.get(name)]


def test_a_cluster_from_store_to_store_gives_the_bytes_of_a_local_run(
    store: Store, make_scans: MakeScans, tmp_path: Path
) -> None:
    scans = make_scans(*(f"{n}.png" for n in range(7)), "b/ß 1.tif", "b/flag+&.png")
    put(store, scans)
    work: dict[str, Any] = {"digitize": fakes.well_behaved, "count": fakes.count}
    run_batch([scans], tmp_path / "out", SETTINGS, jobs=1, **work)

    summary = run(**work)

    local = results_in(tmp_path / "out")
    assert summary.counts.pages == summary.read == 18
    assert differing(in_store(store), local) == []
    # On another machine, nothing is fetched or read again: the store tells what is unchanged.
    shutil.rmtree(tmp_path / "state")
    store.calls.clear()
    assert run(**work).read == 0
    # What is at the URL comes here, no scan does; the ledger goes back, as it tells of the run.
    assert store.calls.count("GET") == len(local) + 2
    assert store.calls.count("PUT") == 1
    assert differing(in_store(store), local) == []

    store.objects["archive/scans/3.png"] = b"another scan"
    assert run(**work).read == len(b"another scan") % 3 + 1


@pytest.mark.slow
def test_so_it_is_with_the_shipped_networks(store: Store, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    for name in SAMPLES:
        shutil.copy(ROOT / "samples" / name, scans)
    put(store, scans)
    run_batch([scans], tmp_path / "out", SETTINGS, jobs=1)
    assert run().read == 5
    assert differing(in_store(store), results_in(tmp_path / "out")) == []


def test_a_file_of_many_parts_is_put_whole(store: Store, tmp_path: Path) -> None:
    with results_at(OUT) as folder, (folder / "ledger.sqlite").open("wb") as ledger:
        ledger.write(b"first")
        ledger.truncate(110_000_000)
    assert store.calls.count("POST") == 2
    assert len(store.objects["archive/results/ledger.sqlite"]) == 110_000_000
    assert store.objects["archive/results/ledger.sqlite"][:5] == b"first"
