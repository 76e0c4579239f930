"""A real S3-compatible server in this process, and both kinds of store."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from portal.files.buckets import Bucket
from portal.files.local import LocalStore
from portal.files.s3 import S3Store
from portal.files.store import BlobStore
from tests.s3_server import made_bucket, s3_server


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Address of an S3 server, started when the first test asks for it."""
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def new_bucket(s3_endpoint: str) -> Callable[[], Bucket]:
    """Make an empty bucket."""
    return partial(made_bucket, s3_endpoint)


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """An empty store of each kind."""
    if request.param == "local":
        return LocalStore(tmp_path / "blobs")
    return S3Store(request.getfixturevalue("new_bucket")())
