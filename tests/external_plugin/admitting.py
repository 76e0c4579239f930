"""Admits two applicants and makes students of them by the job, in this process; prints what became of them.

Run in the environment of the plugins' tests, beside a copy of ``tests/plugins/admissions/university.py``.
"""

import json
import sys
from pathlib import Path

from sqlalchemy import select
from university import add, create_selected, found, give_photo

from plugins.admissions.models import FileKind, Student
from portal.app import create_app
from portal.documents.service import compiled_state, warm_up
from portal.sdk import SYSTEM, acting_as, current_store, db

SLIP = "admissions.application_slip"


def main(folder: Path) -> None:
    """Print, as JSON, how slips are printed and the numbers; write each slip into the folder."""
    with create_app().app_context(), acting_as(SYSTEM):
        university = found()
        applicants = [add(university, reg_number=f"{number}X") for number in (1, 2)]
        give_photo(applicants[0])
        warm_up()
        before = next(state for state in compiled_state() if state.kind == SLIP)
        job = create_selected(*applicants)
        after = next(state for state in compiled_state() if state.kind == SLIP)
        students = db.session.scalars(select(Student).order_by(Student.student_id)).all()
        for student in students:
            (slip,) = [file for file in student.files if file.kind == FileKind.APPLICATION_SLIP]
            (folder / f"{student.student_id}.pdf").write_bytes(current_store().read(slip.sha256))
        found_out = {
            "done": job.done_count,
            "compiled": before.compiled,
            "reason": before.reason,
            "shapes added by the job": after.shapes_count - before.shapes_count,
            "numbers": [student.student_id for student in students],
        }
        print(json.dumps(found_out))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
