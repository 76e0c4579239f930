"""The demo university itself: faculties, departments, 40 certificates, three containers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from plugins.admissions.api.containers import add_container
from plugins.admissions.models import Certificate, Container, Department, Faculty
from portal.sdk import db

#: Entry session of the demo: fixed, so that the same seed gives the same files in any year.
SESSION = 2026


@dataclass(frozen=True, kw_only=True)
class DemoContainer:
    """One container of the demo: ``share`` of the applicants are in it, at most ``most``."""

    prefix: str
    number: int | None
    title: str
    category: str
    share: float
    most: int = 10**9

    @property
    def code(self) -> str:
        return f"{self.prefix}{self.number or SESSION}"


#: The last one is left for the newcomer's own click.
CONTAINERS = (
    DemoContainer(prefix="app", number=None, title="General Studies 2026/2027", category="basic", share=0.7),
    DemoContainer(prefix="app", number=2, title="Postgraduate Studies 2026/2027", category="pg", share=0.2),
    DemoContainer(
        prefix="app", number=3, title="Certificate Courses 2026/2027", category="cest", share=0.1, most=40
    ),
)

#: (code, title) of a faculty → (code, title) of a department → subjects of its certificates.
_FACULTIES: Mapping[tuple[str, str], Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("SCI", "Faculty of Science"): {
        ("MAT", "Mathematics"): ("Mathematics", "Statistics", "Actuarial Science"),
        ("PHY", "Physics"): ("Physics", "Astronomy", "Geophysics"),
        ("BIO", "Biology"): ("Biology", "Microbiology", "Marine Science"),
        ("CSC", "Computer Science"): ("Computer Science", "Data Science", "Information Systems"),
    },
    ("ART", "Faculty of Arts"): {
        ("LIN", "Linguistics"): ("Linguistics", "Translation Studies", "Yorùbá Studies"),
        ("HIS", "History"): ("History", "Archaeology", "Museum Studies"),
        ("PHL", "Philosophy"): ("Philosophy", "Religious Studies"),
    },
    ("ENG", "Faculty of Engineering"): {
        ("CIV", "Civil Engineering"): ("Civil Engineering", "Architecture", "Surveying and Geoinformatics"),
        ("ELE", "Electrical Engineering"): ("Electrical Engineering", "Mechatronics", "Telecommunications"),
        ("CHE", "Chemical Engineering"): ("Chemical Engineering", "Food Technology", "Materials Science"),
    },
    ("MED", "Faculty of Health Sciences"): {
        ("NUR", "Nursing"): ("Nursing Science", "Midwifery", "Public Health"),
        ("PHM", "Pharmacy"): ("Pharmacy", "Nutrition and Dietetics"),
    },
    ("SOC", "Faculty of Social Sciences"): {
        ("ECO", "Economics"): ("Economics", "Business Administration", "Accounting"),
        ("POL", "Political Science"): (
            "Political Science",
            "Public Administration, Governance and Development",
        ),
        ("EDU", "Education"): ("Primary Education",),
    },
}
_KINDS = {
    "basic": ("BSC", "BSc", "ug_ft", 100),
    "pg": ("MSC", "MSc", "pg_ft", 700),
    "cest": ("CERT", "Certificate in", "cert_ft", 10),
}


@dataclass(frozen=True, kw_only=True)
class DemoCertificate:
    """One certificate of the demo."""

    code: str
    title: str
    department: str
    category: str
    study_mode: str
    start_level: int


def certificates() -> Iterator[DemoCertificate]:
    """Give the 40 certificates: about six in ten undergraduate, the rest postgraduate and short courses."""
    subjects = [
        (code, subject)
        for departments in _FACULTIES.values()
        for (code, _), titles in departments.items()
        for subject in titles
    ]
    for place, (department, subject) in enumerate(subjects):
        category = "pg" if place % 5 == 2 else "cest" if place % 5 == 4 else "basic"
        kind, name, mode, level = _KINDS[category]
        yield DemoCertificate(
            code=f"{kind}-{department}{place + 1:02d}",
            title=f"{name} {subject}",
            department=department,
            category=category,
            study_mode=mode,
            start_level=level,
        )


def codes_of(category: str) -> list[str]:
    """Return the codes of the certificates of a category that stay."""
    return [item.code for item in certificates() if item.category == category and item.code != DISCONTINUED]


#: Removed after the admission, so that the job has somebody to refuse for it.
DISCONTINUED = next(item.code for item in certificates() if item.category == "basic")


def add_university() -> dict[str, int]:
    """Add everything that applications refer to and return how many of each. Does not commit."""
    departments: dict[str, Department] = {}
    for (code, title), parts in _FACULTIES.items():
        faculty = Faculty(code=code, title=title)
        for part, name in parts:
            departments[part] = Department(code=part, title=f"Department of {name}", faculty=faculty)
    db.session.add_all(departments.values())
    offered = list(certificates())
    db.session.add_all(
        Certificate(
            code=item.code,
            title=item.title,
            department=departments[item.department],
            study_mode=item.study_mode,
            start_level=item.start_level,
            application_category=item.category,
        )
        for item in offered
    )
    for container in CONTAINERS:
        _add_container(container)
    return {
        "faculties": len(_FACULTIES),
        "departments": len(departments),
        "certificates": len(offered),
        "containers": len(CONTAINERS),
    }


def _add_container(container: DemoContainer) -> Container:
    return add_container(
        {
            "prefix": container.prefix,
            "year": SESSION,
            "container_number": container.number,
            "title": container.title,
            "application_category": container.category,
            "mode": "create",
            "description": "Part of the demo university.",
            "startdate": datetime(SESSION, 1, 15, tzinfo=UTC),
            "enddate": datetime(SESSION, 6, 30, 22, 59, tzinfo=UTC),
            "application_fee": Decimal("50.00"),
            "application_slip_notice": "Bring this slip and an identity card to the registration desk.",
        }
    )
