"""What every blob store promises, in a folder and in a bucket."""

import hashlib
import io
import os
import threading

import pytest

from portal.files.store import BlobStore
from portal.kernel.errors import InvalidInput, NotFound

#: Older than this is everything; older than that is nothing.
ANY_AGE, YOUNG = -3600.0, 3600.0


def names_in(store: BlobStore) -> set[str]:
    return set(store.older_than(ANY_AGE))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_what_was_put_is_read_back_in_the_same_order(store: BlobStore) -> None:
    blobs = [b"one", b"two", b"", b"one"]
    names = store.put_many(blobs)

    assert names == [sha256(blob) for blob in blobs]
    assert [store.read(name) for name in names] == blobs
    assert names_in(store) == set(names)


def test_putting_nothing_returns_nothing(store: BlobStore) -> None:
    assert store.put_many([]) == []
    assert names_in(store) == set()


def test_putting_again_changes_nothing(store: BlobStore) -> None:
    first = store.put_many([b"one", b"two"])

    assert store.put_many([b"one", b"two"]) == first
    assert len(names_in(store)) == 2


def test_many_writers_of_the_same_blobs_do_not_disturb_each_other(store: BlobStore) -> None:
    blobs = [bytes([number]) * 50 for number in range(20)]
    threads = [threading.Thread(target=store.put_many, args=(blobs,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert names_in(store) == {sha256(blob) for blob in blobs}
    assert [store.read(sha256(blob)) for blob in blobs] == blobs


@pytest.mark.parametrize("size_bytes", [0, 5, (9 << 20) + 7])
def test_a_stream_is_stored_under_its_hash(store: BlobStore, size_bytes: int) -> None:
    content = os.urandom(size_bytes)
    blob = store.put_stream(io.BytesIO(content), max_bytes=10 << 20)

    assert (blob.sha256, blob.size_bytes) == (sha256(content), size_bytes)
    assert store.read(blob.sha256) == content


def test_a_stream_that_is_too_long_is_refused_and_leaves_nothing(store: BlobStore) -> None:
    with pytest.raises(InvalidInput, match="larger than 1,000 bytes") as caught:
        store.put_stream(io.BytesIO(b"x" * 1001), max_bytes=1000)

    assert caught.value.code == "file-too-large"
    assert names_in(store) == set()


def test_a_stream_that_breaks_off_leaves_nothing(store: BlobStore) -> None:
    class Torn(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 0:
                raise ConnectionResetError("the browser went away")
            return super().read(10)

    with pytest.raises(ConnectionResetError):
        store.put_stream(Torn(b"x" * 100), max_bytes=1000)

    assert names_in(store) == set()


def test_an_opened_blob_is_a_stream_that_can_seek(store: BlobStore) -> None:
    content = os.urandom(2_500_000)
    (name,) = store.put_many([content])

    with store.open(name) as stream:
        assert stream.seekable()
        assert stream.read(10) == content[:10]
        assert stream.seek(-5, os.SEEK_END) == len(content) - 5
        assert stream.read() == content[-5:]
        assert stream.read() == b""
        stream.seek(1_200_000)
        assert stream.tell() == 1_200_000
        assert stream.read() == content[1_200_000:]


def test_an_opened_text_is_read_line_by_line(store: BlobStore) -> None:
    (name,) = store.put_many([b"first\nsecond\n"])

    with store.open(name) as stream, io.TextIOWrapper(stream, encoding="utf-8") as lines:
        assert list(lines) == ["first\n", "second\n"]


def test_missing_names_only_what_is_not_there(store: BlobStore) -> None:
    names = store.put_many([b"one", b"two"])

    assert store.missing([*names, sha256(b"other")]) == {sha256(b"other")}
    assert store.missing([]) == set()


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_a_name_that_is_no_hash_is_never_a_path(store: BlobStore, name: str) -> None:
    for action in (store.read, store.open, lambda item: store.remove_if_older(item, 0)):
        with pytest.raises(NotFound):
            action(name)


def test_a_blob_that_is_not_there_is_not_found(store: BlobStore) -> None:
    for action in (store.read, store.open):
        with pytest.raises(NotFound) as caught:
            action("a" * 64)
        assert caught.value.code == "blob-not-found"


def test_a_blob_is_listed_and_removed_only_when_old(store: BlobStore) -> None:
    (name,) = store.put_many([b"one"])

    assert list(store.older_than(YOUNG)) == []
    assert not store.remove_if_older(name, YOUNG)
    assert store.read(name) == b"one"

    assert list(store.older_than(ANY_AGE)) == [name]
    assert store.remove_if_older(name, ANY_AGE)
    assert store.missing([name]) == {name}
    assert not store.remove_if_older(name, ANY_AGE)


def test_several_are_removed_at_once_and_those_that_are_gone_do_not_count(store: BlobStore) -> None:
    names = store.put_many([b"one", b"two", b"three"])

    assert store.remove_all_older(names, YOUNG) == 0
    assert store.remove_all_older([*names, "a" * 64], ANY_AGE) == 3
    assert names_in(store) == set()
