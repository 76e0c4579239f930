"""What the import job says about being undone and held back."""

import uuid

from plugins.admissions.api.import_rows import ImportRow
from plugins.admissions.api.import_undo import ImportToUndo
from plugins.admissions.errors import Refusal
from portal.sdk.jobs import Action, Brake, Outcome, RowState, UndoWork

#: A sheet that removes or changes more than this of what there is waits for a second person.
BRAKE = Brake(removed_share=0.2, changed_share=0.5, minimum_rows=50)
_DONE_TEXTS = {
    Action.CREATE: "Removed again",
    Action.UPDATE: "As it was before the import",
    Action.REMOVE: "Restored",
}


def to_undo(item: UndoWork[ImportRow]) -> ImportToUndo:
    """Return what the API needs to know of a row that the import has applied."""
    return ImportToUndo(
        applicant_uid=uuid.UUID(item.record_id),
        label=item.label,
        version=item.version,
        job_id=item.job_id,
        before=item.undo_facts,
    )


def undo_outcome(item: UndoWork[ImportRow], refusal: Refusal | None) -> Outcome:
    """Return what became of the row of the undo."""
    if refusal is not None:
        return Outcome(
            state=RowState.REFUSED, code=refusal.code, message=refusal.message, record_id=item.record_id
        )
    return Outcome(state=RowState.DONE, message=_DONE_TEXTS[item.action], record_id=item.record_id)
