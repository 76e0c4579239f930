"""What is printed on an application slip and on an activation letter: plain facts, ready to print."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SlipFacts:
    """The facts of one application slip, in the order of the page.

    All are strings ready to print; an empty one prints as a dash. Before the student record exists there is no student
    number, sign-in name or portal address. No credential is ever among them.

    Args:
        institution_name: Head of the page.
        logo: Of the institution, as JPEG; None prints the crest of the template.
        container_title: Title of the page.
        applicant_id: What people see, such as ``app2026_123456``.
        registration_number: Of the examination board; may be empty.
        photo: Passport photo as JPEG; None prints a frame that says so.
        qr_text: Address of the page that verifies the slip; no code is printed when empty.
        certificate: Code and title of what the applicant is admitted to.
        slip_notice: The container's notice, of several lines; no box is printed when empty.
        history: One line for each thing that happened, oldest first. 12 fit the page, more flow on to a next one.
        created_at: When the slip was made, ready to print; part of the facts, so that a retry makes the same bytes.
    """

    institution_name: str
    container_title: str
    applicant_id: str
    registration_number: str = ""
    first_name: str
    middle_name: str = ""
    last_name: str
    photo: bytes | None = None
    qr_text: str = ""
    sex: str = ""
    date_of_birth: str = ""
    email: str = ""
    phone: str = ""
    course1: str = ""
    course2: str = ""
    special_application: str = ""
    notice: str = ""
    student_number: str = ""
    certificate: str = ""
    department: str = ""
    faculty: str = ""
    entry_session: str = ""
    sign_in_name: str = ""
    portal_address: str = ""
    slip_notice: str = ""
    history: tuple[str, ...] = ()
    created_at: str = ""
    logo: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class LetterFacts:
    """The facts of one activation letter, all ready to print. The only paper that carries an activation code.

    Args:
        activation_code: In groups, as it is typed.
        activation_address: Address of the page ``/activate``.
        expires_on: Last day on which the code works.
        programme: What the student is admitted to, with its faculty.
    """

    institution_name: str
    student_name: str
    student_number: str
    programme: str = ""
    entry_session: str = ""
    sign_in_name: str
    activation_code: str
    activation_address: str
    expires_on: str
    printed_on: str = ""
    logo: bytes | None = None


def history_line(at_text: str, text: str, actor_name: str) -> str:
    """Return a line of history as the slip prints it: time, what happened, by whom."""
    return f"{at_text} – {text} by {actor_name}" if actor_name else f"{at_text} – {text}"


def certificate_text(code: str, title: str) -> str:
    """Return a certificate as the slip prints it; empty when there is none."""
    return f"{code} – {title}" if code and title else code or title
