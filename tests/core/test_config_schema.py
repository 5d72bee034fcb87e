"""The JSON Schema of the configuration: it takes what is right, refuses what an editor can see to be wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from failover import registry
from failover.config.places import read
from failover.config.shapes import fields_of, keys_of
from failover.config_schema import ABOUT, ABOUT_KEYS, DURATION, Known, known, schema, text, told_of
from failover.contracts import parse_duration
from failover.newcomer.placing import SCHEMA
from tests.core.fake_kinds import CATALOGUE, CHANNELS, PROBES

HERE = Path(__file__).parents[1]
ROOT = HERE.parent
GOOD = sorted((HERE / "configs" / "good").glob("*.yaml"))
COPIES = [ROOT / SCHEMA, ROOT / "failover" / SCHEMA]


@pytest.fixture(scope="module")
def fake() -> Draft202012Validator:
    """For the kinds of the tests' own configurations."""
    return Draft202012Validator(
        schema(
            Known(
                probes={name: (kind, name) for name, kind in PROBES.items()},
                channels={name: (kind, name) for name, kind in CHANNELS.items()},
                catalogue=CATALOGUE,
            )
        )
    )


@pytest.fixture(scope="module")
def real() -> Draft202012Validator:
    return Draft202012Validator(schema(known()))


def faults(validator: Draft202012Validator, written: str) -> list[str]:
    """Where something is wrong, and what."""
    root, problems = read(written, "config.yaml")
    assert root is not None
    assert not problems
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(root.plain())]


def test_it_is_a_schema_itself(real: Draft202012Validator) -> None:
    Draft202012Validator.check_schema(real.schema)


def test_the_example_is_accepted(real: Draft202012Validator) -> None:
    assert faults(real, (ROOT / "config.example.yaml").read_text(encoding="utf-8")) == []


def test_the_example_is_accepted_with_everything_switched_on(real: Draft202012Validator) -> None:
    """A line that begins with # and no space is a setting."""
    example = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    everything = re.sub(r"^( *)#(?=[^ #\n])", r"\1", example, flags=re.MULTILINE)

    assert faults(real, everything) == []


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_is_accepted(fake: Draft202012Validator, path: Path) -> None:
    assert faults(fake, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("section-unknown", "$: Additional properties"),
        ("organisation-wrong", "$.organisation: Additional properties"),
        ("everything-missing", "$: 'channels' is a required property"),
        ("platform-keys", "$.platforms.facebook: Additional properties"),
        ("platform-without-unknown-probe", "$.platforms.facebook.without[0]"),
        ("channel-house-keys", "$.channels.blog: Additional properties"),
        ("channel-kind-unknown", "$.channels.pigeon.kind"),
        ("channel-options", "$.channels.blog.letters: 5 is less than"),
        ("probe-option-missing", "$.platforms.intranet.probes[0]: 'url' is a required property"),
        ("probe-option-of-the-wrong-type", "$.platforms.intranet.probes[0].url: 5 is not of type"),
        ("probe-option-yes", "$.platforms.intranet.probes[0].follow: 'yes' is not of type 'boolean'"),
        ("secret-in-clear", "$.channels.chat: Additional properties"),
        ("secret-missing", "$.channels.chat"),
        ("route-keys", "$.routes[0]: Additional properties"),
        ("sign-off", "$.sign_off.holding: 'vetoo' is not one of"),
        ("judgement", "$.judgement: Additional properties"),
        ("limits", "$.limits"),
        ("heartbeat", "$.heartbeat"),
        ("maintenance", "$.maintenance[3]: 'from' is a required property"),
        ("message-names", "$.messages: Additional properties"),
    ],
)
def test_what_an_editor_can_see_to_be_wrong_is_marked(fake: Draft202012Validator, name: str, where: str) -> None:
    written = (HERE / "configs" / "bad" / f"{name}.yaml").read_text(encoding="utf-8")

    assert any(fault.startswith(where) for fault in faults(fake, written))


@pytest.mark.parametrize("name", registry.names(registry.CHANNELS))
def test_every_key_of_every_channel_is_known_in_the_forms_in_which_it_is_written(
    real: Draft202012Validator, name: str
) -> None:
    properties = real.schema["$defs"][f"channels.{name}"]["properties"]

    assert {*keys_of(registry.find_channel(name).options), "kind", "platform"} <= {*properties}
    assert properties["kind"] == {"const": name}


@pytest.mark.parametrize("name", registry.names(registry.PROBES))
def test_every_key_of_every_probe_is_known(real: Draft202012Validator, name: str) -> None:
    properties = real.schema["$defs"][f"probes.{name}"]["properties"]

    assert {*keys_of(registry.find_probe(name).options), "kind", "every"} <= {*properties}


@pytest.mark.parametrize("written", ["15s", "2m", "6h", "1d", "1h30m", "", "s", "15", "2 m", "-1s", "1m1h", "1.5h"])
def test_a_duration_is_marked_exactly_where_the_loader_refuses_it(written: str) -> None:
    try:
        parse_duration(written)
        accepted = True
    except ValueError:
        accepted = False

    assert bool(re.match(DURATION, written)) is accepted


def test_a_secret_is_named_once_in_one_of_its_forms(fake: Draft202012Validator) -> None:
    head = "organisation: {name: A}\nplatforms: {facebook: {}}\nchannels: {c: {kind: chat, chat: x, "

    assert faults(fake, head + "token_file: a}}") == []
    assert faults(fake, head + "token_env: a}}") == []
    assert faults(fake, head + "token_file: a, token_env: b}}") != []


def test_what_is_told_of_a_key_is_told_of_one_that_there_is(real: Draft202012Validator) -> None:
    """The words beside the models must follow them."""
    written = json.dumps(real.schema)

    assert {*ABOUT} <= {*real.schema["properties"]}
    assert [name for name, one in real.schema["properties"].items() if not one.get("description")] == []
    assert [key for key in ABOUT_KEYS if f'"{key}": {{' not in written] == []


def test_a_key_is_told_by_the_sentence_that_begins_with_it() -> None:
    class Shape:
        """`first` is one; `second` (a number) is another.  Nobody knows.  `first` again."""

    told = told_of(Shape)

    assert told == {"first": "`first` is one.", "second": "`second` (a number) is another. Nobody knows."}


def test_the_telegram_token_is_explained(real: Draft202012Validator) -> None:
    told: dict[str, Any] = real.schema["$defs"]["channels.telegram"]["properties"]["token_file"]

    assert told["description"].startswith("`token` is the bot's, from @BotFather.")


@pytest.mark.parametrize("path", COPIES, ids=["beside the example", "in the package"])
def test_the_file_is_current(path: Path) -> None:
    """Otherwise: make schema."""
    assert path.read_text(encoding="utf-8") == text()


@pytest.mark.parametrize("folder", [ROOT, ROOT / "failover"], ids=["repository", "package"])
def test_the_example_names_the_schema_beside_it(folder: Path) -> None:
    first = (folder / "config.example.yaml").read_text(encoding="utf-8").splitlines()[0]

    assert first == f"# yaml-language-server: $schema={SCHEMA}"
    assert (folder / SCHEMA).is_file()


def test_no_shape_of_the_house_is_without_keys() -> None:
    """A key that is read as nothing would be taken for anything."""
    for kind in (*PROBES.values(), *CHANNELS.values()):
        assert fields_of(kind.options)
