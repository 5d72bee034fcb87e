"""Our copies of pictures: whole ones only, kept once, swept only when nobody wants them."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from failover.pictures import BrokenOffError, PictureError, keep, media_type, sweep
from tests.core.test_switched_posting import PNG

THUMBNAIL = b"\xff\xd8\xff\xdb\x00\x04ab\xff\xda\x00\x02\x12\xff\x00\x34\xff\xd9"
"""A small picture within a segment of a larger one."""

JPEG = (
    b"\xff\xd8\xff\xe1" + (2 + len(THUMBNAIL)).to_bytes(2) + THUMBNAIL + b"\xff\xdb\x00\x04ab"
    b"\xff\xda\x00\x02\x12\xff\x00\x34\xff\xd3\x56"  # a scan with a byte that looks like a marker, and a restart
    b"\xff\xc4\x00\x03c\xff\xda\x00\x02\x78\xff\xff\xd9"  # another scan, of a progressive one
)


@pytest.mark.parametrize(
    ("content", "media"),
    [
        pytest.param(PNG, "image/png", id="png"),
        pytest.param(PNG + b"more", "image/png", id="png with more behind it"),
        pytest.param(JPEG, "image/jpeg", id="jpeg"),
        pytest.param(JPEG + b"a film", "image/jpeg", id="jpeg with a film behind it"),
    ],
)
def test_a_whole_picture_is_known_by_its_bytes(content: bytes, media: str) -> None:
    assert media_type(content) == media


@pytest.mark.parametrize("content", [PNG, JPEG], ids=["png", "jpeg"])
def test_a_picture_that_breaks_off_anywhere_is_none(content: bytes) -> None:
    for length in range(8, len(content)):
        with pytest.raises(BrokenOffError, match="its end is missing"):
            media_type(content[:length])


@pytest.mark.parametrize("content", [b"", b"GIF89a", PNG[:7]])
def test_another_sort_is_refused(content: bytes) -> None:
    with pytest.raises(PictureError, match="expected PNG or JPEG"):
        media_type(content)


def test_the_same_picture_kept_by_many_at_once_is_there_once(tmp_path: Path) -> None:
    """Each has its copy when it is told so."""
    content, troubles = PNG + b"x" * 2_000_000, []
    together = threading.Barrier(4)

    def work() -> None:
        together.wait()
        try:
            assert keep(content, tmp_path / "kept").read_bytes() == content
        except (OSError, AssertionError) as error:
            troubles.append(error)

    for _ in range(5):
        workers = [threading.Thread(target=work) for _ in range(4)]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        assert troubles == []
        (path,) = (tmp_path / "kept").iterdir()
        path.unlink()


def test_what_no_post_has_is_swept_when_it_is_old(tmp_path: Path) -> None:
    paths = [keep(PNG + name, tmp_path) for name in (b"wanted", b"old", b"new")]
    for path in paths[:2]:
        os.utime(path, (1, 1))
    assert sweep(tmp_path, {paths[0].name}, 1000) == 1
    assert sorted(tmp_path.iterdir()) == sorted([paths[0], paths[2]])
    assert sweep(tmp_path / "nowhere", set(), 1000) == 0


def test_what_is_handed_in_again_while_it_is_swept_is_there_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at its age and its end."""
    path, plain = keep(PNG, tmp_path), Path.unlink
    os.utime(path, (1, 1))
    again = threading.Thread(target=keep, args=(PNG, tmp_path))

    def unlink(one: Path, *, missing_ok: bool = False) -> None:
        again.start()
        again.join(0.2)  # for ever, if it waits for us
        plain(one, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    sweep(tmp_path, set(), 1000)
    again.join()
    assert path.read_bytes() == PNG
