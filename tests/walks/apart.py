"""What an installation on several machines has: a queue server behind TLS with a password, processes one by one."""

import ipaddress
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal.config import PortalConfig
from portal.kernel.processes import start_guarded
from portal.supervisor.queue_server import find_queue_server
from portal.supervisor.web import environment_of

PASSWORD = "queue-password"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def tls_queue_server(folder: Path) -> Iterator[str]:
    """Run a queue server that is reached over TCP with TLS and a password; gives its URL."""
    port, certificate = free_port(), _certificate(folder)
    command = [
        str(find_queue_server()),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--requirepass",
        PASSWORD,
    ]
    command += ["--save", "", "--dir", str(folder), "--maxmemory-policy", "noeviction"]
    with ExitStack() as stack:
        log = stack.enter_context((folder / "queue.log").open("ab"))
        process = start_guarded(command, output=log.fileno())
        stack.callback(process.wait)
        stack.callback(process.kill)
        front = stack.enter_context(_tls_front(port, certificate))
        yield f"rediss://:{PASSWORD}@127.0.0.1:{front}/0?ssl_ca_certs={certificate}"


@contextmanager
def _tls_front(port: int, certificate: Path) -> Iterator[int]:
    """Take TLS off in front of the queue server, whose package may come without it; gives the port to connect to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    raw, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=_serve, args=(context, raw, port), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield int(listener.getsockname()[1])
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _serve(context: ssl.SSLContext, raw: socket.socket, port: int) -> None:
    with suppress(OSError), context.wrap_socket(raw, server_side=True) as outside:
        with socket.create_connection(("127.0.0.1", port)) as inside:
            back = threading.Thread(target=_copy, args=(inside, outside), daemon=True)
            back.start()
            _copy(outside, inside)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def _certificate(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1 that vouches for itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "queue")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "queue.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class Apart:
    """The processes of one installation, each started by its own command, each with its own log."""

    def __init__(self, config: PortalConfig, folder: Path) -> None:
        self._config, self._folder = config, folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start ``portal <name>``."""
        with self.log(name).open("ab") as output:
            self.processes[name] = start_guarded(
                [sys.executable, "-m", "portal", name],
                environment=environment_of(self._config),
                output=output.fileno(),
            )

    def log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def stop(self, seconds: float) -> dict[str, int | None]:
        """Ask every process to stop, as a service manager does, and return how each ended; None: not in time."""
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
        return {name: process.poll() for name, process in self.processes.items()}

    def kill(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
