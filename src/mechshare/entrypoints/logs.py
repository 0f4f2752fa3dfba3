"""Configures logs: text for a console or JSON for machines; errors also go to a rotating file, if one is configured."""

import logging
import logging.config
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import structlog

from mechshare.setting_values import SettingsError
from mechshare.settings import Settings

_FILE_BYTES = 10 * 1024 * 1024
_FILES = 5


class ConsoleHandler(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at the moment: a progress bar replaces it to keep log lines above itself."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class ErrorFile(RotatingFileHandler):
    """Says in one line on standard error that a record could not be written; the console has the record, too."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the library's name
        problem = sys.exc_info()[1]
        sys.stderr.write(f"MECHSHARE_LOG_FILE: '{self.baseFilename}' cannot be written: {problem}\n")


def configure_logging(settings: Settings) -> None:
    """Sets up structlog and the standard library's logging for this process, with the same output format for both.

    Raises SettingsError if the log file cannot be written.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Omit local variables: they may contain passwords, and formatting them takes a hundred times longer.
    tracebacks = structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    )
    machine = [tracebacks, structlog.processors.JSONRenderer(ensure_ascii=False)]
    console = [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    handlers: dict[str, Any] = {
        "console": {"()": ConsoleHandler, "formatter": settings.log_format, "level": "INFO"}
    }
    if settings.log_file:
        _require_writable(settings.log_file)
        handlers["file"] = {
            "()": ErrorFile,
            "formatter": "json",
            "filename": settings.log_file,
            "maxBytes": _FILE_BYTES,
            "backupCount": _FILES,
            "level": "ERROR",
            "delay": True,
        }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": _formatter(shared, machine),
                "console": _formatter(shared, console),
            },
            "handlers": handlers,
            "filters": {"brief": {"()": lambda: _without_traceback}},
            "loggers": {
                "alembic": {"level": "WARNING"},
                "azure": {"level": "WARNING"},
                "botocore": {"level": "WARNING"},
                # It logs each failed request with a traceback; the caller of the index handles the failure.
                "opensearch": {"level": "WARNING", "filters": ["brief"]},
            },
            "root": {"level": "INFO", "handlers": list(handlers)},
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _require_writable(log_file: str) -> None:
    try:
        with Path(log_file).open("ab"):
            pass
    except OSError as problem:
        raise SettingsError(
            f"MECHSHARE_LOG_FILE cannot be written: {problem.strerror}: '{log_file}'. Name a file in a folder that "
            "exists and that mechshare may write to."
        ) from problem


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = record.exc_text = None
    return True


def _formatter(shared: list[Any], last: list[Any]) -> dict[str, Any]:
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [remove, *last],
    }
