"""Secrets come from files, from the environment, or in clear where somebody insists (rule O2).

A field of type SecretStr named `token` is written as exactly one of `token_file`, `token_env` and `token_plain`.  A
file is looked for in systemd's credentials directory under its name, there with the prefix `failover_` that
`LoadCredential=failover:FOLDER` adds, then relative to the configuration file, and last in the folder `secrets`
beside that, which is where the credentials come from: so `failover check` sees what the service will see.  One line
break at its end is not part of the secret.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from failover.config.places import Node
from failover.config.problems import KeyPath, Reading
from failover.config.shapes import SECRET_FORMS, fields_of, is_secret

BYTES_AT_MOST = 65_536

MADE_UP = (
    "example",
    "123456789:made-up-for-an-example-that-asks-nobody",
    "whsec_bWFkZSB1cCBmb3IgYW4gZXhhbXBsZSB0aGF0IGFza3Mgbm9ib2R5",
)
"""Stand in for every secret where nothing real is asked (an example, a replay); some kinds expect a certain form."""

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def resolve(shape: type, node: Node, path: KeyPath, reading: Reading) -> tuple[dict[str, Any], set[str]]:
    """The entry's plain values with its secrets filled in, and the names of those that could not be had."""
    data = node.plain()
    failed = set()
    for name in [name for name, annotation in fields_of(shape).items() if is_secret(annotation)]:
        given = [key for key in (name, *(f"{name}_{form}" for form in SECRET_FORMS)) if key in data]
        for key in given:
            del data[key]
        secret = _obtained(name, given, node, path, reading) if given else None
        if secret is not None:
            data[name] = secret
        elif given:
            failed.add(name)
    return data, failed


def _obtained(name: str, given: list[str], node: Node, path: KeyPath, reading: Reading) -> str | None:
    """The secret, of which the keys `given` were written; None (and a problem, which never shows it) if none."""
    if given[0] == name:
        way = f"name it with {name}_file (or {name}_env; {name}_plain only to say it in clear on purpose)"
        reading.wrong(node.key(name), (*path, name), f"write the secret to a file and {way}")
        return None
    if len(given) > 1:
        reading.wrong(node.key(given[1]), (*path, given[1]), f"expected only one of {' and '.join(given)}")
        return None
    if reading.example:
        return MADE_UP[0]
    try:
        secret = _fetched(given[0], node.mapping[given[0]].value, (*path, given[0]), reading)
    except _NoSecretError as error:
        reading.wrong(node.mapping[given[0]].place, (*path, given[0]), str(error))
        return None
    reading.secrets.add(secret)
    return secret


class _NoSecretError(Exception):
    """Why there is none; the text never shows what was found."""


def _fetched(key: str, said: object, path: KeyPath, reading: Reading) -> str:
    form = key.rpartition("_")[2]
    if not isinstance(said, str) or not said:
        expected = {"file": "the name of a file", "env": "the name of a variable", "plain": "text, in quotes"}[form]
        raise _NoSecretError(f"expected {expected}")
    if form == "file":
        secret = _from_file(said, path, reading)
    elif form == "env":
        secret = _from_environment(said, reading.env)
    else:
        secret = said
        reading.note(path, "this secret stands in clear in the configuration")
    if _UNPRINTABLE.search(secret):
        raise _NoSecretError("a control character is hidden in this secret")
    return secret


def _from_environment(name: str, env: Mapping[str, str]) -> str:
    if not env.get(name):
        raise _NoSecretError(f"the environment variable {name} is {'empty' if name in env else 'not set'}")
    return env[name]


def _candidates(name: str, reading: Reading) -> Iterator[Path]:
    credentials = reading.env.get("CREDENTIALS_DIRECTORY")
    if credentials and Path(name).name == name:
        yield Path(credentials) / name
        yield Path(credentials) / f"failover_{name}"
    yield reading.base / name
    if Path(name).name == name:
        yield reading.base / "secrets" / name


def _from_file(name: str, path: KeyPath, reading: Reading) -> str:
    files = list(_candidates(name, reading))
    try:
        for file in files:
            if file.exists():
                guarded = file.parent == Path(reading.env.get("CREDENTIALS_DIRECTORY", "/"))
                _approve(file, file.stat(), path, reading, guarded=guarded)
                return _text_of(file)
    except OSError as error:
        raise _NoSecretError(f"{name} cannot be read: {error.strerror}") from None
    raise _NoSecretError(f"no such file; looked for {' and '.join(map(str, files))}")


def _approve(file: Path, status: os.stat_result, path: KeyPath, reading: Reading, *, guarded: bool) -> None:
    """Only a small regular file can hold a secret; systemd guards those in its own directory."""
    if not stat.S_ISREG(status.st_mode):
        raise _NoSecretError(f"{file} is {'a folder' if stat.S_ISDIR(status.st_mode) else 'not a regular file'}")
    if status.st_size > BYTES_AT_MOST:
        raise _NoSecretError(f"{file} is larger than {BYTES_AT_MOST} bytes, so it is hardly a secret")
    if status.st_mode & stat.S_IROTH and file.parent.stat().st_mode & stat.S_IXOTH and not guarded:
        reading.note(path, f"every user of this machine can read {file}; `chmod 600` mends that")


def _text_of(file: Path) -> str:
    try:
        text = file.read_bytes().decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise _NoSecretError(f"{file} is not text in UTF-8") from None
    if not text.strip():
        raise _NoSecretError(f"{file} is empty")
    return text
