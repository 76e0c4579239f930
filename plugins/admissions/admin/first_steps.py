"""The guided start: from nothing to the first student."""

from typing import Any

from sqlalchemy import select

from plugins.admissions.models import Applicant, Certificate, Container, Faculty, Student
from plugins.admissions.permissions import (
    ACADEMICS_EDIT,
    APPLICANTS_IMPORT,
    APPLICANTS_VIEW,
    CONTAINERS_EDIT,
    STUDENTS_CREATE,
)
from portal.sdk import db
from portal.sdk.web import FirstStep


def _is_there(column: Any) -> bool:
    return db.session.scalar(select(column).limit(1)) is not None


def _has_decided() -> bool:
    wanted = select(Applicant.id).where(Applicant.state.in_(("admitted", "created"))).limit(1)
    return db.session.scalar(wanted) is not None


FIRST_STEPS = (
    FirstStep(
        order=200,
        title="Add a faculty and a department",
        description="Certificates belong to a department, and departments to a faculty.",
        endpoint="admissions_faculty.create_view",
        label="Add a faculty",
        permission=ACADEMICS_EDIT,
        is_done=lambda: _is_there(Faculty.id),
    ),
    FirstStep(
        order=210,
        title="Add a certificate",
        description="The study programme that people are admitted to. It needs a department.",
        endpoint="admissions_certificate.create_view",
        label="Add a certificate",
        permission=ACADEMICS_EDIT,
        is_done=lambda: _is_there(Certificate.id),
    ),
    FirstStep(
        order=220,
        title="Open a container",
        description="It holds the applications of one type and entry session.",
        endpoint="admissions_container.create_view",
        label="Open a container",
        permission=CONTAINERS_EDIT,
        is_done=lambda: _is_there(Container.id),
    ),
    FirstStep(
        order=230,
        title="Import applicants",
        description="From a CSV sheet (there is a template to download), with photos from a ZIP.",
        endpoint="admissions_import.index",
        label="Import",
        permission=APPLICANTS_IMPORT,
        is_done=lambda: _is_there(Applicant.id),
    ),
    FirstStep(
        order=240,
        title="Admit applicants",
        description="Select them in the list and choose Admit. Each needs an admitted certificate.",
        endpoint="admissions_applicant.index_view",
        label="Applicants",
        permission=APPLICANTS_VIEW,
        is_done=_has_decided,
    ),
    FirstStep(
        order=250,
        title="Create the student records",
        description="Of one applicant, of a selection, of a container or of the whole portal: each with its slip.",
        endpoint="admissions_section.index",
        label="Overview",
        permission=STUDENTS_CREATE,
        is_done=lambda: _is_there(Student.id),
    ),
)
