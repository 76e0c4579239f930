"""Which bucket holds the blobs, and how it is reached."""

import importlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from portal.kernel.errors import PortalError


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Where the blobs are kept. Empty keys: the machine's own (an instance's role)."""

    name: str
    prefix: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)


def opened(bucket: Bucket) -> Any:
    """Return the library's store of a bucket; not before a fork."""
    stores = importlib.import_module("obstore.store")
    settings = {
        "endpoint": bucket.endpoint,
        "access_key_id": bucket.access_key_id,
        "secret_access_key": bucket.secret_access_key,
        "region": bucket.region,
    }
    return stores.S3Store(
        bucket.name,
        prefix=bucket.prefix or None,
        config={name: value for name, value in settings.items() if value},
        client_options={
            "timeout": "60s",
            "connect_timeout": "5s",
            "allow_http": bucket.endpoint.startswith("http://"),
        },
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
    )


def bucket_of(url: str, **settings: str) -> Bucket:
    """Return the bucket of ``s3://name/prefix``.

    Raises:
        PortalError: ``blob-store-url``, when it is no such address; ``blob-store-missing`` without the library.
    """
    scheme, _, rest = url.partition("://")
    name, _, prefix = rest.partition("/")
    if scheme != "s3" or not name:
        raise PortalError("blob-store-url", f"PORTAL_BLOB_STORE_URL is {url!r}; use s3://bucket/prefix.")
    try:
        importlib.import_module("obstore")
    except ImportError:
        raise PortalError(
            "blob-store-missing", "PORTAL_BLOB_STORE_URL needs a package: pip install 'campus-portal[s3]'."
        ) from None
    return Bucket(name=name, prefix=prefix.strip("/"), **settings)
