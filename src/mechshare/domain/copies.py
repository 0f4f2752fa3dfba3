"""Copying an installation's rows and files to another place."""


class CopyRefused(Exception):
    """A copy can't begin or go on. The message says why, and what to do."""
