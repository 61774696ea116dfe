"""Which ports are free, asked before anything starts."""

import errno
import socket

HOST = "127.0.0.1"


class PortInUseError(Exception):
    """`lines` names each setting whose port is taken."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def is_free(port: int, host: str = HOST) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: TIME_WAIT is not "in use"
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses right now, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def check_ports(wanted: dict[str, int]) -> None:
    """`wanted`: name of the setting -> its port. Raises PortInUseError."""
    lines: list[str] = []
    first: dict[int, str] = {}
    for setting, port in wanted.items():
        if port in first:
            lines.append(f"{setting}: port {port} is also {first[port]}; set one of them to a free port")
        elif not is_free(port):
            lines.append(f"{setting}: port {port} is in use; stop what uses it or set {setting} to a free port")
        first.setdefault(port, setting)
    if lines:
        raise PortInUseError(lines)
