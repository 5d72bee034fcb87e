"""Where secrets come from, and that they go nowhere else (rule O2)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr, model_validator

from failover.config import parse
from failover.config.problems import ConfigError
from failover.config.settings import Settings
from failover.contracts import AnyChannelKind, Options
from tests.core.fake_kinds import FakeKinds

TEXT = """
organisation: {{name: Example}}
platforms: {{facebook: {{}}}}
channels: {{chat: {{kind: chat, chat: "@c", {secret}}}}}
"""


def read(secret: str, base: Path, env: dict[str, str] | None = None) -> Settings:
    return parse(TEXT.format(secret=secret), base / "config.yaml", env or {}, FakeKinds())


def token(settings: Settings) -> str:
    secret = settings.channels["chat"].options.token  # type: ignore[attr-defined]
    assert isinstance(secret, SecretStr)
    return secret.get_secret_value()


def problem(secret: str, base: Path, env: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        read(secret, base, env)
    (only,) = caught.value.problems
    return only.text


def put(folder: Path, name: str, text: str | bytes, mode: int = 0o600) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.touch(mode=mode)
    file.chmod(mode)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("secret-1", "secret-1"),
        ("secret-1\n", "secret-1"),
        ("secret-1\r\n", "secret-1"),
        ("secret-1\n\n", "secret-1\n"),
        (" secret 1 ", " secret 1 "),
        ("sécret-1\n", "sécret-1"),
    ],
    ids=["bare", "line break", "Windows", "only one is taken off", "spaces belong to it", "not only ASCII"],
)
def test_one_line_break_at_the_end_is_not_part_of_it(tmp_path: Path, written: str, expected: str) -> None:
    put(tmp_path, "chat-token", written)

    assert token(read("token_file: chat-token", tmp_path)) == expected


def test_the_order_in_which_a_file_is_looked_for(tmp_path: Path) -> None:
    """systemd's directory under its name, there with the prefix, beside the configuration, in `secrets` there."""
    credentials = tmp_path / "credentials"
    env = {"CREDENTIALS_DIRECTORY": str(credentials)}
    put(tmp_path / "secrets", "chat-token", "where-systemd-gets-it")
    assert token(read("token_file: chat-token", tmp_path, env)) == "where-systemd-gets-it"

    put(tmp_path, "chat-token", "beside-it")
    assert token(read("token_file: chat-token", tmp_path, env)) == "beside-it"

    put(credentials, "failover_chat-token", "with-prefix")
    assert token(read("token_file: chat-token", tmp_path, env)) == "with-prefix"

    put(credentials, "chat-token", "by-its-name")
    assert token(read("token_file: chat-token", tmp_path, env)) == "by-its-name"


def test_a_path_is_not_looked_for_among_the_credentials(tmp_path: Path) -> None:
    put(tmp_path / "secrets", "chat-token", "in-a-folder")
    env = {"CREDENTIALS_DIRECTORY": str(tmp_path)}

    assert token(read("token_file: secrets/chat-token", tmp_path, env)) == "in-a-folder"
    assert token(read(f"token_file: {tmp_path}/secrets/chat-token", Path("/nowhere"), env)) == "in-a-folder"


def test_the_environment(tmp_path: Path) -> None:
    assert token(read("token_env: CHAT_TOKEN", tmp_path, {"CHAT_TOKEN": "from-env"})) == "from-env"


def test_in_clear_on_purpose_is_noticed(tmp_path: Path) -> None:
    settings = read("token_plain: in-clear", tmp_path)

    assert token(settings) == "in-clear"
    assert "channels.chat.token_plain: this secret stands in clear in the configuration" in settings.notices


def test_a_file_that_everybody_can_read_is_noticed(tmp_path: Path) -> None:
    """But not in systemd's directory, whose guard is systemd, nor where the folder itself is closed."""
    tmp_path.chmod(0o755)
    credentials = tmp_path / "credentials"
    put(tmp_path, "chat-token", "secret-1", 0o644)
    put(credentials, "other-token", "secret-2", 0o644)
    env = {"CREDENTIALS_DIRECTORY": str(credentials)}

    assert any("chmod 600" in notice for notice in read("token_file: chat-token", tmp_path, env).notices)
    assert not any("chmod" in notice for notice in read("token_file: other-token", tmp_path, env).notices)

    tmp_path.chmod(0o700)

    assert not any("chmod" in notice for notice in read("token_file: chat-token", tmp_path, env).notices)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"  \n", "is empty"),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"a\0secret", "a control character is hidden in this secret"),
        (b"x" * 65_537, "is larger than 65536 bytes"),
    ],
    ids=["empty", "line break", "blank", "binary", "control character", "large"],
)
def test_what_cannot_be_a_secret(tmp_path: Path, content: bytes, expected: str) -> None:
    put(tmp_path, "chat-token", content)

    assert expected in problem("token_file: chat-token", tmp_path)


def test_every_secret_is_known_for_redaction_and_shown_nowhere(tmp_path: Path) -> None:
    put(tmp_path, "chat-token", "secret-1")

    settings = read("token_file: chat-token", tmp_path)

    assert settings.secrets == {"secret-1"}
    assert "secret-1" not in repr(settings) + str(settings)


class TellTale(Options):
    """A kind whose own rule quotes what it must not."""

    token: SecretStr

    @model_validator(mode="after")
    def _quote(self) -> TellTale:
        raise ValueError(f"cannot use {self.token.get_secret_value()}")


class TellTaleKinds(FakeKinds):
    def find_channel(self, name: str) -> AnyChannelKind:
        return replace(super().find_channel("chat"), options=TellTale)


def test_a_problem_is_redacted_even_where_a_kind_quotes_its_secret(tmp_path: Path) -> None:
    text = TEXT.format(secret="token_plain: sesame-open").replace('chat: "@c", ', "")

    with pytest.raises(ConfigError) as caught:
        parse(text, tmp_path / "c.yaml", {}, TellTaleKinds())

    assert [problem.text for problem in caught.value.problems] == ["cannot use ***"]
