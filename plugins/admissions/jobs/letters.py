"""The job ``admissions.print_activation_letters``: one PDF per student, packed into a ZIP to download."""

import tempfile
import uuid
import zipfile
from collections.abc import Sequence
from typing import ClassVar

from portal.sdk.documents import render_bulk
from pydantic import BaseModel, Field

from plugins.admissions.api.activation_letters import letter_facts, students_of
from plugins.admissions.permissions import LETTERS_PRINT
from portal.sdk import Conflict, reading
from portal.sdk.jobs import Progress, ResultFile, TaskJob, TaskResult, store_upload

LETTER = "admissions.activation_letter"
RESULT_NAME = "activation-letters.zip"


class LettersParams(BaseModel):
    """Whose letters to print: the named students, those of a container, or all; only those not yet activated."""

    students: list[uuid.UUID] = Field(default_factory=list, description="Keys of students.")
    container: str | None = Field(None, description="Code of a container.")


class PrintActivationLetters(TaskJob[LettersParams]):
    """Prints letters with activation codes. The codes are computed anew, so it can be repeated at any time."""

    name: ClassVar[str] = "admissions.print_activation_letters"
    title: ClassVar[str] = "Print activation letters"
    Params = LettersParams

    def permission(self, params: LettersParams) -> str:
        return LETTERS_PRINT

    def explain(self, params: LettersParams) -> str:
        if params.students:
            return f"Print {len(params.students)} activation letters"
        return f"Print activation letters of {params.container or 'all students'}"

    def run(self, params: LettersParams, progress: Progress) -> TaskResult:
        letters = problems = skipped = 0
        with tempfile.TemporaryFile() as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                for page in students_of(student_uids=params.students, container=params.container):
                    done, failed = _print_page(page, archive)
                    letters, problems = letters + done, problems + failed
                    skipped += len(page) - done - failed
                    progress(letters + problems + skipped, len(params.students) or None)
            if not letters:
                raise Conflict(
                    "no-letters",
                    "None of these students has an unused activation code, so nothing was printed.",
                )
            file.seek(0)
            stored = store_upload(file, RESULT_NAME, "application/zip")
        return TaskResult(
            facts={"letters": letters, "without_code": skipped, "not_printable": problems},
            files=(
                ResultFile(
                    name=RESULT_NAME,
                    sha256=stored.sha256,
                    size_bytes=stored.size_bytes,
                    media_type=stored.media_type,
                ),
            ),
        )


def _print_page(page: Sequence[uuid.UUID], archive: zipfile.ZipFile) -> tuple[int, int]:
    """Print the letters of some students into the archive and return how many were printed, and how many could not."""
    with reading():
        facts = letter_facts(page)
    printed = 0
    for letter, result in zip(facts, render_bulk(LETTER, facts), strict=True):
        if result.pdf is not None:
            member = zipfile.ZipInfo(f"{letter.student_number}.pdf")
            archive.writestr(member, result.pdf)
            printed += 1
    return printed, len(facts) - printed
