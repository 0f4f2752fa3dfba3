"""Copies of an installation's rows and files."""


class CopyRefused(Exception):
    """A copy can't begin or continue. The message gives the reason and what to do."""
