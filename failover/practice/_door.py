"""Where a practice service is reached on 127.0.0.1: open, shut (whoever connects is refused) or stuck (no answer).

The port is kept in all three, so that nobody else takes the number meanwhile.  Stuck is what a dead host or a silent
firewall looks like from here: the queue of a socket that never accepts is full, so the kernel drops every SYN.
"""

from __future__ import annotations

import socket


class Door:
    """One port.  Nothing here waits."""

    def __init__(self) -> None:
        self.port = 0
        self._held: list[socket.socket] = []

    def opened(self, port: int = 0) -> socket.socket:
        """A socket to listen on: `port`, or the port as it was, or (0 at the first time) a free one."""
        if not self._held or port not in (0, self.port):
            self.let_go()
            self._held = [_bound(port or self.port)]
        elif len(self._held) > 1:  # it was stuck: that socket cannot be used again
            self.let_go()
            self._held = [_bound(self.port)]
        listener = self._held.pop()
        self.port = int(listener.getsockname()[1])
        return listener

    def shut(self) -> None:
        """Connections are refused.  The listener must have been closed before."""
        self.let_go()
        self._held = [_bound(self.port)]

    def stick(self) -> None:
        """Connections are never made.  The listener must have been closed before."""
        self.shut()
        self._held[0].listen(0)
        for _ in range(3):  # a queue of length 0 takes one, on some systems two
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            filler.setblocking(False)  # noqa: FBT003 - the standard library's own signature
            filler.connect_ex(("127.0.0.1", self.port))
            self._held.append(filler)

    def let_go(self) -> None:
        """Keep the port no longer."""
        while self._held:
            self._held.pop().close()


def _bound(port: int) -> socket.socket:
    """A socket that has the port and does not listen: whoever connects is refused."""
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", port))
    return one
