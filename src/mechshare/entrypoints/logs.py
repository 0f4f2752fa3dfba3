"""Configures logs: text for a console or JSON for machines; errors also go to a rotating file, if one is configured."""

import logging
import logging.config
from typing import Any

import structlog

from mechshare.settings import Settings

_FILE_BYTES = 10 * 1024 * 1024
_FILES = 5


def configure_logging(settings: Settings) -> None:
    """Sets up structlog and the standard library's logging for this process, with the same output format for both."""
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
        "console": {"class": "logging.StreamHandler", "formatter": settings.log_format, "level": "INFO"}
    }
    if settings.log_file:
        handlers["file"] = {
            "class": "logging.handlers.RotatingFileHandler",
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
