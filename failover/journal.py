"""What the daemon says of itself: events through structlog to the journal, or to the terminal (rule O4).

`Journal.say("delivery_sent", channel="x", …)` is the only way anything is logged.  The way of a line: values become
texts, secrets become `***`, the table of events gives level and sentence, and the last step makes it an entry of the
journal, a coloured line or JSON.  Saying never blocks, and never raises because the journal is hung or absent.
What libraries log at WARNING or above, and what nobody caught, comes the same way; below that they are not heard,
because httpx and others write whole URLs, tokens included, at INFO.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import stat
import sys
import threading
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Protocol, Self

import structlog
from structlog.processors import JSONRenderer, TimeStamper
from structlog.typing import EventDict, Processor

from failover.events import EventMistake, Level, mistakes
from failover.lines import console, flatten, look_up, to_entry, to_sentence, to_texts
from failover.redaction import Redactor
from failover.systemd import JOURNAL_SOCKET, JournalSocket, is_journal

MODES = ("auto", "journal", "console", "json")

MOST_LINES = 10_000
"""Lines that wait for a terminal or a pipe which nobody reads."""

LAST_WORDS = 1.0
"""Seconds that these are given at the end."""

MOST_KEYS = 2000
"""How many keys `say_on_change` remembers; the one used longest ago is forgotten first."""


class Sink(Protocol):
    """Where finished lines go."""

    def write(self, line: Any, /) -> None: ...

    def flush(self) -> bool: ...

    def close(self) -> None: ...


class Journal:
    """The daemon's one voice towards its administrators.  As a context manager it also tells what ended the block."""

    def __init__(self, sink: Sink, render: Iterable[Processor], secrets: Iterable[str] = ()) -> None:
        self._sink = sink
        self._redactor = Redactor(secrets)
        self._speaker = _Speaker(sink, [to_texts, self._redact, look_up, *render], {})
        self._said: OrderedDict[str, tuple[str, object]] = OrderedDict()
        self._bridge = _Bridge(self)

    def say(self, name: str, /, **fields: object) -> None:
        """Log the event.  A mistake in the call is a warning (an error in tests), and the line is written anyhow."""
        if trouble := mistakes(name, fields):
            warnings.warn(trouble, EventMistake, stacklevel=2)
        self._speaker.speak(name, fields)

    def say_on_change(self, key: str, name: str, /, **fields: object) -> bool:
        """Log the event unless it was the last one under this key, for the same reason; True when logged."""
        news = self._is_news(key, name, fields.get("reason"))
        if news:
            self.say(name, **fields)
        return news

    def bug(self, where: str, error: BaseException) -> None:
        """An exception that nobody expected, with its traceback."""
        lines = "".join(traceback.format_exception(error))
        self.say("bug", where=where, reason=f"{type(error).__name__}: {error}", traceback=lines)

    def relay(self, library: str, text: str, level: Level, lines: str | None = None) -> None:
        """What a library logged.  A warning is not repeated while the library says the same."""
        news = self._is_news(f"library:{library}", "library_spoke", text)
        if news or level is not Level.WARNING:
            self._speaker.speak("library_spoke", {"library": library, "text": text, "traceback": lines}, level)

    def hide(self, secrets: Iterable[str]) -> None:
        """Know these secrets too, from now on."""
        self._redactor.add(secrets)

    def flush(self) -> bool:
        """Send what a busy journal did not take; to be called now and then.  True when nothing waits any more."""
        return self._sink.flush()

    def close(self) -> None:
        self._bridge.detach()
        self._sink.close()

    def __enter__(self) -> Self:
        self._bridge.attach()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        # An error on its way to the top stays ours to tell: Python would print it with every secret in it.
        if not isinstance(error, Exception):
            self.close()

    def _is_news(self, key: str, name: str, reason: object) -> bool:
        before = self._said.pop(key, None)
        self._said[key] = (name, reason)
        if len(self._said) > MOST_KEYS:
            self._said.popitem(last=False)
        return before != (name, reason)

    def _redact(self, _logger: object, _method: str, line: EventDict) -> EventDict:
        line["fields"] = {name: self._redactor(text) for name, text in line["fields"].items()}
        return line


def open_journal(
    mode: str,
    secrets: Iterable[str] = (),
    *,
    env: Mapping[str, str],
    stream: IO[str] = sys.stderr,
    socket_path: str = JOURNAL_SOCKET,
) -> Journal:
    """`auto` speaks to the journal where systemd connected `stream` to it, else to the terminal; see MODES."""
    if mode == "journal" or (mode == "auto" and is_journal(env, stream)):
        return Journal(JournalSocket(socket_path), [to_entry], secrets)
    if mode == "json":
        stamp = TimeStamper(fmt="iso", utc=True)
        return Journal(_lines(stream), [flatten, stamp, JSONRenderer(ensure_ascii=False)], secrets)
    colours = stream.isatty() and "NO_COLOR" not in env
    stamp = TimeStamper(fmt="%H:%M:%S", utc=False)
    return Journal(_lines(stream), [to_sentence, stamp, console(colours=colours)], secrets)


class _Speaker(structlog.BoundLoggerBase):
    """The structlog logger behind a Journal: no global configuration, one method."""

    def speak(self, name: str, fields: Mapping[str, object], level: Level | None = None) -> None:
        self._proxy_to_logger("write", name, level=level, fields=fields)


def _lines(stream: IO[str]) -> Sink:
    """A file takes every line at once; whoever reads a terminal or a pipe may stop reading."""
    try:
        patient = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # no file of the system's at all
        patient = True
    return _Lines(stream) if patient else _SeparateLines(stream)


class _Lines:
    """A file; what cannot be written there is lost."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, line: str, /) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    def flush(self) -> bool:
        return True

    def close(self) -> None:
        """The stream is not ours to close."""


class _SeparateLines:
    """A terminal or a pipe, written by a thread of its own: one that nobody reads must not hang the daemon (O5).

    Past the stream's own buffer, which Python would wait for at the end.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._file = os.dup(stream.fileno())  # of our own: the number of a closed one may be given to another file
        self._waiting: queue.Queue[str | None] = queue.Queue(MOST_LINES)
        self._writer = threading.Thread(target=self._work, name="journal lines", daemon=True)
        self._writer.start()
        atexit.register(self.close)

    def write(self, line: str, /) -> None:
        with suppress(queue.Full):  # nobody has read for long; what is too much is lost
            self._waiting.put_nowait(line)

    def flush(self) -> bool:
        return True

    def close(self) -> None:
        """What waits is written first, if somebody reads it soon."""
        atexit.unregister(self.close)
        with suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._writer.join(LAST_WORDS)

    def _work(self) -> None:
        while (line := self._waiting.get()) is not None:
            left = f"{line}\n".encode(errors="backslashreplace")
            with suppress(OSError):
                while left:
                    left = left[os.write(self._file, left) :]
        os.close(self._file)


class _Bridge(logging.Handler):
    """Brings what libraries, warnings and uncaught exceptions have to say into the journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.WARNING)
        self._journal = journal
        self._before = (logging.root.level, sys.excepthook, threading.excepthook, sys.unraisablehook)

    def attach(self) -> None:
        self._before = (logging.root.level, sys.excepthook, threading.excepthook, sys.unraisablehook)
        logging.root.addHandler(self)
        logging.root.setLevel(logging.WARNING)
        logging.captureWarnings(capture=True)
        sys.excepthook = self._uncaught
        threading.excepthook = lambda args: self._aside("a thread", args.exc_value)
        sys.unraisablehook = lambda args: self._aside("a clean-up", args.exc_value)

    def detach(self) -> None:
        if self not in logging.root.handlers:
            return
        logging.root.removeHandler(self)
        logging.captureWarnings(capture=False)
        level, sys.excepthook, threading.excepthook, sys.unraisablehook = self._before
        logging.root.setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        level = Level.ERROR if record.levelno >= logging.ERROR else Level.WARNING
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError):  # the library's own mistake in a format
            text = str(record.msg)
        error = record.exc_info[1] if record.exc_info else None
        lines = "".join(traceback.format_exception(error)) if error else None
        self._journal.relay(record.name, text, level, lines)

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, Exception):
            self._journal.bug("the top of the program", error)
            self._journal.close()
        else:
            sys.__excepthook__(kind, error, trace)

    def _aside(self, where: str, error: BaseException | None) -> None:
        if isinstance(error, Exception):
            self._journal.bug(where, error)
