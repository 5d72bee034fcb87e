"""The local socket: one JSON line in, one JSON line out, then the connection is closed.

Who may ask is decided by the file's permissions (0660 in a directory of the service); who asked is told by the
kernel (SO_PEERCRED), so that it can be written into the audit trail, and from where by the asking program (`from`).
Requests: {"do": "status", …}; answers:
{"ok": true, "text": …, "data": …} or {"ok": false, "text": why}, with "misused": true where the request itself is
wrong (a time that is none).
"""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from failover.desk import RequestError
from failover.schema import StoreError

LONGEST_REQUEST = 16_000_000
"""Bytes: a picture of 10 MB in base64, and the words to it."""
PATIENCE = 5.0
"""Seconds a client may take to say what it wants."""

Request = Mapping[str, Any]
Handler = Callable[[Request, str], Awaitable[Any]]
"""(request, by) -> text for a person, or data.  `by` is who asks and from where: `ann (command line, pts/3)`."""

_TERMINAL = re.compile(r"[\w/.:-]{1,40}")
_USER = re.compile(r"[\w.@$-]{1,64}")


class MisusedError(RequestError):
    """What was asked makes no sense, whatever the state of things; the text says what would."""


class Control:
    """Listens while the daemon runs."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler], configuration: Path | None = None) -> None:
        """`configuration` is the daemon's own: a request that names another is meant for another daemon."""
        self._path = path
        self._configuration = configuration
        self._handlers = handlers
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen.  Raises OSError with the path when that cannot be done."""
        if len(os.fsencode(self._path)) > 107:  # sun_path of unix(7)
            raise OSError(
                f"{self._path}: too long for a socket (107 bytes at most); set `control:` to a shorter path"
            )
        if _somebody_listens(self._path):
            raise OSError(f"{self._path}: another failover daemon listens there")
        try:
            self._path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._serve, path=self._path, limit=LONGEST_REQUEST)
            self._path.chmod(0o660)
        except OSError as error:  # asyncio's does not always name the path
            raise OSError(f"{self._path}: {error.strerror or error}") from None

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                line = await reader.readline()
            answer = await self._answer(line, _peer_uid(writer))
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):  # a client that went away, or said too much
            pass
        except asyncio.CancelledError:  # the daemon ends, and nobody waits for this conversation
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes, uid: int) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            return {"ok": False, "text": "not a line of JSON"}
        handler = self._handlers.get(str(request.get("do"))) if isinstance(request, dict) else None
        if handler is None:
            return {"ok": False, "text": f"unknown request; there are {', '.join(self._handlers)}"}
        if strange := self._strange(request.get("configuration")):
            return {"ok": False, "text": strange}
        try:
            return {"ok": True, "data": await handler(request, whence(_user(uid), uid, request.get("from")))}
        except MisusedError as error:
            return {"ok": False, "text": str(error), "misused": True}
        except RequestError as error:
            return {"ok": False, "text": str(error)}
        except StoreError as error:
            return {"ok": False, "text": f"nothing was changed: {error}"}
        except KeyError as error:
            return {"ok": False, "text": f"the request lacks {error}"}
        except Exception as error:  # noqa: BLE001  who asks hears of it, and the journal has the trace
            trouble = {"message": "an error that nobody expected at the control socket", "exception": error}
            asyncio.get_running_loop().call_exception_handler(trouble)
            return {"ok": False, "text": f"this failed unexpectedly ({type(error).__name__}); see the journal"}

    def _strange(self, meant: object) -> str:
        """What is meant for the daemon of another configuration must not be done by this one; "" if it is ours."""
        if not isinstance(meant, str) or self._configuration is None or Path(meant) == self._configuration.resolve():
            return ""
        return f"the daemon that listens here has {self._configuration}, and this was meant for that of {meant}"


def _somebody_listens(path: Path) -> bool:
    """A socket that nobody listens at was left behind by a daemon that died."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(1.0)
        try:
            line.connect(str(path))
        except TimeoutError:  # somebody who is too busy to answer
            return True
        except OSError:
            return False
        return True


def whence(user: str, uid: int, claim: object) -> str:
    """Who asks and from where, for the record.

    The user is the kernel's word.  The terminal is the asking program's, and so is who stands behind `sudo`, which is
    believed of root alone: nobody else could have become root by it.
    """
    if not isinstance(claim, Mapping):
        return f"{user} (control socket)"
    terminal, sudo = str(claim.get("terminal") or ""), str(claim.get("sudo") or "")
    parts = [f"sudo by {sudo}"] if uid == 0 and _USER.fullmatch(sudo) else []
    parts += ["command line"]
    parts += [terminal] if _TERMINAL.fullmatch(terminal) else []
    return f"{user} ({', '.join(parts)})"


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    """The user id at the other end, as the kernel knows it."""
    raw = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, _gid = struct.unpack("3i", raw)
    return int(uid)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
