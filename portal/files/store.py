"""The blob store in use by the application."""

from flask import Flask, current_app

from portal.config import CONFIG_KEY, PortalConfig
from portal.files.blobs import BlobStore, StorageError, StoredBlob
from portal.files.buckets import bucket_of
from portal.files.local import LocalStore
from portal.files.s3 import S3Store

__all__ = ["BlobStore", "LocalStore", "S3Store", "StorageError", "StoredBlob", "current_store", "init_files"]

STORE_KEY = "PORTAL_STORE"


def init_files(app: Flask) -> None:
    """Give the application its store: a folder, or the bucket of ``PORTAL_BLOB_STORE_URL``. Touches neither yet.

    Raises:
        PortalError: when the bucket's address cannot be used.
    """
    app.extensions[STORE_KEY] = _store(app.config[CONFIG_KEY])


def _store(config: PortalConfig) -> BlobStore:
    if not config.blob_store_url:
        return LocalStore(config.blobs_dir)
    bucket = bucket_of(
        config.blob_store_url,
        endpoint=config.blob_store_endpoint,
        region=config.blob_store_region,
        access_key_id=config.blob_store_access_key_id,
        secret_access_key=config.blob_store_secret_access_key.get_secret_value(),
    )
    return S3Store(bucket, config.sweep_grace_seconds)


def current_store() -> BlobStore:
    """Return the store of the running application."""
    store: BlobStore = current_app.extensions[STORE_KEY]
    return store
