"""The pages of enrollments in the panel."""

from plugins.enrollments import permissions
from plugins.enrollments.admin.catalog import (
    CourseRunView,
    CurriculumView,
    IdentityProviderView,
    OrganizationView,
    ProgramView,
)
from plugins.enrollments.admin.drift import DriftView
from plugins.enrollments.admin.inspector import InspectorView
from plugins.enrollments.admin.learners import CourseEnrollmentView, CourseRowView, ProgramEnrollmentView
from plugins.enrollments.admin.section import SectionView
from plugins.enrollments.admin.support import SupportView
from plugins.enrollments.models import (
    CourseEnrollment,
    CourseRun,
    Curriculum,
    IdentityProvider,
    Organization,
    Program,
    ProgramCourseEnrollment,
    ProgramEnrollment,
)
from portal.sdk import AdminView

__all__ = ["VIEWS"]

ENROLLMENTS, CATALOG = "Enrollments", "Programs"


def _page(view: type, category: str, permission: str, order: int, name: str, icon: str) -> AdminView:
    endpoint = f"enrollments_{name.lower().replace(' ', '_')}"
    return AdminView(
        view=view,
        category=category,
        permission=permission,
        order=order,
        name=name,
        icon=icon,
        endpoint=endpoint,
    )


def _list(
    view: type, model: type, category: str, permission: str, order: int, name: str, icon: str
) -> AdminView:
    return AdminView(
        view=view, category=category, permission=permission, order=order, name=name, icon=icon, model=model
    )


_SEE, _CATALOG = permissions.ENROLLMENTS_VIEW, permissions.CATALOG_VIEW

VIEWS = (
    AdminView(
        view=SectionView,
        category=ENROLLMENTS,
        permission=_SEE,
        order=400,
        name="Overview",
        icon="fa-tachometer",
        endpoint="enrollments_section",
    ),
    _list(
        ProgramEnrollmentView, ProgramEnrollment, ENROLLMENTS, _SEE, 410, "Program enrollments", "fa-users"
    ),
    _list(
        CourseRowView,
        ProgramCourseEnrollment,
        ENROLLMENTS,
        _SEE,
        420,
        "Course runs of programs",
        "fa-list-ul",
    ),
    _list(CourseEnrollmentView, CourseEnrollment, ENROLLMENTS, _SEE, 430, "Course enrollments", "fa-book"),
    _page(InspectorView, ENROLLMENTS, _SEE, 440, "Inspector", "fa-search"),
    _page(SupportView, ENROLLMENTS, permissions.ENROLLMENTS_LINK, 450, "Support", "fa-link"),
    _page(DriftView, ENROLLMENTS, _SEE, 460, "Drift", "fa-random"),
    _list(ProgramView, Program, CATALOG, _CATALOG, 500, "Programs", "fa-graduation-cap"),
    _list(CurriculumView, Curriculum, CATALOG, _CATALOG, 510, "Curricula", "fa-map-o"),
    _list(CourseRunView, CourseRun, CATALOG, _CATALOG, 520, "Course runs", "fa-book"),
    _list(OrganizationView, Organization, CATALOG, _CATALOG, 530, "Organizations", "fa-building-o"),
    _list(
        IdentityProviderView, IdentityProvider, CATALOG, _CATALOG, 540, "Identity providers", "fa-id-badge"
    ),
)
