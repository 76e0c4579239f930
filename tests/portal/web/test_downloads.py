"""Stored files in the browser, and folders as ZIP."""

import io
import zipfile
from datetime import UTC, datetime

from flask import Flask

from portal.files.store import current_store
from portal.web.downloads import ZipEntry, safe_filename, send_blob, stream_zip


def stored(data: bytes) -> str:
    return current_store().put_many([data])[0]


def test_a_download_has_type_name_and_no_sniffing(app: Flask) -> None:
    sha = stored(b"%PDF-1.7 slip")
    with app.test_request_context():
        answer = send_blob(sha, "application/pdf", "Bescheid Müller.pdf")
        answer.direct_passthrough = False
        assert answer.get_data() == b"%PDF-1.7 slip"
        assert answer.mimetype == "application/pdf"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert "filename*=UTF-8''Bescheid%20M%C3%BCller.pdf" in answer.headers["Content-Disposition"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_a_browser_could_run_is_never_shown_in_place(app: Flask) -> None:
    sha = stored(b"<script>alert(1)</script>")
    with app.test_request_context():
        answer = send_blob(sha, "text/html", "page.html", inline=True)
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_an_image_may_be_shown_in_place(app: Flask) -> None:
    sha = stored(b"\xff\xd8\xff image")
    with app.test_request_context():
        answer = send_blob(sha, "image/jpeg", "passport.jpg", inline=True)
        assert answer.headers["Content-Disposition"].startswith("inline;")


def test_the_browser_need_not_fetch_a_file_twice(app: Flask) -> None:
    sha = stored(b"once")
    with app.test_request_context(headers={"If-None-Match": f'"{sha}"'}):
        assert send_blob(sha, "image/png", "x.png").status_code == 304


def test_a_name_cannot_break_out_of_header_or_folder() -> None:
    assert safe_filename('../a"b\r\nSet-Cookie: x.pdf') == "_a_b_Set-Cookie_ x.pdf"
    assert safe_filename("...") == "file"


def test_a_zip_holds_every_file_unchanged(app: Flask) -> None:
    contents = {f"K100000{number}/slip.pdf": bytes([number]) * 300_000 for number in range(4)}
    entries = [
        ZipEntry(
            name=name, open=lambda data=data: io.BytesIO(data), modified_at=datetime(2026, 5, 1, tzinfo=UTC)
        )
        for name, data in contents.items()
    ]
    with app.test_request_context():
        answer = stream_zip(entries, "folders.zip")
        pieces = list(answer.response)
    assert max(len(piece) for piece in pieces) < 300_000
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == contents
        assert archive.testzip() is None
