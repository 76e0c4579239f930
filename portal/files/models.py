"""The table of stored files; the bytes lie in the blob store."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import utc_now
from portal.kernel.db import Base
from portal.kernel.search_indexes import search_index


class StoredFile(Base):
    """Bytes that records refer to, named by their SHA-256 (64 lower-case hex digits). Never changed once made."""

    __tablename__ = "portal_stored_file"
    # The records that refer to a file are audited; the file itself says only that the bytes exist.
    __audited__ = False
    __table_args__ = (
        Index("ix_portal_stored_file_created_at", "created_at", "sha256"),
        Index("ix_portal_stored_file_size_bytes", "size_bytes", "sha256"),
        Index("ix_portal_stored_file_media_type", "media_type", "sha256"),
    )

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


search_index(StoredFile.sha256)
