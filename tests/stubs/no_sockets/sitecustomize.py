"""Python runs this at its start where PYTHONPATH names the folder: it logs and refuses whatever uses a socket."""

import os
import sys
from pathlib import Path
from typing import Any

LOG = Path(os.environ["SAMEGRAD_TEST_SOCKETS"])
EVENTS = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
URLLIB3_LOOKS_FOR_IPV6 = ("socket.bind", ("::1", 0))
"""on being imported, which Keras does; nothing is sent"""


def log(what: str) -> None:
    with LOG.open("a") as file:
        file.write(f"{os.getpid()} {what}\n")


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in EVENTS and (event, *arguments[1:]) != URLLIB3_LOOKS_FOR_IPV6:
        log(event)
        raise ConnectionRefusedError(f"{event} is forbidden")


log("started")
sys.addaudithook(refuse)
