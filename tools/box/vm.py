# SPDX-License-Identifier: MIT
"""Boot a guest with cards beside it and run a script in it. Started by tools/box/vm."""

import argparse
import glob
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import oracle

ROOT = "/vmroot"
CARD = "build/bin/maru-card"
KVM_TRIAL_S = 15
# Pages that a shared file system fills behind TCG's back must have been written by the CPU
# first. Poison does that too, and shows who reads memory that nobody filled.
FRESH = ("init_on_alloc=1", "page_poison=1")


def parse():
    p = argparse.ArgumentParser(prog="vm", description="Boot a guest with cards in it.")
    p.add_argument("--kernel", default="6.12", help="6.12, 7.x or debug")
    p.add_argument("--cards", type=int, default=1, metavar="N")
    p.add_argument("--card", default=CARD, help="the card's program")
    p.add_argument("--card-args", default="", help="more options for maru-card")
    p.add_argument("--run", nargs=argparse.REMAINDER, metavar="SCRIPT",
                   help="what to run in the guest, with arguments; the last option")
    p.add_argument("--shell", action="store_true", help="a shell instead")
    p.add_argument("--timeout", type=int, default=300, metavar="S")
    p.add_argument("--log", metavar="DIR", help="default build/logs/vm-KERNEL")
    p.add_argument("--memory", help="default 1536M")
    p.add_argument("--append", default="", help="more for the kernel's command line")
    p.add_argument("--port", action="append", default=[], metavar="NAME=SOCKET",
                   help="a port of the guest that is a UNIX socket of the toolbox")
    p.add_argument("--slot-kill", action="store_true",
                   help="the card may die; a request it leaves stalls 5 s instead of 10")
    p.add_argument("--accel", choices=("auto", "kvm", "tcg"), default="auto")
    args = p.parse_args()
    if not args.run and not args.shell:
        p.error("--run or --shell")
    args.log = args.log or f"build/logs/vm-{args.kernel}"
    args.memory = args.memory or ("2G" if args.kernel == "debug" else "1536M")
    return args


def kernel_image(name):
    if name == "debug":
        return subprocess.check_output(["tools/debug/kernel", "--path"],
                                       text=True).strip() + "/vmlinuz"
    stem = name[:-1] if name.endswith(".x") else name + "."
    images = sorted(glob.glob(f"{ROOT}/boot/vmlinuz-{stem}*"))
    if not images:
        sys.exit(f"vm: the toolbox has no kernel {name}")
    return images[-1]


def can_raise_weight():
    """Whether the engines can be put above the vCPUs; else the vCPUs go below them."""
    out = subprocess.run(["nice", "-n", "-10", "nice"], capture_output=True, text=True,
                         check=False)
    return out.stdout.strip() == "-10"


def wait_for(path, process, seconds):
    end = time.monotonic() + seconds
    while not os.path.exists(path):
        if process.poll() is not None or time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Machine:
    """The processes of one run: file servers, cards, QEMU."""

    def __init__(self, args):
        self.args = args
        self.tmp = tempfile.mkdtemp(prefix="vm.", dir="/tmp")
        self.servers, self.cards, self.qemu = [], [], None
        self.privileged = can_raise_weight()

    def path(self, name):
        return os.path.join(self.tmp, name)

    def start_server(self, tag, folder, cache):
        sock = self.path(tag + ".fs")
        with open(f"{self.args.log}/{tag}.fs.log", "wb") as log:
            process = subprocess.Popen(
                ["/usr/libexec/virtiofsd", "--socket-path", sock, "--shared-dir", folder,
                 "--sandbox=none", f"--cache={cache}", "--log-level=error"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.servers.append(process)
        if not wait_for(sock, process, 10):
            sys.exit(f"vm: virtiofsd did not start, see {self.args.log}/{tag}.fs.log")

    def start_card(self, number):
        sock, control = self.path(f"card{number}"), self.path(f"control{number}")
        command = [self.args.card, "--socket", sock, "--control", control]
        command += shlex.split(self.args.card_args)
        log_path = f"{self.args.log}/card{number}.log"
        with open(log_path, "wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=(lambda: os.nice(-10)) if self.privileged else None)
        self.cards.append(process)
        if not wait_for(sock, process, 10) or not wait_for(control, process, 10):
            with open(log_path, encoding="utf-8", errors="replace") as log:
                sys.exit(f"vm: the card did not start ({log_path}):\n{log.read()[-2000:]}")

    def fs_options(self, tag):
        return ["-chardev", f"socket,id={tag},path={self.path(tag + '.fs')}",
                "-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}"]

    def card_options(self, number):
        timeout = 5000 if self.args.slot_kill else 10000
        return ["-device", f"pcie-root-port,id=rp{number},chassis={number + 1},slot={number + 1}",
                "-device", '{"driver":"vfio-user-pci","bus":"rp%d","id":"card%d",'
                '"x-msg-timeout":%d,"socket":{"type":"unix","path":"%s"}}'
                % (number, number, timeout, self.path(f"card{number}")),
                "-chardev", f"socket,id=ctl{number},path={self.path(f'control{number}')}",
                "-device", f"virtserialport,bus=ports.0,chardev=ctl{number},"
                f"name=maru.control.{number}"]

    def start_qemu(self, accel, serial, shell_line, extra=()):
        cpu = "host,host-phys-bits=on" if accel == "kvm" else "max,phys-bits=46"
        append = ("console=ttyS0 loglevel=5 rootfstype=virtiofs root=rootfs ro panic=-1 "
                  f"{FRESH[self.args.kernel == 'debug']} {self.args.append} MARU_LOG=/maru/{self.args.log} "
                  f"MARU_COLS={os.environ.get('COLUMNS', 80)} "
                  f"MARU_ROWS={os.environ.get('LINES', 24)} "
                  f'init=/bin/sh -- -c "{shell_line}"')
        command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
                   "-M", "q35,memory-backend=mem", "-cpu", cpu, "-smp", "2",
                   "-accel", accel + (",thread=multi" if accel == "tcg" else ""),
                   "-m", self.args.memory, "-object",
                   f"memory-backend-memfd,id=mem,size={self.args.memory},share=on",
                   "-kernel", kernel_image(self.args.kernel), "-append", append,
                   "-no-reboot", "-monitor", f"unix:{self.path('monitor')},server=on,wait=off",
                   *serial, *self.fs_options("rootfs"), *extra]
        if not self.privileged:
            command = ["nice", "-n", "10", *command]
        with open(f"{self.args.log}/qemu.log", "wb") as log:
            self.qemu = subprocess.Popen(
                command, stdin=None if self.args.shell else subprocess.DEVNULL,
                stdout=None if self.args.shell else log, stderr=log)

    def show_tasks(self):
        """Make a guest that hangs say where, on its console."""
        try:
            with socket.socket(socket.AF_UNIX) as monitor:
                monitor.settimeout(2)
                monitor.connect(self.path("monitor"))
                monitor.sendall(b"sendkey alt-sysrq-w\nsendkey alt-sysrq-l\n")
                time.sleep(4)
        except OSError:
            pass

    def dead_card(self):
        return next((n for n, p in enumerate(self.cards) if p.poll() is not None), None)

    def stop(self):
        """End everything, the cards by SIGTERM so that they can say how they are."""
        if self.qemu and self.qemu.poll() is None:
            self.qemu.kill()
        if self.qemu:
            self.qemu.wait()
        for process in self.cards:
            if process.poll() is None:
                process.terminate()
        for process in self.cards:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for process in self.servers:
            process.kill()
            process.wait()
        shutil.rmtree(self.tmp, ignore_errors=True)


def kvm_verdict(args):
    """Whether KVM works here: only a kernel that reached user space proves it."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True,
                             text=True, check=True).stdout.split()[3]
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        verdict = f"/cache/kvm-{file.read().strip()}-{version}"
    if not os.path.exists(verdict):
        print(f"vm: trying KVM, up to {KVM_TRIAL_S} s (once a boot of this machine)", flush=True)
        works = kvm_trial(args)
        with open(verdict + ".new", "w", encoding="ascii") as file:
            file.write("yes" if works else "no")
        os.rename(verdict + ".new", verdict)
        print("vm: KVM works" if works else "vm: KVM does not work here, using TCG", flush=True)
    with open(verdict, encoding="ascii") as file:
        return file.read() == "yes"


def kvm_trial(args):
    trial = argparse.Namespace(**vars(args))
    trial.log, trial.shell = tempfile.mkdtemp(prefix="kvm.", dir="/tmp"), False
    machine = Machine(trial)
    serial = trial.log + "/serial"
    try:
        machine.start_server("rootfs", ROOT, "always")
        machine.start_qemu("kvm", ["-chardev", f"file,id=ser,path={serial}", "-serial",
                                   "chardev:ser"], "echo user space reached; sleep 60")
        end = time.monotonic() + KVM_TRIAL_S
        while time.monotonic() < end and machine.qemu.poll() is None:
            time.sleep(0.2)
            with open(serial, encoding="utf-8", errors="replace") as file:
                if re.search(r"^user space reached", file.read(), re.M):
                    return True
    except (OSError, SystemExit):
        pass
    finally:
        machine.stop()
    return False


class Tail:
    """Shows what is added to a file."""

    def __init__(self, path):
        open(path, "wb").close()
        self.file = open(path, "rb")

    def show(self):
        data = self.file.read()
        if data:
            sys.stdout.buffer.write(data)
            sys.stdout.flush()


def watch(machine, tail, serial):
    """Wait for the end. Returns what went wrong, or None."""
    args = machine.args
    end = time.monotonic() + args.timeout
    while machine.qemu.poll() is None:
        time.sleep(0.1)
        tail.show()
        card = machine.dead_card()
        if card is not None and not args.slot_kill:
            time.sleep(1)
            return f"card {card} died with status {machine.cards[card].returncode}"
        if not args.shell and time.monotonic() > end:
            machine.show_tasks()
            tail.show()
            return f"not finished after {args.timeout} s"
    tail.show()
    if machine.qemu.returncode:
        return f"QEMU ended with status {machine.qemu.returncode}, see {args.log}/qemu.log"
    if not os.path.exists(f"{args.log}/exit"):
        return f"the guest ended before its script did, see {serial}"
    return None


def judge(args, problem, serial):
    """Print what is wrong and return the exit code of the run."""
    failed = False
    if problem:
        failed = True
        print(f"vm: {problem}")
        for path in [serial, *sorted(glob.glob(f"{args.log}/card*.log"))]:
            with open(path, encoding="utf-8", errors="replace") as file:
                tail = file.read().splitlines()[-15:]
            print("\n".join([f"--- last lines of {path}", *tail]))
    for path in (f"{args.log}/dmesg.log", serial):
        found = oracle.findings(path)
        if found:
            failed = True
            print("\n".join([f"--- {path}", *found]))
            break
    if failed:
        print(f"vm: failed; logs are in {args.log}/")
        return 125
    with open(f"{args.log}/exit", encoding="ascii") as file:
        return int(file.read())


def main():
    args = parse()
    shutil.rmtree(args.log, ignore_errors=True)
    os.makedirs(args.log)
    if args.run:
        with open(f"{args.log}/job", "w", encoding="utf-8") as file:
            file.write("cd /maru && exec " + shlex.join(args.run) + "\n")
    if args.cards and not os.path.exists(args.card):
        sys.exit(f"vm: {args.card} is not built (make build)")
    accel = args.accel
    if accel == "auto":
        accel = "kvm" if kvm_verdict(args) else "tcg"
    serial = f"{args.log}/serial.log"
    if args.shell:
        options = ["-chardev", f"stdio,id=ser,mux=on,signal=off,logfile={serial}",
                   "-serial", "chardev:ser", "-mon", "chardev=ser"]
    else:
        options = ["-chardev", f"file,id=ser,path={serial}", "-serial", "chardev:ser"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine = Machine(args)
    tail = Tail(f"{args.log}/output")
    problem = "interrupted"
    try:
        machine.start_server("rootfs", ROOT, "always")
        machine.start_server("maru", "/maru", "auto")
        extra = ["-device", "virtio-serial-pci,id=ports", "-chardev",
                 f"file,id=out,path={args.log}/output,append=on", "-device",
                 "virtserialport,bus=ports.0,chardev=out,name=maru.output",
                 *machine.fs_options("maru")]
        for number, port in enumerate(args.port):
            name, path = port.split("=", 1)
            extra += ["-chardev", f"socket,id=port{number},path={path},server=on,wait=off",
                      "-device", f"virtserialport,bus=ports.0,chardev=port{number},name={name}"]
        for number in range(args.cards):
            machine.start_card(number)
            extra += machine.card_options(number)
        machine.start_qemu(accel, options,
                           "mount -t virtiofs maru /maru; exec sh /maru/tools/box/init", extra)
        problem = watch(machine, tail, serial)
    finally:
        machine.stop()
    sys.exit(judge(args, problem, serial))


if __name__ == "__main__":
    main()
