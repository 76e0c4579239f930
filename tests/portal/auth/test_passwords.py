"""Hashing: few at a time, and a clear answer to whoever waits too long."""

import threading
import time

import pytest
from flask import Flask

from portal.auth import passwords
from portal.auth.passwords import HASHES_AT_ONCE, HashedPassword, hashed, is_password
from portal.kernel.errors import InvalidInput, TemporaryFailure


def test_only_so_many_hash_at_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[int] = []
    highest = [0]

    def slow(password: str) -> str:
        running.append(1)
        highest[0] = max(highest[0], len(running))
        time.sleep(0.05)
        running.pop()
        return "hash"

    def run() -> None:
        with app.app_context():
            hashed("correct horse battery")

    monkeypatch.setattr(passwords, "library_hash", slow)
    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert highest == [HASHES_AT_ONCE]


def test_whoever_waits_too_long_is_asked_to_come_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(passwords, "_slots", threading.BoundedSemaphore(1))
    with passwords._slot(), pytest.raises(TemporaryFailure) as caught:
        is_password("correct horse battery", None)
    assert caught.value.code == "sign-in-busy"


def test_a_hash_never_shows_in_logs(app: Flask) -> None:
    assert "argon2" not in repr(hashed("correct horse battery"))


def test_a_hashed_password_is_not_hashed_again(app: Flask) -> None:
    once = HashedPassword("value")
    assert hashed(once) is once


def test_an_endless_password_is_refused_and_never_hashed(app: Flask) -> None:
    with pytest.raises(InvalidInput, match="at most 256"):
        hashed("x" * 100_000)
