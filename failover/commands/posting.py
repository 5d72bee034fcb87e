"""`post` and `posts`: the organisation's own content."""

from __future__ import annotations

import argparse
import sys
import time

from failover.commands.acting import request
from failover.commands.words import (
    MISUSED,
    NOT_RUNNING,
    REFUSED,
    UNCERTAIN,
    Add,
    Arguments,
    coming,
    complain,
    past,
    tell,
    told,
)


def posting(add: Add, config: argparse.ArgumentParser) -> None:
    """Both of them."""
    post = add("post", _post, "Publish something; while a platform is down it goes where the route says.", config)
    post.add_argument("text", metavar="TEXT", help="- reads it from standard input")
    post.add_argument("--to", metavar="CHANNEL", action="append", default=[], help="where it is meant to go")
    post.add_argument(
        "--at", type=coming, metavar="TIME", default="", help="2026-12-01T09:00, on your clock; default: now"
    )
    post.add_argument("--until", type=coming, metavar="TIME", default="", help="after that it is too late")
    post.add_argument("--title", metavar="TEXT", default="", help="where a channel has room for one")
    post.add_argument("--image", metavar="FILE", default="", help="PNG or JPEG, 10 MB at most")
    post.add_argument("--alt", metavar="TEXT", default="", help="what it shows, for people who cannot see it")
    post.add_argument(
        "--key", metavar="WORD", default="", help="what was handed in with this key already is not taken again"
    )
    posts = add("posts", _posts, "What was handed in, what waits and why; or cancel a post.", config)
    posts.add_argument("act", nargs="?", metavar="cancel", help="with the number of a post")
    posts.add_argument("post", nargs="?", metavar="POST", default="", help="such as P12")
    posts.add_argument(
        "--since", type=past, metavar="WHEN", default="", help="of what is over: 2d or 2026-11-20; default: 7d"
    )
    posts.add_argument("--json", action="store_true", help="for programs")


def _post(arguments: Arguments) -> int:
    import secrets

    from failover.ask import UncertainError
    from failover.show_posts import PictureError, hand_in

    words = {name: getattr(arguments, name) for name in ("at", "until", "title", "alt", "image")}
    key = arguments.key or secrets.token_hex(8)
    text = _standard_input() if arguments.text == "-" else arguments.text

    def act() -> int:
        try:
            print(hand_in(arguments.config, text, arguments.to, key=key, **words)["told"])
        except UncertainError as error:
            again = f"or say the same again with --key {key}: it is not taken twice"
            complain("post", f"it is not known whether it was taken: {error}. See `failover posts`, {again}.")
            return UNCERTAIN
        except PictureError as error:
            complain("post", error)
            return REFUSED
        return 0

    return told("post", arguments, act)


def _standard_input() -> str:
    """In UTF-8 whatever the terminal's; what is no text is refused by the daemon, like every other word."""
    return sys.stdin.buffer.read().decode("utf-8-sig", "surrogateescape")


def _posts(arguments: Arguments) -> int:
    if arguments.act and (arguments.act != "cancel" or not arguments.post):
        complain("posts", "say `failover posts`, or `failover posts cancel` with the number of a post, such as P12")
        return MISUSED
    if arguments.act:
        return request("posts_cancel", "post")(arguments)
    from failover.show_posts import UnknownError, posts, posts_data, posts_lines

    now = time.time()  # noqa: TID251  a command for people, not the daemon
    return tell(
        "posts",
        arguments,
        lambda: posts(arguments.config, arguments.since, now),
        (posts_lines, posts_data),
        nothing=(UnknownError, NOT_RUNNING),
        stopped=NOT_RUNNING,
    )
