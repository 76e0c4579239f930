"""The blob store in use by the application."""

from flask import Flask, current_app

from portal.config import CONFIG_KEY
from portal.files.blobs import BlobStore, StorageError, StoredBlob
from portal.files.local import LocalStore

__all__ = ["BlobStore", "LocalStore", "StorageError", "StoredBlob", "current_store", "init_files"]

STORE_KEY = "PORTAL_STORE"


def init_files(app: Flask) -> None:
    """Give the application its store. Makes no folder yet."""
    app.extensions[STORE_KEY] = LocalStore(app.config[CONFIG_KEY].blobs_dir)


def current_store() -> BlobStore:
    """Return the store of the running application."""
    store: BlobStore = current_app.extensions[STORE_KEY]
    return store
