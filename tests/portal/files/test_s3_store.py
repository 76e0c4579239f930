"""The bucket: many requests at a time, clear errors, safe to use where processes fork, swept like a folder."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from flask import Flask
from pydantic import SecretStr

from portal.config import PortalConfig
from portal.files import s3
from portal.files.buckets import Bucket, bucket_of
from portal.files.s3 import S3Store, StorageAway
from portal.files.service import NewFile, register
from portal.files.store import STORE_KEY, current_store, init_files
from portal.files.sweeper import sweep
from portal.health.checks import check_storage, prove_storage
from portal.kernel.errors import PortalError, StorageFull
from portal.kernel.transaction import transaction

ANY_AGE = -3600.0


class SlowServer(ThreadingHTTPServer):
    """Answers every request after a while, and counts how many it has in hand."""

    daemon_threads = True
    #: The browser end may be gone when the answer comes.
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.status, self.pause_seconds, self.requests, self.at_once, self.most = 200, 0.02, 0, 0, 0
        self.lock = threading.Lock()


class Answer(BaseHTTPRequestHandler):
    server: SlowServer

    def do_PUT(self) -> None:
        server = self.server
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with server.lock:
            server.requests += 1
            server.at_once += 1
            server.most = max(server.most, server.at_once)
        time.sleep(server.pause_seconds)
        with server.lock:
            server.at_once -= 1
        self.send_response(server.status)
        self.send_header("ETag", '"x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_PUT

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def slow_server() -> Iterator[SlowServer]:
    server = SlowServer()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def slow(slow_server: SlowServer) -> S3Store:
    return S3Store(
        Bucket(
            name="b",
            endpoint=f"http://127.0.0.1:{slow_server.server_port}",
            access_key_id="key",
            secret_access_key="secret",
        )
    )


@pytest.fixture
def bucket_store(new_bucket: Callable[[], Bucket]) -> S3Store:
    return S3Store(new_bucket())


@pytest.fixture
def in_bucket(app: Flask, bucket_store: S3Store, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """Let the application keep its files in a bucket."""
    monkeypatch.setitem(app.extensions, STORE_KEY, bucket_store)
    return bucket_store


def test_a_chunk_does_not_wait_for_one_blob_after_the_other(slow: S3Store, slow_server: SlowServer) -> None:
    slow.put_many([str(number).encode() for number in range(64)])

    assert slow_server.requests == 64
    assert slow_server.most > 4


def test_what_was_just_put_is_not_asked_for_again(slow: S3Store, slow_server: SlowServer) -> None:
    names = slow.put_many([b"one", b"two"])

    assert slow.missing(names) == set()
    assert slow_server.requests == 2


def test_what_may_have_been_swept_meanwhile_is_asked_for_again(
    slow: S3Store, slow_server: SlowServer
) -> None:
    store = S3Store(slow.bucket, grace_seconds=0)
    store.missing(store.put_many([b"one"]))

    assert slow_server.requests == 2


def test_a_full_bucket_is_told_as_such(slow: S3Store, slow_server: SlowServer) -> None:
    slow_server.status = 507

    with pytest.raises(StorageFull, match="bucket"):
        slow.put_many([b"one"])


def test_a_bucket_that_refuses_is_named_and_its_secret_is_not(slow: S3Store, slow_server: SlowServer) -> None:
    slow_server.status = 403

    with pytest.raises(StorageAway, match="The bucket b does not answer or refuses") as caught:
        slow.put_many([b"one", b"two"])
    assert "secret" not in caught.value.message


def test_a_server_that_is_away_is_a_temporary_failure() -> None:
    store = S3Store(Bucket(name="b", endpoint="http://127.0.0.1:1", access_key_id="k", secret_access_key="s"))
    started = time.monotonic()

    with pytest.raises(StorageAway):
        store.read("a" * 64)
    assert time.monotonic() - started < 5


def test_listing_goes_on_after_the_first_batch(
    bucket_store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "LISTED_BLOBS", 20)
    names = bucket_store.put_many([str(number).encode() for number in range(45)])

    assert set(bucket_store.older_than(ANY_AGE)) == set(names)


def test_putting_again_gives_a_fresh_time(bucket_store: S3Store) -> None:
    (name,) = bucket_store.put_many([b"one"])
    time.sleep(2.1)
    assert list(bucket_store.older_than(1)) == [name]

    bucket_store.put_many([b"one"])
    assert list(bucket_store.older_than(1)) == []


def test_a_process_that_forks_reads_without_harm_to_its_children(bucket_store: S3Store) -> None:
    (name,) = bucket_store.put_many([b"logo"])
    bucket = bucket_store.bucket
    # A fresh process, as a worker is: it reads while it warms up, and its children go on with the same store.
    code = f"""
from portal.files.buckets import Bucket
from portal.files.s3 import S3Store
from portal.kernel import processes
from portal.kernel.errors import NotFound
processes.will_fork()
store = S3Store(Bucket(name={bucket.name!r}, prefix={bucket.prefix!r}, endpoint={bucket.endpoint!r},
                       access_key_id="key", secret_access_key="secret"))
warm, streamed = store.read({name!r}), store.open({name!r}).read()
try:
    store.read("f" * 64)
except NotFound as error:
    refused = error.code
child = processes.in_child(lambda: (store.put_many([b"child", b"two"]), store.read({name!r}))[1])
print(warm.decode(), streamed.decode(), child.decode(), refused)
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20
    )

    assert answer.stdout.split() == ["logo", "logo", "logo", "blob-not-found"]


@pytest.mark.both_engines
def test_the_sweep_takes_from_a_bucket_what_nothing_names(in_bucket: S3Store) -> None:
    named, unnamed = in_bucket.put_many([b"named", b"unnamed"])
    with transaction():
        register([NewFile(sha256=named, size_bytes=5, media_type="text/plain")])
    seen: list[int] = []
    result = sweep(1000)
    assert (result.rows, result.blobs, result.temporary) == (0, 0, 0)

    result = sweep(ANY_AGE, seen.append)
    assert (result.rows, result.blobs) == (1, 2)
    assert in_bucket.missing([named, unnamed]) == {named, unnamed}
    assert seen == [2]


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_doctor_writes_reads_and_removes(app: Flask, kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "bucket":
        request.getfixturevalue("in_bucket")

    found = prove_storage()

    assert (found.ok, found.message) == (True, "A file was written, read and removed.")
    assert list(current_store().older_than(ANY_AGE)) == []


def test_doctor_names_what_is_wrong_with_the_bucket(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    away = S3Store(
        Bucket(name="gone", endpoint="http://127.0.0.1:1", access_key_id="k", secret_access_key="s")
    )
    monkeypatch.setitem(app.extensions, STORE_KEY, away)

    found = prove_storage()

    assert not found.ok
    assert "The bucket gone does not answer" in found.message


def test_readiness_asks_the_bucket(
    app: Flask, config: PortalConfig, in_bucket: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PORTAL", config.model_copy(update={"blob_store_url": "s3://papers"}))

    assert (check_storage().ok, check_storage().message) == (True, "s3://papers answers.")
    assert list(in_bucket.older_than(ANY_AGE)) == []


def test_the_setting_chooses_the_store(app: Flask, config: PortalConfig, s3_endpoint: str) -> None:
    bare = Flask("bare")
    bare.config["PORTAL"] = config.model_copy(
        update={
            "blob_store_url": "s3://papers/of/us/",
            "blob_store_endpoint": s3_endpoint,
            "blob_store_access_key_id": "key",
            "blob_store_secret_access_key": SecretStr("secret"),
        }
    )
    init_files(bare)
    with bare.app_context():
        store = current_store()
        assert isinstance(store, S3Store)
        assert (store.bucket.name, store.bucket.prefix) == ("papers", "of/us")
        assert "'secret'" not in repr(store.bucket)


@pytest.mark.parametrize("url", ["s3://", "gs://bucket", "bucket", "s3:///prefix"])
def test_an_address_that_is_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(PortalError, match="use s3://bucket/prefix"):
        bucket_of(url)
