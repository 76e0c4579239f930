"""The pages of admissions in the panel."""

from plugins.admissions import permissions
from plugins.admissions.admin.academics import CertificateView, DepartmentView, FacultyView
from plugins.admissions.admin.applicants import ApplicantView
from plugins.admissions.admin.containers import ContainerView
from plugins.admissions.admin.first_steps import FIRST_STEPS
from plugins.admissions.admin.importing import ImportView
from plugins.admissions.admin.records import (
    ApplicantFileView,
    ApplicantHistoryView,
    StudentFileView,
    StudentHistoryView,
    StudyCourseView,
)
from plugins.admissions.admin.section import SectionView
from plugins.admissions.admin.students import StudentView
from plugins.admissions.models import (
    Applicant,
    ApplicantFile,
    ApplicantHistory,
    Certificate,
    Container,
    Department,
    Faculty,
    Student,
    StudentFile,
    StudentHistory,
    StudyCourse,
)
from portal.sdk import AdminView

__all__ = ["FIRST_STEPS", "VIEWS"]

ADMISSIONS, STUDENTS, ACADEMICS = "Admissions", "Students", "University"


def _page(
    view: type,
    category: str,
    permission: str,
    order: int,
    name: str,
    icon: str,
    model: type | None = None,
    endpoint: str = "",
) -> AdminView:
    return AdminView(
        view=view,
        category=category,
        permission=permission,
        order=order,
        name=name,
        icon=icon,
        model=model,
        endpoint=endpoint,
    )


VIEWS = (
    _page(
        SectionView,
        ADMISSIONS,
        permissions.APPLICANTS_VIEW,
        100,
        "Overview",
        "fa-tachometer",
        endpoint="admissions_section",
    ),
    _page(
        ContainerView,
        ADMISSIONS,
        permissions.CONTAINERS_VIEW,
        110,
        "Containers",
        "fa-folder-open-o",
        Container,
    ),
    _page(
        ApplicantView,
        ADMISSIONS,
        permissions.APPLICANTS_VIEW,
        120,
        "Applicants",
        "fa-address-card-o",
        Applicant,
    ),
    _page(
        ImportView,
        ADMISSIONS,
        permissions.APPLICANTS_IMPORT,
        130,
        "Import",
        "fa-upload",
        endpoint="admissions_import",
    ),
    _page(
        ApplicantHistoryView,
        ADMISSIONS,
        permissions.APPLICANTS_VIEW,
        140,
        "Application history",
        "fa-clock-o",
        ApplicantHistory,
    ),
    _page(
        ApplicantFileView,
        ADMISSIONS,
        permissions.APPLICANTS_VIEW,
        150,
        "Application files",
        "fa-files-o",
        ApplicantFile,
    ),
    _page(StudentView, STUDENTS, permissions.STUDENTS_VIEW, 200, "Students", "fa-graduation-cap", Student),
    _page(StudyCourseView, STUDENTS, permissions.STUDENTS_VIEW, 210, "Study courses", "fa-road", StudyCourse),
    _page(
        StudentFileView,
        STUDENTS,
        permissions.STUDENTS_VIEW,
        220,
        "Student files",
        "fa-file-pdf-o",
        StudentFile,
    ),
    _page(
        StudentHistoryView,
        STUDENTS,
        permissions.STUDENTS_VIEW,
        230,
        "Student history",
        "fa-clock-o",
        StudentHistory,
    ),
    _page(FacultyView, ACADEMICS, permissions.ACADEMICS_VIEW, 300, "Faculties", "fa-university", Faculty),
    _page(
        DepartmentView, ACADEMICS, permissions.ACADEMICS_VIEW, 310, "Departments", "fa-sitemap", Department
    ),
    _page(
        CertificateView,
        ACADEMICS,
        permissions.ACADEMICS_VIEW,
        320,
        "Certificates",
        "fa-certificate",
        Certificate,
    ),
)
