"""The texts that scripts of the pages show. Scripts find them by key."""


def _(text: str) -> str:
    """Marks `text` for the catalogues."""
    return text


SCRIPT_TEXTS = {
    "failed": _("That did not work. Check the connection and try again."),
    "bell": _("Notifications"),
    "bell_count": _("New notifications: {count}"),
    "copied": _("Copied"),
    "loading": _("Loading …"),
    "retry": _("Try again"),
    "more": _("Show more"),
    "more_failed": _("The next mechanisms did not load."),
    "more_shown": _("More mechanisms shown: {count}"),
    "suggestions": _("Suggestions"),
    "suggestion_author": _("Author"),
    "suggestion_category": _("Category"),
    "suggestion_term": _("Term"),
    "suggestion_count": _("Suggestions: {count}. Choose with the arrow keys."),
    "upload_state_new": _("Not sent yet"),
    "upload_state_queued": _("Next"),
    "upload_state_sending": _("Uploading"),
    "upload_state_waiting": _("Waiting"),
    "upload_state_refused": _("Not uploaded"),
    "upload_state_unusable": _("Not accepted"),
    "upload_state_processing": _("Being processed"),
    "upload_state_failed": _("Failed"),
    "upload_state_ready": _("Ready"),
    "upload_state_public": _("Public"),
    "upload_percent": _("Sent: {percent} %"),
    "upload_stored": _("Everything is sent. The server is storing the file …"),
    "upload_ready": _("Only you see it until you publish it."),
    "upload_alike": _("It moves much like {titles}."),
    "upload_quoted": _("“{title}”"),
    "upload_public": _("Everyone can see it now."),
    "upload_begun": _("Part of this file is on the server already. The upload continues from there."),
    "upload_stopped": _("You stopped the upload."),
    "upload_goes_on": _("Continues automatically in {seconds} s."),
    "upload_summary": _("{done} of {count} ready"),
    "upload_no_title": _("Enter a title."),
    "upload_empty": _("The file is empty. Choose another one."),
    "upload_unreadable": _("The browser can't read this. Choose files, not folders."),
    "upload_no_room": _(
        "Your storage has no room for this file. Delete a mechanism, or choose a smaller file."
    ),
    "upload_signed_out": _("You are signed out. Sign in in another tab, then try again here."),
    "upload_sent_before": _(
        "The file was uploaded already, with the texts of the first attempt. It is among your mechanisms."
    ),
    "model_keys": _("Drag or use the arrow keys to turn it, + and - to enlarge it."),
    "model_failed": _("This file could not be shown in 3-D. Download it instead."),
    "step_pending": _("Waits to be processed."),
    "step_start": _("Begins"),
    "step_fetch": _("Reads the file"),
    "step_decode": _("Decodes the frames"),
    "step_video": _("Makes the video"),
    "step_thumbnail": _("Makes the thumbnail"),
    "step_preview": _("Makes the preview"),
    "step_verify": _("Checks the result"),
    "step_store": _("Stores the result"),
    "step_percent": _("{step}: {percent} %"),
}
