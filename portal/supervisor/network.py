"""The listening socket of the web server, and the question whether the portal answers on it."""

import http.client
import socket

PORTS_TRIED = 50


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on ``port``, or on the next free one above it.

    Raises:
        OSError: when none of the next 50 ports is free or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last: OSError | None = None
    for candidate in range(port, min(port + PORTS_TRIED, 65536)):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(512)
        except OSError as error:
            listener.close()
            last = error
        else:
            return listener
    raise last or OSError(f"no port to listen on from {port}")


def reachable(host: str) -> str:
    """Return the address at which this machine reaches a server that listens on ``host``."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - nothing is bound


def is_live(host: str, port: int) -> bool:
    """Say whether the portal's web server answers ``/health/live``."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=2)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
