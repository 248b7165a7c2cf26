#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The card beside a stock QEMU, without a guest: configuration, BARs, MSI-X, resets, loss.

QEMU runs with its qtest accelerator, so this takes seconds. Prints TAP.
Usage: test_qemu.py [CARD]...
"""
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

CARDS = sys.argv[1:] or ["build/bin/fake_card", "build/bin/maru-card"]
CARD = ""
BAR0, BAR4, BAR2 = 0xC0000000, 0xC0100000, 0x800000000
STATUS, BOOT_ID, CTRL = 0x8, 0xC, 0x10
READY, CRASHED = 2, 3
MSIX_TABLE = 0x8000


class Lines:
    """A socket that speaks lines."""

    def __init__(self, path):
        deadline = time.monotonic() + 10
        while True:
            self.sock = socket.socket(socket.AF_UNIX)
            try:
                self.sock.connect(path)
                break
            except OSError:
                self.sock.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        self.sock.settimeout(15)
        self.file = self.sock.makefile("rw")

    def ask(self, line):
        self.file.write(line + "\n")
        self.file.flush()
        return self.file.readline().strip()


class Control(Lines):
    def run(self, cmd, **more):
        return json.loads(self.ask(json.dumps({"cmd": cmd, **more})))


class Qemu:
    def __init__(self, folder, card, shared=True):
        self.path = os.path.join(folder, "qtest")
        listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(self.path):
            os.unlink(self.path)
        listener.bind(self.path)
        listener.listen(1)
        listener.settimeout(15)
        qmp = os.path.join(folder, "qmp")
        memory = ["-object", "memory-backend-memfd,id=m,size=256M,share=on",
                  "-machine", "q35,memory-backend=m"] if shared else ["-machine", "q35"]
        device = {"driver": "vfio-user-pci", "bus": "rp0", "x-msg-timeout": 10000,
                  "socket": {"type": "unix", "path": card}}
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "qtest", "-m", "256M", "-nodefaults", "-display",
             "none", *memory, "-qtest", f"unix:{self.path}", "-qtest-log", "/dev/null",
             "-qmp", f"unix:{qmp},server,nowait",
             "-device", "pcie-root-port,id=rp0,chassis=1,slot=1,addr=4",
             "-device", json.dumps(device)],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.sock, _ = listener.accept()
        listener.close()
        self.sock.settimeout(30)
        self.file = self.sock.makefile("rw")
        self.qmp = Lines(qmp)
        self.qmp.file.readline()
        self.qmp.ask('{"execute":"qmp_capabilities"}')

    def ask(self, line):
        self.file.write(line + "\n")
        self.file.flush()
        while True:
            answer = self.file.readline().strip()
            if not answer:
                raise EOFError("QEMU is gone")
            if answer.startswith("OK"):
                return answer[2:].strip()
            if not answer.startswith("IRQ"):
                raise ValueError(answer)

    def read(self, addr, size="l"):
        return int(self.ask(f"read{size} {addr:#x}"), 16)

    def write(self, addr, value, size="l"):
        self.ask(f"write{size} {addr:#x} {value:#x}")

    def config(self, reg, value=None, bus=1, dev=0):
        self.ask(f"outl 0xcf8 {0x80000000 | bus << 16 | dev << 11 | (reg & 0xfc):#x}")
        if value is None:
            return int(self.ask("inl 0xcfc"), 16)
        self.ask(f"outl 0xcfc {value:#x}")
        return value

    def place(self):
        """What firmware does: bus numbers, windows, BARs, enable."""
        self.config(0x18, 0x010100, bus=0, dev=4)
        self.config(0x20, 0xC010C000, bus=0, dev=4)
        self.config(0x24, 0x0FF10001, bus=0, dev=4)
        self.config(0x28, BAR2 >> 32, bus=0, dev=4)
        self.config(0x2C, BAR2 >> 32, bus=0, dev=4)
        self.config(0x04, 0x6, bus=0, dev=4)
        self.config(0x10, BAR0)
        self.config(0x18, BAR2 & 0xFFFFFFFF)
        self.config(0x1C, BAR2 >> 32)
        self.config(0x20, BAR4)
        self.config(0x04, 0x6)

    def reset(self):
        self.qmp.ask('{"execute":"system_reset"}')
        time.sleep(0.3)

    def end(self):
        self.qmp.file.write('{"execute":"quit"}\n')
        self.qmp.file.flush()
        self.file.close()
        self.sock.close()
        code = self.process.wait(20)
        return code, self.process.stderr.read().decode()


count = failed = 0


def point(ok, name, more=""):
    global count, failed
    name += f" ({os.path.basename(CARD)})"
    count += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {count} {name}{'' if ok or not more else ' # ' + more}",
          flush=True)


def skip(name, why):
    global count
    count += 1
    print(f"ok {count} {name} # SKIP {why}", flush=True)


def wait_for(what, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.02)
    return False


def caps(qemu):
    found, at = {}, qemu.config(0x34) & 0xFF
    while at and len(found) < 16:
        word = qemu.config(at)
        found[word & 0xFF] = at
        at = word >> 8 & 0xFF
    return found


def ready(qemu):
    return wait_for(lambda: qemu.read(BAR0 + STATUS) == READY)


def test_identity(qemu):
    qemu.place()
    point(qemu.config(0) == 0x4D521234, "[PCI-1] vendor and device", hex(qemu.config(0)))
    point(qemu.config(8) == 0x12000001, "[PCI-1] class 0x120000, revision = contract major")
    point(qemu.config(0x2C) == 0x4D521234, "[PCI-1] subsystem")
    point(qemu.config(4) >> 16 & 0x11 == 0x11, "[PCI-6] Immediate Readiness, capability list")
    point(qemu.config(0x3C) >> 8 & 0xFF == 0, "[PCI-3] no interrupt pin")
    found = caps(qemu)
    point({1, 0x10, 0x11} <= set(found), "[PCI-2] PM, PCI Express and MSI-X capabilities")
    point(qemu.config(found[0x10] + 4) >> 28 & 1 == 1, "[PCI-5] FLR capable")
    point(qemu.config(found[0x11]) >> 16 & 0x7FF == 15, "[PCI-4] 16 MSI-X vectors")
    point(qemu.config(found[0x11] + 4) == 0x8000 and qemu.config(found[0x11] + 8) == 0xC000,
          "[PCI-4] table and PBA in BAR 0")
    sizes = []
    for reg in (0x10, 0x18, 0x20):
        qemu.config(reg, 0xFFFFFFFF)
        sizes.append(~(qemu.config(reg) & ~0xF) + 1 & 0xFFFFFFFF)
    point(sizes[0] == 0x10000 and sizes[2] == 0x100000, "[PCI-7] BAR 0 and BAR 4 sizes",
          str(sizes))
    point(sizes[1] in (0, 0x80000000, 0x4000000), "[PCI-8] BAR 2 is a power of two", str(sizes))
    return found


def test_bars(qemu):
    qemu.place()
    point(qemu.read(BAR0) == 0x5552414D, "[REG-1] MAGIC")
    point(qemu.read(BAR0 + 4) >> 16 == 1, "[REG-1] CONTRACT")
    point(ready(qemu), "[LIFE-1] STATUS becomes READY")
    point(qemu.read(BAR0 + 0x4000) == 0 and qemu.read(BAR0 + 0x7FFC) == 0,
          "[REG-3] holes read 0")
    qemu.write(BAR0 + 0x20, 0x1122334455667000, "q")
    point(qemu.read(BAR0 + 0x20, "q") == 0x1122334455667000, "[REG-4] an 8-byte register")
    qemu.write(BAR0 + STATUS, 5)
    point(qemu.read(BAR0 + STATUS) == READY, "[REG-4] read-only registers stay")
    qemu.write(BAR2 + 0x1000, 0xC0FFEE)
    point(qemu.read(BAR2 + 0x1000) == 0xC0FFEE, "[MEM-1] memory through BAR 2")


def test_msix(qemu, control, found):
    qemu.config(found[0x11], (qemu.config(found[0x11]) & 0xFFFF) | 0x80000000)
    for vector in (0, 1):
        at = BAR0 + MSIX_TABLE + 16 * vector
        qemu.write(at, 0xFEE00000)
        qemu.write(at + 8, 0x41 + vector)
        qemu.write(at + 12, 0)
    point(wait_for(lambda: control.run("state")["vectors"] == 2), "[IRQ-1] two vectors armed")
    state = control.run("state")
    point(state["windows_with_file"] > 0 and state["files"] == 1,
          "[DMA-1] the guest's memory came as windows of one file", str(state))
    if "fake" not in CARD:
        skip("[REG-6] a store to a wake page kicks the core", "only the fake core counts each")
        return
    before = control.run("counters")["core"]["wakes"]
    qemu.write(BAR4 + 0x3000, 1)
    point(wait_for(lambda: control.run("counters")["core"]["wakes"] > before, 2),
          "[REG-6] a store to a wake page kicks the core")


def test_resets(qemu, control, found):
    boot = qemu.read(BAR0 + BOOT_ID)
    word = qemu.config(found[0x10] + 8)
    begin = time.monotonic()
    qemu.config(found[0x10] + 8, (word & 0xFFFF) | 0x8000)
    point(qemu.config(0) == 0x4D521234 and time.monotonic() - begin < 0.1,
          "[LIFE-4] configuration is there at once after FLR")
    qemu.config(4, 0x6)
    point(ready(qemu) and qemu.read(BAR0 + BOOT_ID) == boot + 1, "[LIFE-4] FLR: BOOT_ID + 1")
    point(qemu.read(BAR2 + 0x1000) == 0xC0FFEE, "[LIFE-4] FLR keeps the memory")
    point(control.run("state")["vectors"] == 2, "[LIFE-4] FLR keeps the vectors")
    control.run("kill")
    point(wait_for(lambda: qemu.read(BAR0 + STATUS) == CRASHED), "[LIFE-3] killed: CRASHED")
    point(qemu.read(BAR0) == 0x5552414D and qemu.read(BAR2 + 0x1000) == 0xC0FFEE,
          "[LIFE-3] registers and memory stay readable")
    qemu.write(BAR0 + CTRL, 2)
    point(ready(qemu) and qemu.read(BAR0 + BOOT_ID) == boot + 2, "[LIFE-4] CTRL.RESET: READY")
    qemu.reset()
    qemu.place()
    point(ready(qemu) and qemu.read(BAR2 + 0x1000) == 0,
          "[LIFE-5] a machine reset zeroes the memory")


def test_link(qemu, control):
    control.run("link-loss")
    point(qemu.config(0) == 0xFFFFFFFF and qemu.read(BAR0) == 0xFFFFFFFF,
          "[LIFE-6] link loss: ones")
    qemu.write(BAR0 + CTRL, 2)
    point(wait_for(lambda: control.run("power-on")["ok"]), "[LIFE-7] power on")
    qemu.place()
    point(qemu.config(0) == 0x4D521234 and ready(qemu), "[LIFE-7] the card is back")


def run(card_path):
    global CARD
    CARD = card_path
    folder = tempfile.mkdtemp(prefix="maru-qemu-")
    card = os.path.join(folder, "card")
    log = open(os.path.join(folder, "log"), "w+")
    process = subprocess.Popen([CARD, "--socket", card, "--control", card + ".ctl",
                                "--hbm", "32M", "--cxl", "20M"], stderr=log)
    try:
        control = Control(card + ".ctl")
        qemu = Qemu(folder, card)
        found = test_identity(qemu)
        test_bars(qemu)
        test_msix(qemu, control, found)
        test_resets(qemu, control, found)
        test_link(qemu, control)
        code, text = qemu.end()
        point(code == 0 and not text, "[VFU-12] QEMU ends cleanly and said nothing", text)
        point(wait_for(lambda: not control.run("state")["client"] and
                       control.run("state")["windows"] == 0),
              "[LIFE-8] the client's rest is dropped")
        qemu = Qemu(folder, card, shared=False)
        qemu.place()
        point(qemu.read(BAR0) == 0x5552414D, "[LIFE-8] a second QEMU attaches")
        qemu.end()
        log.seek(0)
        point("memory-backend-memfd" in log.read(), "[DMA-6] unshared memory: the option is named")
        process.terminate()
        point(process.wait(10) == 0 and not os.path.exists(card), "[CTL-6] SIGTERM: a clean end")
    finally:
        process.kill()
        if failed or sys.exc_info()[0]:
            log.seek(0)
            sys.stderr.write(log.read())
        subprocess.run(["rm", "-rf", folder], check=False)


def main():
    print("TAP version 13")
    for card in CARDS:
        run(card)
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
