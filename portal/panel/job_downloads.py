"""What a job gives to take along, the same on its page and by REST: the result as CSV or workbook, and its files."""

from uuid import UUID

from flask import Response, request, stream_with_context
from werkzeug.wsgi import wrap_file

from portal.files.models import StoredFile
from portal.jobs.models import Job, JobFile
from portal.jobs.passing import check_download
from portal.jobs.results import result_lines, result_workbook
from portal.jobs.tables import MEDIA_TYPES, Format
from portal.kernel.actor import current_actor
from portal.kernel.db import db
from portal.kernel.errors import NotFound
from portal.web.downloads import name_download, send_blob


def result_response(job: Job, form: Format) -> Response:
    """Answer with the result file; the caller has checked that the actor may see the job.

    Raises:
        Conflict: ``result-too-large``, for a workbook of too many rows.
    """
    if form == "csv":
        response = Response(stream_with_context(result_lines(job)), mimetype=MEDIA_TYPES["csv"])
    else:
        workbook = wrap_file(request.environ, result_workbook(job))
        response = Response(workbook, mimetype=MEDIA_TYPES["xlsx"], direct_passthrough=True)
    name_download(response, f"{job.title} {job.created_at:%Y-%m-%d} result.{form}", inline=False)
    return response


def file_response(job: Job, file_id: UUID) -> Response:
    """Answer with a file that was uploaded for the job, or that it made; the caller has checked the job.

    Raises:
        NotFound: ``job-file-missing``.
        Forbidden, Gone: for a file that is kept for a while, see :func:`portal.jobs.passing.check_download`.
    """
    check_download(job, file_id, current_actor())
    found = db.session.get(JobFile, file_id)
    stored = db.session.get(StoredFile, found.sha256) if found is not None else None
    if found is None or stored is None or found.job_id != job.id:
        raise NotFound("job-file-missing", "This job has no such file.")
    return send_blob(stored.sha256, stored.media_type, found.filename or found.name)
