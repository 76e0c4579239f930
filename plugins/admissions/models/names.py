"""Names of people: the three parts, how they are shown, and the folded form that searches compare."""

import unicodedata
from typing import Any

from sqlalchemy import Connection, String, event
from sqlalchemy.orm import Mapped, Mapper, mapped_column

#: Letters that Unicode does not decompose into a base letter and a mark.
_FOLDED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "’": "'", "ʼ": "'"})


def folded(text: str) -> str:
    """Return text for comparing: lower case, without accents, one blank between words."""
    if text.isascii():
        return " ".join(text.lower().split())
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(bare.casefold().translate(_FOLDED).split())


def folded_name(firstname: str, middlename: str, lastname: str) -> str:
    """Return what the column ``fullname`` holds for a person."""
    return folded(f"{firstname} {middlename} {lastname}")


def display_name(firstname: str, middlename: str, lastname: str) -> str:
    """Return the name as people write it; parts that are empty leave no gap."""
    return " ".join(part for part in (firstname, middlename, lastname) if part)


class NamedPerson:
    """Mixin: a person with names. ``fullname`` follows them on ORM writes; Core writers set it themselves."""

    firstname: Mapped[str] = mapped_column(String(100))
    middlename: Mapped[str] = mapped_column(String(100), default="")
    lastname: Mapped[str] = mapped_column(String(100))
    #: Folded for search and duplicates; see :func:`folded_name`.
    fullname: Mapped[str] = mapped_column(String(302))

    @property
    def display_fullname(self) -> str:
        return display_name(self.firstname, self.middlename, self.lastname)


@event.listens_for(NamedPerson, "before_insert", propagate=True)
@event.listens_for(NamedPerson, "before_update", propagate=True)
def _fold(mapper: Mapper[Any], connection: Connection, person: NamedPerson) -> None:
    person.fullname = folded_name(person.firstname, person.middlename or "", person.lastname)
