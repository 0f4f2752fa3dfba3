"""Replaces and restores main files. The API and the pages share it."""

from collections.abc import Collection
from typing import Any

from litestar import Request

from mechshare.domain.errors import MalformedRequest
from mechshare.domain.ids import MechanismId, UploadId
from mechshare.domain.mechanisms import AuthoredMechanism
from mechshare.domain.originals import OriginalFile
from mechshare.entrypoints.http.form_files import received_file, require_form
from mechshare.entrypoints.http.protocol.auth import actor_of, application_of, request_metadata_of
from mechshare.entrypoints.http.protocol.multipart import Form
from mechshare.entrypoints.metrics import UPLOADED_BYTES

Req = Request[Any, Any, Any]
Versions = Collection[int] | None


async def replace_from_form(
    request: Req, id: MechanismId, versions: Versions = None, *, states_version: bool = False
) -> AuthoredMechanism:
    """Stores the `file` of the multipart form, which takes the place of the main file. If it raises, no file remains.

    If it `states_version`, the field `version` of the form has the one that it was made for. Raises MalformedRequest,
    and what `UploadService.receive` and `MainFileService.replace_file` raise.
    """
    application, actor = application_of(request), actor_of(request)
    await application.main_files.require_replaceable(actor, id, versions)
    require_form(request)
    form = Form[OriginalFile]()
    async with received_file(request, form, application.uploads.receive):
        return await _replace(request, id, form, _version_in(form) if states_version else versions)


async def _replace(
    request: Req, id: MechanismId, form: Form[OriginalFile], versions: Versions
) -> AuthoredMechanism:
    if form.file is None:
        raise MalformedRequest(problem="see details.", details=[("file", "is missing: send the file.")])
    replaced = await application_of(request).main_files.replace_file(
        actor_of(request),
        id,
        form.file,
        versions=versions,
        request_metadata=request_metadata_of(request),
    )
    UPLOADED_BYTES.inc(form.file.size)
    return replaced


def _version_in(form: Form[OriginalFile]) -> Versions:
    text = dict(form.fields).get("version", "")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise MalformedRequest(
            problem="see details.",
            details=[("version", "is missing: open the page again and resend the form.")],
        )
    return (int(text),)


async def replace_from_upload(
    request: Req, id: MechanismId, upload: str, versions: Versions
) -> AuthoredMechanism:
    """Lets the complete upload take the place of the main file, and ends it. `upload` is its id or its address."""
    application, actor = application_of(request), actor_of(request)
    upload_id = UploadId(upload.rstrip("/").rpartition("/")[2])
    await application.main_files.require_replaceable(actor, id, versions)
    file = await application.resumable_uploads.finish(actor, upload_id)
    return await application.main_files.replace_file(
        actor,
        id,
        file,
        versions=versions,
        request_metadata=request_metadata_of(request),
        upload_id=upload_id,
    )


async def restore(request: Req, id: MechanismId, number: int, versions: Versions) -> AuthoredMechanism:
    """States again what a revision stated, at once if it has the present main file or none, and otherwise once its
    file is processed again. Raises RevisionNotFound, and what `MechanismService.update_mechanism` and
    `MainFileService.restore_revision` raise."""
    application, actor, metadata = (
        application_of(request),
        actor_of(request),
        request_metadata_of(request),
    )
    revision = (await application.revisions.get_revised(actor, id, number)).revision
    if revision.main_file is not None:
        return await application.main_files.restore_revision(
            actor, id, number, versions=versions, request_metadata=metadata
        )
    return await application.mechanisms.update_mechanism(
        actor, id, versions=versions, request_metadata=metadata, **revision.content.statement_changes
    )
