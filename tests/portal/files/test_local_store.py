"""The local blob store: whole or not there, durable together, never outside its folder."""

import errno
import hashlib
import io
import os
import time
from pathlib import Path

import pytest

from portal.files import flushing, local
from portal.files.local import LocalStore
from portal.kernel.errors import InvalidInput, NotFound, StorageFull


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "blobs")


def _age(store: LocalStore, name: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(store.root / name[:2] / name, (then, then))


def test_what_was_put_is_read_back_in_the_same_order(store: LocalStore) -> None:
    blobs = [b"one", b"two", b"", b"one"]
    names = store.put_many(blobs)
    assert [store.read(name) for name in names] == blobs
    assert names[0] == hashlib.sha256(b"one").hexdigest() == names[3]


def test_nothing_unfinished_is_left_after_putting(store: LocalStore) -> None:
    store.put_many([b"one", b"two"])
    assert list((store.root / "tmp").iterdir()) == []


def test_putting_nothing_returns_nothing(store: LocalStore) -> None:
    assert store.put_many([]) == []


def test_a_blob_that_is_there_gets_a_fresh_time(store: LocalStore) -> None:
    (name,) = store.put_many([b"one"])
    _age(store, name, 5000)
    assert list(store.older_than(1000)) == [name]
    store.put_many([b"one"])
    assert list(store.older_than(1000)) == []


def test_a_blob_cut_off_on_disk_is_written_again(store: LocalStore) -> None:
    (name,) = store.put_many([b"whole"])
    (store.root / name[:2] / name).write_bytes(b"who")
    store.put_many([b"whole"])
    assert store.read(name) == b"whole"


def test_a_stream_is_stored_under_its_hash(store: LocalStore) -> None:
    content = os.urandom(3 << 20)
    blob = store.put_stream(io.BytesIO(content), max_bytes=4 << 20)
    assert (blob.sha256, blob.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert store.read(blob.sha256) == content


def test_a_stream_that_is_too_long_is_refused_and_leaves_nothing(store: LocalStore) -> None:
    with pytest.raises(InvalidInput, match="larger than 1,000 bytes") as caught:
        store.put_stream(io.BytesIO(b"x" * 1001), max_bytes=1000)
    assert caught.value.code == "file-too-large"
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_a_stream_of_known_bytes_keeps_the_blob(store: LocalStore) -> None:
    (name,) = store.put_many([b"same"])
    assert store.put_stream(io.BytesIO(b"same"), max_bytes=10).sha256 == name
    assert store.read(name) == b"same"


def test_missing_names_only_what_is_not_there(store: LocalStore) -> None:
    (name,) = store.put_many([b"one"])
    other = hashlib.sha256(b"other").hexdigest()
    assert store.missing([name, other]) == {other}


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_a_name_that_is_no_hash_is_never_a_path(store: LocalStore, name: str) -> None:
    with pytest.raises(NotFound):
        store.open(name)


def test_a_blob_that_is_not_there_is_not_found(store: LocalStore) -> None:
    with pytest.raises(NotFound) as caught:
        store.read("a" * 64)
    assert caught.value.code == "blob-not-found"


def test_a_full_disk_is_told_as_such_and_leaves_nothing(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(root: Path, files: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(local, "flush_files", full)
    with pytest.raises(StorageFull):
        store.put_many([b"one", b"two"])
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_bytes_are_flushed_before_they_get_their_name_and_names_after(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, int]] = []

    def named() -> int:
        return sum(len(path.name) == 64 for path in store.root.rglob("*"))

    monkeypatch.setattr(local, "flush_files", lambda root, files: steps.append(("files", named())))
    monkeypatch.setattr(local, "flush_folders", lambda root, folders: steps.append(("folders", named())))
    store.put_many([b"one", b"two", b"three"])
    assert steps == [("files", 0), ("folders", 3)]


def test_a_blob_of_another_writer_is_made_durable_too(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put_many([b"one"])
    flushed: list[object] = []
    monkeypatch.setattr(local, "flush_folders", lambda root, folders: flushed.append(folders))
    store.put_many([b"one"])
    assert len(flushed) == 1


def test_without_syncfs_each_file_is_flushed(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flushing, "_syncfs", lambda: None)
    (name,) = store.put_many([b"one"])
    assert store.read(name) == b"one"


def test_a_blob_is_removed_only_when_old(store: LocalStore) -> None:
    (name,) = store.put_many([b"one"])
    assert not store.remove_if_older(name, 1000)
    _age(store, name, 5000)
    assert store.remove_if_older(name, 1000)
    assert store.missing([name]) == {name}
    assert not store.remove_if_older(name, 1000)


def test_what_interrupted_writers_left_goes_by_age(store: LocalStore) -> None:
    store.put_many([b"one"])
    left = store.root / "tmp" / "left"
    left.write_bytes(b"half")
    assert store.remove_unfinished(1000) == 0
    os.utime(left, (0, 0))
    assert store.remove_unfinished(1000) == 1
    assert not left.exists()
