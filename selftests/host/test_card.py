#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The card as a process: options, sockets, signals, control clients, what it leaves behind.

Prints TAP. Usage: test_card.py [CARD]
"""
import ctypes
import json
import os
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time

CARD = sys.argv[1] if len(sys.argv) > 1 else "build/bin/maru-card"
folder = tempfile.mkdtemp(prefix="maru-card-")
count = failed = 0
names = []


def point(ok, name, more=""):
    global count, failed
    count += 1
    failed += not ok
    names.append(name)
    print(f"{'ok' if ok else 'not ok'} {count} {name}{'' if ok or not more else f' # {more}'}",
          flush=True)


def wait_for(what, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if what():
                return True
        except (ConnectionRefusedError, FileNotFoundError):
            pass
        time.sleep(0.02)
    return False


def path(name):
    return os.path.join(folder, name)


def connect(name):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(5)
    # A stale socket is there before the new one is.
    if not wait_for(lambda: sock.connect(path(name)) is None, 5):
        raise TimeoutError(name)
    return sock


class Card:
    def __init__(self, *more, name="card", control="control", **keys):
        args = [CARD, "--socket", path(name), "--hbm", "16M", "--cxl", "0"]
        if control:
            args += ["--control", path(control)]
        self.process = subprocess.Popen(args + list(more), stderr=subprocess.PIPE, **keys)
        os.set_blocking(self.process.stderr.fileno(), False)
        wait_for(lambda: self.process.poll() is not None or
                 (os.path.exists(path(name)) and (not control or os.path.exists(path(control)))))

    def end(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        return self.process.wait(10)


def header(command, body=b"", ident=1, flags=0):
    return struct.pack("<HHIII", ident, command, 16 + len(body), flags, 0) + body


def negotiate(sock):
    text = b'{"capabilities":{"max_msg_fds":8}}\0'
    sock.sendall(header(1, struct.pack("<HH", 0, 0) + text))
    return sock.recv(4096)


def control(sock, line):
    sock.sendall(line.encode() + b"\n")
    data = b""
    while not data.endswith(b"\n"):
        piece = sock.recv(65536)
        if not piece:
            return None
        data += piece
    return json.loads(data)


def children(pid):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii") as file:
                if int(file.read().rsplit(")", 1)[1].split()[1]) == pid:
                    found += [int(entry)] + children(int(entry))
        except (OSError, IndexError):
            pass
    return found


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_options():
    for args in ([], ["--frob"], ["--socket", "a", "--hbm", "1Q"], ["--socket"],
                 ["--private", "77"], ["--socket", "a", "extra"]):
        run = subprocess.run([CARD, *args], capture_output=True, text=True, check=False)
        lines = run.stderr.strip().splitlines()
        point(run.returncode == 2 and len(lines) == 1,
              f"[CTL-7] '{' '.join(args)}': one error, exit 2", run.stderr)
    run = subprocess.run([CARD, "--socket", path("x"), "--hbm", "17M"], capture_output=True,
                         text=True, check=False)
    point(run.returncode == 1 and "multiples of 2 MiB" in run.stderr,
          "[PCI-8] a size that can not be", run.stderr)
    run = subprocess.run([CARD, "--version"], capture_output=True, text=True, check=False)
    point(run.returncode == 0 and re.fullmatch(r"maru-card \d+\.\d+\S*\n", run.stdout) and
          not run.stderr, "[CTL-22] --version", run.stdout + run.stderr)
    run = subprocess.run([CARD, "--help"], capture_output=True, text=True, check=False)
    with open("firmware-emu/man/maru-card.1", encoding="utf-8") as file:
        page = set(re.findall(r"^\.It Fl -(\w+)", file.read(), re.M))
    told = set(re.findall(r"^  --(\w+)", run.stdout, re.M))
    point(run.returncode == 0 and page and told == page and not run.stderr,
          "[CTL-22] --help has the options of the man page", told ^ page)


def test_socket():
    card = Card()
    mode = os.stat(path("card")).st_mode
    point(stat.S_IMODE(mode) == 0o600 and stat.S_IMODE(os.stat(path("control")).st_mode) == 0o600,
          "[CTL-5] sockets have mode 0600")
    other = subprocess.run([CARD, "--socket", path("card")], capture_output=True, text=True,
                           check=False)
    point(other.returncode == 1 and "in use" in other.stderr, "[CTL-5] a path in use",
          other.stderr)
    point(card.end(signal.SIGKILL) == -9 and os.path.exists(path("card")), "a stale socket is left")
    card = Card()
    point(wait_for(lambda: negotiate(connect("card"))), "[CTL-5] a stale socket is replaced")
    card.end()
    point(not os.path.exists(path("card")), "[CTL-6] the sockets are gone after SIGTERM")
    with open(path("file"), "w", encoding="ascii") as file:
        file.write("precious")
    card = Card(name="file", control=None)
    point(card.process.wait(5) == 1 and os.path.getsize(path("file")) == 8,
          "[CTL-5] what is no socket is not touched")


def test_sandbox():
    card = Card()
    with open(f"/proc/{card.process.pid}/status", encoding="ascii") as file:
        text = file.read()
    point(re.search(r"^Seccomp:\s+2$", text, re.M) and re.search(r"^NoNewPrivs:\s+1$", text, re.M),
          "[CTL-8] system calls are filtered")
    client = connect("card")
    negotiate(client)
    steer = connect("control")
    point(wait_for(lambda: control(steer, '{"cmd":"state"}')["core"] == "ready"),
          "[LIFE-1] a core boots for a client")
    family = children(card.process.pid)
    point(len(family) == 2, "one spawner, one core", family)
    card.end(signal.SIGKILL)
    point(wait_for(lambda: not any(map(is_alive, family)), 3),
          "[LIFE-9] a killed slot takes its core along", family)


def deny_seccomp():
    """From here on this process finds a kernel without seccomp, as what it starts does."""
    code = (ctypes.c_uint64 * 7)(*(struct.unpack("<Q", struct.pack("<HBBI", *line))[0] for line in (
        (0x20, 0, 0, 0),            # number of the call
        (0x15, 4, 0, 317),          # seccomp: EINVAL
        (0x15, 0, 2, 157),          # prctl:
        (0x20, 0, 0, 16),           # its first argument
        (0x15, 1, 0, 22),           # PR_SET_SECCOMP: EINVAL
        (0x06, 0, 0, 0x7fff0000),   # all else: allow
        (0x06, 0, 0, 0x00050016))))
    program = struct.pack("<HxxxxxxQ", 7, ctypes.addressof(code))
    libc = ctypes.CDLL(None)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program):
        raise OSError("no filter")


def test_no_seccomp():
    card = Card(preexec_fn=deny_seccomp)
    try:
        runs = control(connect("control"), '{"cmd":"state"}')["ok"]
    except TimeoutError:
        runs = False
    point(runs, "[CTL-8] a kernel without seccomp is no failure", card.process.poll())
    card.end()
    point(b"no seccomp" in card.process.stderr.read(), "[CTL-8] but is told of")


def test_sigterm():
    card = Card()
    client = connect("card")
    negotiate(client)
    time.sleep(0.1)
    os.kill(card.process.pid, signal.SIGSTOP)
    client.sendall(header(13) * 200)
    card.process.send_signal(signal.SIGTERM)
    os.kill(card.process.pid, signal.SIGCONT)
    code = card.process.wait(10)
    try:
        while client.recv(65536):
            pass
        end = "end"
    except ConnectionResetError:
        end = "reset"
    point(code == 0 and end == "end", "[VFU-12] SIGTERM drains: the client sees an end, no reset",
          f"{code} {end}")


def test_once():
    card = Card("--once", control=None)
    client = connect("card")
    negotiate(client)
    client.close()
    point(card.process.wait(10) == 0, "[LIFE-8] --once ends with its client")
    ours, theirs = socket.socketpair()
    private = subprocess.Popen([CARD, "--private", str(theirs.fileno()), "--hbm", "16M"],
                               pass_fds=[theirs.fileno()], stderr=subprocess.DEVNULL)
    theirs.close()
    ours.settimeout(5)
    point(negotiate(ours)[2] == 1, "[LIFE-8] --private serves its socket")
    family = children(private.pid)
    ours.close()
    point(private.wait(10) == 0 and wait_for(lambda: not any(map(is_alive, family)), 3),
          "[LIFE-8] --private ends with its socket")
    with open(path("file"), "rb") as file:
        run = subprocess.run([CARD, "--private", str(file.fileno())], pass_fds=[file.fileno()],
                             capture_output=True, text=True, check=False)
    point(run.returncode == 1 and "no stream socket" in run.stderr,
          "[CTL-7] --private with a file", run.stderr)


def resident_pages(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1])


def test_control():
    card = Card()
    socks = [connect("control") for _ in range(8)]
    point(all(control(s, '{"cmd":"state"}')["ok"] for s in socks), "[CTL-1] eight control clients")
    ninth = connect("control")
    try:
        gone = ninth.recv(1) == b""
    except ConnectionResetError:
        gone = True
    point(gone, "[CTL-1] a ninth is turned away")
    point(control(socks[0], "no json")["ok"] is False, "[CTL-2] a wrong line is answered")
    socks[0].sendall(b'{"cmd":"state"}\n{"cmd":"counters"}\n{"cmd":"points"}\n')
    text = b""
    while text.count(b"\n") < 3:
        text += socks[0].recv(65536)
    point(all(json.loads(line)["ok"] for line in text.splitlines()),
          "[CTL-1] several lines at once, answered in order")
    socks[1].sendall(b"x" * 10000)
    try:
        gone = not socks[1].recv(1)
    except OSError:
        gone = True
    point(gone, "[CTL-2] a line without an end")
    before = resident_pages(card.process.pid)
    socks[2].setblocking(False)
    try:
        while True:
            socks[2].send(b'{"cmd":"counters"}\n' * 100)
    except BlockingIOError:
        pass
    point(control(socks[3], '{"cmd":"state"}')["ok"], "[CTL-2] who does not read holds nobody up")
    point(resident_pages(card.process.pid) < before + 4096, "[CTL-2] and nothing grows")
    with open("docs/card.md", encoding="utf-8") as file:
        text = re.search(r"The points are: (.*?)\[CTL-21\]", file.read(), re.S).group(1)
    told, have = set(re.findall(r"`(.*?)`", text)), control(socks[3], '{"cmd":"points"}')
    point(told and told == set(have["points"]), "[CTL-21] the fault points of card.md",
          told ^ set(have["points"]))
    control(socks[3], '{"cmd":"quit"}')
    point(card.process.wait(10) == 0, "[CTL-1] quit")


def test_second_client():
    card = Card(control=None)
    first = connect("card")
    negotiate(first)
    second = connect("card")
    second.settimeout(0.3)
    try:
        waits = not negotiate(second)
    except TimeoutError:
        waits = True
    first.sendall(header(4, struct.pack("<IIII", 16, 0, 0, 0)))
    point(waits and len(first.recv(64)) == 32, "[VFU-14] a second client waits")
    first.close()
    second.settimeout(5)
    point(len(second.recv(4096)) > 16, "[VFU-14] and is served when the first has left")
    card.end()


def test_log():
    log = path("log")
    card = Card("--log", log, "--log", "debug")
    client = connect("card")
    client.sendall(b"\0" * 16)
    client.close()
    steer = connect("control")
    wait_for(lambda: not control(steer, '{"cmd":"state"}')["client"])
    card.end()
    with open(log, encoding="utf-8") as file:
        text = file.read()
    point(text and all(re.match(r"(ERROR|WARN|INFO|DEBUG) [a-z]+: ", line)
                       for line in text.splitlines()), "[CTL-9] form of the log", text)


def check_list():
    """As check_list.h does."""
    global failed
    for what, ident in (("mode of sockets, stale and foreign paths", "[CTL-5]"),
                        ("one client at a time", "[VFU-14]"),
                        ("an end with messages unread", "[VFU-12]")):
        cases = [name for name in names if ident in name]
        failed += not cases
        print(f"# check: {what} <- {' <- '.join(cases) or 'no case'}")


def main():
    print("TAP version 13")
    try:
        for test in (test_options, test_socket, test_sandbox, test_no_seccomp, test_sigterm,
                     test_once, test_control, test_second_client, test_log):
            test()
    finally:
        subprocess.run(["rm", "-rf", folder], check=False)
    check_list()
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
