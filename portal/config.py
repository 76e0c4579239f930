"""Every setting of the installation: typed, read once, all problems reported at once."""

import hashlib
import os
import secrets
import stat
import tempfile
from pathlib import Path
from typing import Any, Literal

from flask import current_app
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

CONFIG_KEY = "PORTAL"
MAX_SOCKET_PATH = 100
SHORTEST_TOKEN = 16


class ConfigProblems(Exception):
    """The settings cannot be used; the message names each wrong one, its value and the rule."""


class PortalConfig(BaseSettings):
    """Settings of one installation, from ``PORTAL_*`` environment variables.

    What people change while the portal runs lives in the database (``portal.settings``), not here.
    """

    model_config = SettingsConfigDict(env_prefix="PORTAL_", extra="forbid", frozen=True)

    home: Path = Field(
        Path("var"), description="Folder of all state: database, blobs, secret, sockets, mail."
    )
    database_url: str = Field("", description="SQLAlchemy URL; empty means SQLite in the home folder.")
    redis_url: str = Field("", description="Queue server URL; empty means the embedded one on a socket.")
    secret_key: SecretStr = Field(
        SecretStr(""), description="Signing key; empty means the file made by portal init."
    )
    host: str = Field("127.0.0.1", description="Address that the web server listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that the web server listens on.")
    base_url: str = Field(
        "", description="Public address in mails and on slips; empty means http://host:port."
    )
    web_threads: int = Field(8, ge=1, le=64, description="Threads of the web server.")
    workers: int = Field(2, ge=0, le=64, description="Worker processes.")
    lease_seconds: int = Field(
        30, ge=1, le=3600, description="How long a worker may keep rows without a sign of life."
    )
    blocked_plugins: tuple[str, ...] = Field(
        (), description="Names of installed plugins that are not loaded (JSON list)."
    )
    session_cookie_secure: bool = Field(False, description="Send the session cookie over HTTPS only.")
    session_hours: int = Field(12, ge=1, le=720, description="Hours after which a sign-in ends.")
    trusted_proxies: int = Field(
        0, ge=0, le=5, description="Reverse proxies in front whose headers are believed."
    )
    upload_max_bytes: int = Field(2_000_000_000, ge=1_000_000, description="Largest upload in bytes.")
    mail_sender: str = Field("portal@localhost", description="From address of outgoing mail.")
    sweep_grace_seconds: int = Field(
        86_400, ge=1, description="Age in seconds before an unnamed blob is removed."
    )
    undo_days: int = Field(
        30,
        ge=0,
        le=3650,
        description="Days after its end for which a job can be undone; what that needs is kept.",
    )
    document_render: Literal["auto", "full"] = Field(
        "auto", description="full: lay every document out for itself, also those with a compiled form."
    )
    blob_store_url: str = Field(
        "",
        description="Bucket of stored files, s3://bucket/prefix; empty means the folder blobs in the home folder.",
    )
    blob_store_endpoint: str = Field(
        "", description="Address of an S3-compatible server; empty means Amazon's."
    )
    blob_store_region: str = Field("us-east-1", description="Region of the bucket.")
    blob_store_access_key_id: str = Field(
        "", description="Key id for the bucket; empty means the machine's own role."
    )
    blob_store_secret_access_key: SecretStr = Field(SecretStr(""), description="Secret of that key.")
    read_replica_url: str = Field(
        "", description="SQLAlchemy URL of a copy of the database that heavy reads may use; empty means none."
    )
    read_replica_max_lag_seconds: float = Field(
        30, ge=0, le=3600, description="Lag in seconds above which the copy is not used."
    )
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="Bearer token for /metrics, at least 16 characters; empty means only signed-in users with the right.",
    )
    api_requests_per_minute: int = Field(
        600,
        ge=1,
        description="REST calls that one user may make in a minute; a tenth of it without a good token.",
    )
    api_body_max_bytes: int = Field(
        16_000_000,
        ge=100_000,
        description="Largest JSON body of a REST call in bytes; files have the limit of uploads.",
    )
    log_level: str = Field("INFO", description="Lowest level that is logged.")
    log_format: Literal["console", "json"] = Field(
        "console", description="How processes log: console for people, json for machines, one object a line."
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("metrics_token")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and len(value.get_secret_value()) < SHORTEST_TOKEN:
            raise ValueError(f"a token has at least {SHORTEST_TOKEN} characters")
        return value

    @classmethod
    def load(cls, **overrides: Any) -> "PortalConfig":
        """Read the settings from the environment; ``overrides`` win.

        Raises:
            ConfigProblems: naming every setting that is wrong.
        """
        try:
            config = cls(**overrides)
        except ValidationError as error:
            lines = [
                f"PORTAL_{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
                f"{_given(cls, problem)}"
                for problem in error.errors()
            ]
            raise ConfigProblems("\n".join(lines)) from None
        return config

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in use."""
        return _with_driver(self.database_url or f"sqlite:///{self.home / 'portal.sqlite3'}")

    @property
    def read_replica(self) -> str:
        """The SQLAlchemy URL of the read replica in use; empty without one."""
        return _with_driver(self.read_replica_url)

    @property
    def blobs_dir(self) -> Path:
        return self.home / "blobs"

    @property
    def mail_dir(self) -> Path:
        return self.home / "mail"

    @property
    def run_dir(self) -> Path:
        return self.home / "run"

    @property
    def queue_socket(self) -> Path:
        """Socket of the embedded queue server; a short path when the home folder's is too long for one."""
        path = self.run_dir / "queue.sock"
        if len(str(path)) <= MAX_SOCKET_PATH:
            return path
        digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"portal-{digest}.sock"

    @property
    def queue_url(self) -> str:
        """URL of the queue server in use."""
        return self.redis_url or f"unix://{self.queue_socket}"

    @property
    def public_url(self) -> str:
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")

    def signing_key(self) -> str:
        """Return the secret that signs sessions and activation codes.

        Raises:
            ConfigProblems: when ``portal init`` has not been run.
        """
        given = self.secret_key.get_secret_value()
        if given:
            return given
        path = self.home / "secret"
        if not path.exists():
            raise ConfigProblems(f"There is no secret in {self.home}. Run `portal init` once.")
        return path.read_text(encoding="ascii").strip()

    def make_home(self) -> None:
        """Make the home folder and its secret (mode 600) unless they are there."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.run_dir.mkdir(exist_ok=True)
        path = self.home / "secret"
        if path.exists() or self.secret_key.get_secret_value():
            return
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, stat.S_IRUSR | stat.S_IWUSR)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))


def _with_driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _given(cls: type[PortalConfig], problem: Any) -> str:
    """Return the value that was given, unless it is a secret."""
    field = cls.model_fields.get(str(problem["loc"][0]) if problem["loc"] else "")
    is_secret = field is not None and field.annotation is SecretStr
    return "" if is_secret else f" (got {problem['input']!r})"


def current_config() -> PortalConfig:
    """Return the settings of the running application."""
    config: PortalConfig = current_app.config[CONFIG_KEY]
    return config
