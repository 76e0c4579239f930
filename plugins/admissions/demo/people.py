"""Invented people: names from many places, addresses and numbers that belong to nobody."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from plugins.admissions.demo.chance import chance_of

WOMEN = (
    "Amara",
    "Zoë",
    "Łucja",
    "Şeyma",
    "Ngọc Ánh",
    "María José",
    "Chloé",
    "Fatoumata",
    "Ọmọlará",
    "Ingrid",
    "Håkana",
    "Yasmin",
    "Adaeze",
    "Bríd",
    "Eszter",
    "Catarina",
    "Thảo",
    "Dženana",
    "Nokuthula",
    "Priya",
    "Sólveig",
    "Ebru",
    "Anaïs",
    "Hadiza",
    "Kübra",
    "Mei",
    "Ruth",
    "Ama",
    "Élodie",
    "Žofie",
)
MEN = (
    "Olájídé",
    "Łukasz",
    "José",
    "Jürgen",
    "Chukwuemeka",
    "Søren",
    "Nguyên",
    "François",
    "Tomáš",
    "Kwame",
    "Ibrahim",
    "Óscar",
    "Ádám",
    "Emeka",
    "Bjørn",
    "Rahul",
    "Çağlar",
    "Mthunzi",
    "Dragoș",
    "Péter",
    "Aliyu",
    "Iñaki",
    "Dmytro",
    "Tariq",
    "Samuel",
    "Kofi",
    "Väinö",
    "Ștefan",
    "Paul",
    "Raúl",
)
MIDDLE = (
    "Grace",
    "Chidi",
    "Elżbieta",
    "Ayọ̀délé",
    "Noël",
    "Quý",
    "Ruth",
    "Musa",
    "İpek",
    "Ana",
    "Kwabena",
    "Ásta",
)
FAMILY = (
    "Adébáyọ̀",
    "Okonkwo",
    "Brzęczyszczykiewicz",
    "Müller",
    "Öztürk",
    "Nguyễn",
    "García Márquez",
    "Ó Súilleabháin",
    "Dvořáková",
    "Mbeki",
    "Þórsson",
    "Szabó",
    "Lindström",
    "D’Angelo",
    "Gonçalves",
    "Yılmaz",
    "Eze",
    "Abubakar",
    "Popescu",
    "Kovačević",
    "van der Meer",
    "Haddad",
    "Sørensen",
    "Patel",
    "Kamau",
    "Petrov",
    "Ibáñez",
    "Çelik",
    "Björk",
    "Asante",
    "Nwosu",
    "Fernández de Córdoba",
    "Oyelaran-Babátúndé",
    "Bello",
    "Ferreira",
    "Tshabalala",
)
#: Names that ask a form, a list and a slip for room.
LONG = (
    (
        "Maximiliana Theodora",
        "Alexandrina Oluwaseunfunmilayo",
        "von Hohenstaufen-Brandenburg und zu Löwenstein",
    ),
    ("Chukwubuikem Oluwatobiloba", "Nnaemeka Chinedu", "Oyelaran-Babátúndé Adéṣọlá-Ògúnbọ̀wálé"),
    ("Krishnamurthy Venkatanarasimha", "", "Rajasekharavarmaathirapallykandathil"),
)


@dataclass(frozen=True, kw_only=True)
class Person:
    """One invented person; texts are as a sheet holds them."""

    number: int
    firstname: str
    middlename: str
    lastname: str
    sex: str
    date_of_birth: date
    email: str
    phone: str


def people(size: int, seed: int) -> Iterator[Person]:
    """Give ``size`` people, streamed; the same seed gives the same people."""
    for number in range(size):
        yield person(number, seed)


def person(number: int, seed: int) -> Person:
    """Return one of the people."""
    chance = chance_of("person", seed, number)
    sex = chance.choice("fm")
    first, middle, family = chance.choice(WOMEN if sex == "f" else MEN), "", chance.choice(FAMILY)
    if chance.random() < 0.4:
        middle = chance.choice(MIDDLE)
    if number % 397 == 11:
        first, middle, family = LONG[number // 397 % len(LONG)]
    elif chance.random() < 0.15:
        family = f"{family}-{chance.choice(FAMILY).replace(' ', '-')}"
    return Person(
        number=number,
        firstname=first,
        middlename=middle,
        lastname=family,
        sex=sex,
        date_of_birth=date(2003, 1, 1) + timedelta(days=chance.randrange(2200)),
        # A few people have no address of their own: they get a letter.
        email="" if chance.random() < 0.04 else f"applicant{number + 1:06d}@example.org",
        phone=f"+44-20-7946-{chance.randrange(10_000):04d}",
    )
