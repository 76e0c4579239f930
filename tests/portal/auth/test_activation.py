"""Activation codes: computed, never stored, one use, replaced by the next issue, ended with their key."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.auth import accounts
from portal.auth.activation import activate, codes_for, issue_many
from portal.auth.activation_keys import FILE_NAME, load_keys, rotate_keys
from portal.auth.models import User
from portal.auth.passwords import is_password
from portal.config import current_config
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import InvalidInput
from portal.kernel.transaction import transaction

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("cheap_hashes")]
PASSWORD = "correct horse battery"


def _students(count: int = 1) -> list[int]:
    rows = [accounts.NewUser(sign_in_name=f"K100000{index}", display_name="x") for index in range(count)]
    with transaction():
        ids = accounts.create_many(rows)
    _issue(ids)
    return ids


def _issue(ids: list[int], expires_at: datetime | None = None) -> None:
    with transaction():
        issue_many(ids, expires_at or utc_now() + timedelta(days=30))


def _refusal(name: str, code: str, password: str = PASSWORD) -> str:
    with pytest.raises(InvalidInput) as caught:
        activate(name, code, password)
    return caught.value.code


def test_a_code_has_eighty_bits_in_four_groups(app: Flask) -> None:
    (user_id,) = _students()
    assert re.fullmatch(r"[A-Z2-7]{4}(-[A-Z2-7]{4}){3}", codes_for([user_id])[user_id])


def test_codes_differ_and_can_be_printed_again(app: Flask) -> None:
    ids = _students(5)
    codes = codes_for(ids)
    assert (len(set(codes.values())), codes_for(ids)) == (5, codes)


def test_a_code_sets_the_first_password(app: Flask) -> None:
    (user_id,) = _students()
    assert activate("k1000000", codes_for([user_id])[user_id], PASSWORD) == user_id
    assert is_password(PASSWORD, db.session.scalar(select(User.password).where(User.id == user_id)))


@pytest.mark.parametrize(
    "spoil", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code.replace('-', ' ')} "]
)
def test_a_code_may_be_typed_as_people_type(app: Flask, spoil: Callable[[str], str]) -> None:
    (user_id,) = _students()
    assert activate("K1000000", spoil(codes_for([user_id])[user_id]), PASSWORD) == user_id


def test_a_code_works_once(app: Flask) -> None:
    (user_id,) = _students()
    code = codes_for([user_id])[user_id]
    activate("K1000000", code, PASSWORD)
    assert _refusal("K1000000", code) == "activation-used"
    assert codes_for([user_id]) == {}


def test_a_new_issue_ends_the_earlier_code(app: Flask) -> None:
    (user_id,) = _students()
    old = codes_for([user_id])[user_id]
    _issue([user_id])
    new = codes_for([user_id])[user_id]
    assert _refusal("K1000000", old) == "activation-failed"
    assert activate("K1000000", new, PASSWORD) == user_id


def test_a_used_code_can_be_issued_again(app: Flask) -> None:
    (user_id,) = _students()
    activate("K1000000", codes_for([user_id])[user_id], PASSWORD)
    _issue([user_id])
    assert activate("K1000000", codes_for([user_id])[user_id], "another horse battery") == user_id


def test_an_expired_code_says_so(app: Flask) -> None:
    (user_id,) = _students()
    code = codes_for([user_id])[user_id]
    _expire()
    assert _refusal("K1000000", code) == "activation-expired"
    assert codes_for([user_id]) == {}


def _expire() -> None:
    with transaction() as session:
        session.execute(text("UPDATE portal_activation SET expires_at = '2001-01-01 00:00:00.000000'"))


def test_a_code_of_somebody_else_tells_nothing(app: Flask) -> None:
    first, second = _students(2)
    codes = codes_for([first, second])
    assert _refusal("K1000000", codes[second]) == "activation-failed"
    assert _refusal("K9999999", codes[second]) == "activation-failed"
    assert _refusal("K1000000", "") == "activation-failed"


def test_a_switched_off_user_cannot_activate(app: Flask) -> None:
    (user_id,) = _students()
    code = codes_for([user_id])[user_id]
    with transaction():
        accounts.set_active(user_id, False)
    assert _refusal("K1000000", code) == "activation-failed"


def test_a_weak_password_leaves_the_code_unused(app: Flask) -> None:
    (user_id,) = _students()
    code = codes_for([user_id])[user_id]
    assert _refusal("K1000000", code, "short") == "password-weak"
    assert activate("K1000000", code, PASSWORD) == user_id


def test_two_keys_are_valid_during_rotation_and_no_third(app: Flask) -> None:
    (user_id,) = _students()
    code = codes_for([user_id])[user_id]
    rotate_keys()
    assert codes_for([user_id]) == {user_id: code}
    rotate_keys()
    assert codes_for([user_id]) == {}
    assert _refusal("K1000000", code) == "activation-failed"
    _issue([user_id])
    assert activate("K1000000", codes_for([user_id])[user_id], PASSWORD) == user_id


def test_the_keys_are_readable_by_the_owner_only_and_stay(app: Flask) -> None:
    keys = load_keys()
    path = current_config().home / FILE_NAME
    assert (path.stat().st_mode & 0o777, load_keys()) == (0o600, keys)


def test_no_code_is_stored(app: Flask) -> None:
    (user_id,) = _students()
    plain = codes_for([user_id])[user_id].replace("-", "")
    for table in ("portal_activation", "portal_audit_entry", "portal_user"):
        for row in db.session.execute(text(f"SELECT * FROM {table}")):
            assert plain not in str(row).replace("-", "")


def test_issuing_takes_constant_statements(app: Flask, statements: list[str]) -> None:
    ids = _students(10)
    statements.clear()
    _issue(ids[:1])
    one = len(statements)
    statements.clear()
    _issue(ids)
    assert len(statements) == one <= 2
