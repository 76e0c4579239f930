"""An S3-compatible server in this process, and buckets in it."""

import logging
import secrets
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from portal.files.buckets import Bucket


@contextmanager
def s3_server() -> Iterator[str]:
    """Run the server on a free port; gives its address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def made_bucket(endpoint: str) -> Bucket:
    """Make an empty bucket of a new name."""
    name = f"bucket-{secrets.token_hex(4)}"
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{name}", method="PUT"), timeout=10).close()
    return Bucket(
        name=name, prefix="portal/blobs", endpoint=endpoint, access_key_id="key", secret_access_key="secret"
    )
