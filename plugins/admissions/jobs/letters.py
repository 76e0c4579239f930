"""The job ``admissions.print_activation_letters``: letters to print, a hundred in each PDF."""

import io
import tempfile
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, ClassVar

from pydantic import BaseModel, Field

from plugins.admissions.api.activation_letters import letter_facts, students_of
from plugins.admissions.permissions import LETTERS_PRINT
from portal.sdk import Conflict, reading
from portal.sdk.documents import render_together
from portal.sdk.jobs import Progress, ResultFile, TaskJob, TaskResult, store_upload

LETTER = "admissions.activation_letter"
PDF_NAME = "activation-letters.pdf"
ZIP_NAME = "activation-letters.zip"


class LettersParams(BaseModel):
    """Whose letters to print: the named students, those of a container, or all; only those not yet activated."""

    students: list[uuid.UUID] = Field(default_factory=list, description="Keys of students.")
    container: str | None = Field(None, description="Code of a container.")


@dataclass
class _Counts:
    """What was done with the students so far."""

    printed: int = 0
    without_code: int = 0
    problems: int = 0
    parts: int = 0
    first_problem: str = ""

    @property
    def seen(self) -> int:
        return self.printed + self.without_code + self.problems


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
        counts, last = _Counts(), b""
        with tempfile.TemporaryFile() as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                for page in students_of(student_uids=params.students, container=params.container):
                    pdf = _print_page(page, counts)
                    if pdf is not None:
                        last = pdf
                        archive.writestr(zipfile.ZipInfo(f"activation-letters-{counts.parts:03}.pdf"), pdf)
                    progress(counts.seen, len(params.students) or None)
            file.seek(0)
            result = _result_file(file, last, counts)
        facts = {
            "letters": counts.printed,
            "without_code": counts.without_code,
            "not_printable": counts.problems,
            "first_problem": counts.first_problem,
        }
        return TaskResult(facts=facts, files=(result,))


def _print_page(page: Sequence[uuid.UUID], counts: _Counts) -> bytes | None:
    """Print the letters of up to 100 students into one PDF; None when there is none to print."""
    with reading():
        letters = letter_facts(page)
    counts.without_code += len(page) - len(letters)
    if not letters:
        return None
    together = render_together(LETTER, letters)
    counts.problems += len(together.problems)
    counts.printed += len(letters) - len(together.problems)
    for index, problem in together.problems.items():
        counts.first_problem = counts.first_problem or f"{letters[index].student_number}: {problem.message}"
    if together.pdf is not None:
        counts.parts += 1
    return together.pdf


def _result_file(archive: BinaryIO, pdf: bytes, counts: _Counts) -> ResultFile:
    """Store what was printed: the PDF itself when there is one, else all of them as a ZIP."""
    if not counts.printed:
        reason = counts.first_problem or "none of these students has an unused activation code"
        raise Conflict("no-letters", f"Nothing was printed: {reason}.")
    if counts.parts == 1:
        name, media_type, source = PDF_NAME, "application/pdf", io.BytesIO(pdf)
        stored = store_upload(source, name, media_type)
    else:
        name, media_type = ZIP_NAME, "application/zip"
        stored = store_upload(archive, name, media_type)
    return ResultFile(name=name, sha256=stored.sha256, size_bytes=stored.size_bytes, media_type=media_type)
