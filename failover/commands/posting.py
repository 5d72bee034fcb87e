"""`post` and `posts`: the organisation's own content."""

from __future__ import annotations

import argparse
import sys
import time

from failover.commands.acting import request
from failover.commands.words import NOT_RUNNING, REFUSED, Add, Arguments, coming, complain, past, tell, told


def posting(add: Add, config: argparse.ArgumentParser) -> None:
    """Both of them."""
    post = add("post", _post, "Publish something; while a platform is down it goes where the route says.", config)
    post.add_argument("text", metavar="TEXT", help="- reads it from standard input")
    post.add_argument("--to", metavar="CHANNEL", action="append", default=[], help="may be given again")
    post.add_argument(
        "--at", type=coming, metavar="TIME", default="", help="2026-12-01T09:00, on your clock; default: now"
    )
    post.add_argument("--until", type=coming, metavar="TIME", default="", help="after that it is too late")
    post.add_argument("--title", metavar="TEXT", default="", help="where a channel has room for one")
    post.add_argument("--image", metavar="FILE", default="", help="PNG or JPEG, 10 MB at most")
    post.add_argument("--alt", metavar="TEXT", default="", help="what it shows, for people who cannot see it")
    posts = add("posts", _posts, "What was handed in, what waits and why; or cancel a post.", config)
    posts.add_argument("act", nargs="?", choices=["cancel"], help="with the number of a post")
    posts.add_argument("post", nargs="?", metavar="POST", default="", help="such as P12")
    posts.add_argument(
        "--since", type=past, metavar="WHEN", default="", help="of what is over: 2d or 2026-11-20; default: 7d"
    )
    posts.add_argument("--json", action="store_true", help="for programs")


def _post(arguments: Arguments) -> int:
    from failover.show_posts import PictureError, hand_in

    words = {name: getattr(arguments, name) for name in ("at", "until", "title", "alt", "image")}
    text = sys.stdin.read() if arguments.text == "-" else arguments.text

    def act() -> int:
        try:
            print(hand_in(arguments.config, text, arguments.to, **words)["told"])
        except PictureError as error:
            complain("post", error)
            return REFUSED
        return 0

    return told("post", arguments, act)


def _posts(arguments: Arguments) -> int:
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
