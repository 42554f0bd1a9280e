"""A store with the few calls of S3 that s3fs makes, on the loopback, for tests.

Amazon S3 API reference: ListObjectsV2, HeadObject, GetObject, PutObject, the multipart calls,
DeleteObject. Lists come in pages of a few names, so that what reads them has to ask for more.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

KEY_ID = "hwdigitize-test"
LISTED = 3
_CHANGED = "2026-01-02T03:04:05.000Z"
_CHANGED_HTTP = "Fri, 02 Jan 2026 03:04:05 GMT"


class Store:
    """Objects by ``bucket/key``, parts of those under way by upload, and the calls made."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.calls: list[str] = []

    def below(self, prefix: str) -> dict[str, bytes]:
        """Objects whose names begin so, by the rest of the name."""
        found = sorted(name for name in self.objects if name.startswith(prefix))
        return {name.removeprefix(prefix): self.objects[name] for name in found}


@contextmanager
def serving(store: Store) -> Iterator[str]:
    """Serve a store; the URL of its endpoint."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Answer, store))
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


class _Call(NamedTuple):
    """What is asked for: a bucket, a key in it or none, and the query."""

    bucket: str
    key: str
    query: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.bucket}/{self.key}"


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, store: Store, *args: object) -> None:
        self.store = store
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        call = self.call()
        if not call.key:
            self.list(call)
            return
        data = self.store.objects.get(call.name)
        if data is None:
            self.refuse(404, "NoSuchKey")
            return
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = (int(span[1]), int(span[2] or len(data))) if span else (0, len(data))
        self.give(206 if span else 200, data[first : last + 1], self.about(data))

    def do_HEAD(self) -> None:
        call = self.call()
        if not call.key:
            self.give(200)
        elif (data := self.store.objects.get(call.name)) is None:
            self.refuse(404, "NotFound")
        else:
            self.give(200, data, self.about(data))

    def do_PUT(self) -> None:
        call, data = self.call(), self.body()
        if "uploadId" in call.query:
            self.store.parts[call.query["uploadId"]][int(call.query["partNumber"])] = data
        elif call.key:
            self.store.objects[call.name] = data
        self.give(200, b"", self.about(data))

    def do_POST(self) -> None:
        call = self.call()
        self.body()
        if "uploads" in call.query:
            upload = f"upload-{len(self.store.parts)}"
            self.store.parts[upload] = {}
            self.say("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
        else:
            parts = self.store.parts.pop(call.query["uploadId"])
            self.store.objects[call.name] = b"".join(parts[n] for n in sorted(parts))
            self.say("CompleteMultipartUploadResult", "<ETag>whole</ETag>")

    def do_DELETE(self) -> None:
        self.store.objects.pop(self.call().name, None)
        self.give(204)

    def list(self, call: _Call) -> None:
        """Answer ListObjectsV2: names and, with a delimiter, folders, a few at a time."""
        prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter", "")
        items = {}
        for key, data in self.store.below(f"{call.bucket}/").items():
            if not key.startswith(prefix):
                continue
            head, cut, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("",) * 3
            items[prefix + head + cut if cut else key] = None if cut else data
        after = call.query.get("continuation-token", "")
        names = [name for name in sorted(items) if name > after]
        shown = names[:LISTED]
        more = len(shown) < len(names)
        token = shown[-1] if more else ""
        self.say(
            "ListBucketResult",
            f"<IsTruncated>{str(more).lower()}</IsTruncated>",
            f"<NextContinuationToken>{escape(token)}</NextContinuationToken>" if more else "",
            *(_listed(name, items[name]) for name in shown),
        )

    def call(self) -> _Call:
        if KEY_ID not in self.headers.get("Authorization", ""):
            raise PermissionError("a call without credentials")
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        self.store.calls.append(self.command if key or self.command != "GET" else "LIST")
        return _Call(bucket, key, query)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def about(self, data: bytes) -> dict[str, str]:
        tag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        return {"ETag": f'"{tag}"', "Last-Modified": _CHANGED_HTTP}

    def say(self, what: str, *lines: str) -> None:
        """Answer in XML."""
        xml = f"<{what}>{''.join(lines)}</{what}>"
        self.give(200, xml.encode(), {"Content-Type": "application/xml"})

    def refuse(self, code: int, reason: str) -> None:
        self.give(code, f"<Error><Code>{reason}</Code></Error>".encode())

    def give(self, code: int, data: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each call."""


def _listed(name: str, data: bytes | None) -> str:
    if data is None:
        return f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
    tag = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return (
        f"<Contents><Key>{escape(name)}</Key><Size>{len(data)}</Size>"
        f"<ETag>{tag}</ETag><LastModified>{_CHANGED}</LastModified></Contents>"
    )
