"""Which process is this: identity that survives the reuse of pids.

Contract: `start_of(pid)` is a word that differs between two processes that had the same pid in one boot: field 22 of
/proc/PID/stat on Linux (proc(5): clock ticks since boot), the start time of proc_pidinfo(PROC_PIDTBSDINFO) on macOS.
A zombie counts as gone: it runs no code. A process that does not tell when it began is `UNKNOWN`. `pid_space` tells pid
namespaces apart (namespaces(7)): a sandbox that has its own pids cannot see ours, and must not call our processes dead.

Non-guarantees: elsewhere than on Linux and macOS, and where the system hides processes of other users (hidepid= of
proc(5)), a live pid counts as the same process. Two machines of one name that share a project take each other's leases
for those of an earlier boot.
"""

from __future__ import annotations

import os
import sys

from ccpm.core.leases import Owner

_GONE = ""
UNKNOWN = "unknown"
"""The start of a process that is there and does not tell when it began."""

_boot_id = ""
_pid_space = ""
_host = ""


def boot_id() -> str:
    """An id of this boot of this machine; "" where the system has none."""
    global _boot_id
    if not _boot_id:
        _boot_id = _read_small("/proc/sys/kernel/random/boot_id").strip() or _sysctl("kern.bootsessionuuid")
    return _boot_id


def pid_space() -> str:
    """The pid namespace that this process lives in; "" where there is only one."""
    global _pid_space
    if not _pid_space:
        try:
            _pid_space = os.readlink("/proc/self/ns/pid")[5:-1]
        except OSError:
            _pid_space = "host"
    return _pid_space


def host() -> str:
    """This machine's name, in the alphabet of resource names."""
    global _host
    if not _host:
        from ccpm.core.names import escape

        _host = escape(os.uname().nodename or "localhost")
    return _host


def start_of(pid: int) -> str:
    """The start of the process `pid` as an opaque word, or "" when no such process runs."""
    if sys.platform.startswith("linux"):
        fields = _stat_fields(pid)
        if not fields:
            return UNKNOWN if _answers(pid) else _GONE
        # While other threads run on, the main thread is a zombie when it has ended (field 20: number of threads).
        return _GONE if fields[0] in ("Z", "X") and int(fields[17]) <= 1 else fields[19]
    if sys.platform == "darwin":
        return _darwin_info(pid)[0]
    return UNKNOWN if _answers(pid) else _GONE


def ancestors(limit: int = 32) -> frozenset[int]:
    """The pids above this process, up to `limit` generations or the session's end (pid 1)."""
    found: set[int] = set()
    pid = os.getppid()
    while pid > 1 and len(found) < limit and pid not in found:
        found.add(pid)
        pid = _parent_of(pid)
    return frozenset(found)


def teller_of(name: str, value: str, limit: int = 32) -> int:
    """The process that put NAME=VALUE into the environment that we inherited: the parent of the oldest process above us
    that has it; 0 where that cannot be seen (environments are readable in Linux's /proc only)."""
    wanted = os.fsencode(f"{name}={value}")
    pid, found = os.getpid(), 0
    for _ in range(limit):
        parent = _parent_of(pid)
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                is_told = wanted in file.read().split(b"\0")
        except OSError:
            break
        if is_told:
            found = parent
        if parent <= 1:
            break
        pid = parent
    return found if found > 1 else 0


def is_alive(owner: Owner) -> bool | None:
    """Whether the process of `owner` still runs; None when that cannot be told from here."""
    if not owner.pid or owner.boot_id != boot_id() or owner.pid_space != pid_space():
        return None
    start = start_of(owner.pid)
    return bool(start) and (UNKNOWN in (start, owner.pid_start) or owner.pid_start in ("", start))


def owner(agent: str, pid: int = 0) -> Owner:
    """The owner record of `agent`, bound to the process `pid` (0: to none). The pid has to run now, else its start
    is "" and the lease is stale at birth; callers check that first with `start_of`."""
    return Owner(agent, pid, start_of(pid) if pid else "", boot_id(), pid_space(), host())


def here() -> Owner:
    """The observer: this boot of this host, no agent, no process."""
    return Owner("", 0, "", boot_id(), pid_space(), host())


def current(agent: str) -> Owner:
    """The running process itself, on behalf of `agent`."""
    return owner(agent, os.getpid())


def _parent_of(pid: int) -> int:
    if sys.platform.startswith("linux"):
        fields = _stat_fields(pid)
        return int(fields[1]) if fields else 0
    if sys.platform == "darwin":
        return _darwin_info(pid)[1]
    return 0


def _stat_fields(pid: int) -> list[str]:
    # The command name (field 2) may hold blanks and parentheses: everything after the last ")" is positional.
    text = _read_small(f"/proc/{pid}/stat")
    return text[text.rfind(")") + 2 :].split() if text else []


def _read_small(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(descriptor, 4096).decode("utf-8", "replace")
    except OSError:  # ESRCH: the process ended between open and read
        return ""
    finally:
        os.close(descriptor)


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _darwin_info(pid: int) -> tuple[str, int]:
    """(start, parent pid) from struct proc_bsdinfo of <sys/proc_info.h>: pbi_status at byte 4, pbi_ppid at 16,
    pbi_start_tvsec and _tvusec at 120 and 128 of 136."""
    import ctypes
    import struct

    buffer = ctypes.create_string_buffer(136)
    size = ctypes.CDLL(None).proc_pidinfo(pid, 3, ctypes.c_uint64(0), buffer, 136)
    if size != 136:  # another user's process answers EPERM: it is there, its start stays unknown
        return (UNKNOWN if _answers(pid) else _GONE), 0
    status, parent = struct.unpack_from("=I", buffer, 4)[0], struct.unpack_from("=I", buffer, 16)[0]
    seconds, micros = struct.unpack_from("=QQ", buffer, 120)
    sys_zombie = 5  # SZOMB of <sys/proc.h>
    return (_GONE if status == sys_zombie else f"{seconds}.{micros:06d}"), parent


def _sysctl(name: str) -> str:
    if sys.platform != "darwin":
        return ""
    import ctypes

    buffer = ctypes.create_string_buffer(128)
    size = ctypes.c_size_t(len(buffer))
    failed = ctypes.CDLL(None).sysctlbyname(name.encode(), buffer, ctypes.byref(size), None, 0)
    return "" if failed else buffer.value.decode("ascii", "replace")
