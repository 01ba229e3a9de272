# SPDX-License-Identifier: BSD-2-Clause
"""lab.py - a lab from Python, for tests, the demo and benchmarks. The commands lab/up, lab/run …
do the work.

    with Lab("mine") as lab:                    # up, and down at the end
        lab.put("build/clickos.elf", "/root/")
        print(lab.run("xl list").stdout)
        with lab.nic(1) as left: …
"""

import os
import shutil
import subprocess
import tempfile

from frames import HERE, Nic, state_folder


class LabError(Exception):
    """A lab command failed; the text says which and what it printed."""


class Lab:
    def __init__(self, name="lab", *options):
        self.name = name
        self.options = list(options)        # for lab/up
        self.state = state_folder(name)

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.down()

    def _command(self, command, *arguments, **kwargs):
        return subprocess.run([os.path.join(HERE, command), "--name", self.name, *arguments], **kwargs)

    def _must(self, command, *arguments):
        done = self._command(command, *arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"lab/{command} {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")

    def up(self):
        """Starts the lab; its progress goes to standard error."""
        done = self._command("up", *self.options, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise LabError(f"lab/up --name {self.name}: exit code {done.returncode}")

    def down(self, *options):
        self._must("down", *options)

    def run(self, command, check=False, timeout=120, input=None):
        """Runs `command`, a shell line or a list of arguments, in dom0. Returns a CompletedProcess
        with text; with `check`, LabError when the command fails."""
        arguments = [command] if isinstance(command, str) else list(command)
        text = isinstance(input, (str, type(None)))
        done = self._command("run", "--", *arguments, capture_output=True, text=text, timeout=timeout,
                             **({"stdin": subprocess.DEVNULL} if input is None else {"input": input}))
        if check and done.returncode != 0:
            raise LabError(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def put(self, *paths):
        """put(SOURCE, …, DESTINATION): into dom0."""
        self._must("put", *map(str, paths))

    def get(self, *paths):
        """get(SOURCE, …, DESTINATION): from dom0."""
        self._must("get", *map(str, paths))

    def nic(self, number):
        """The far end of NIC 1 (on br0) or 2 (on br1): see frames.Nic."""
        return Nic(self, number)

    def wait_for_vifs(self, domain, count):
        """Until the bridges forward to a domain's vifs, by its name or number: what is sent before is lost. A VM may run a
        configuration, and say so, a moment before that."""
        self.run(f"id=$(xl domid {domain} 2>/dev/null || echo {domain}); for vif in $(seq 0 {count - 1}); do for try in $(seq 300); do"
                 " [ \"$(cat /sys/class/net/vif$id.$vif/brport/state)\" = 3 ] && continue 2; sleep 0.1; done;"
                 " exit 1; done", check=True)

    def linux(self, name, *bridges, memory=192, type="pv", programs=()):
        """A Linux guest with a vif on each of the bridges, and `programs` in its /usr/bin: a LinuxGuest, which ends with
        its `with`."""
        return LinuxGuest(self, name, bridges, memory, type, programs)

    def console(self, domain):
        """What a guest has printed, also when it is gone by now ('' when nothing)."""
        return self.run(["cat", f"/var/log/xen/console/guest-{domain}.log"]).stdout

    def drops(self):
        """Frames that dom0's Linux has lost so far, by where: {} is what tests want."""
        lines = self.run(["bash", "/etc/lab/drops"], check=True).stdout.split("\n")
        return {where: int(count) for where, count in (line.rsplit(" ", 1) for line in lines if line)}


class LinuxGuest:
    """Debian's kernel and busybox as a guest, told what to do over its console, so that its vifs (eth0, eth1, …) are the test's:

        with lab.linux("peer", "br0") as peer:
            peer.run("ip address add 10.0.0.2/24 dev eth0; ip link set eth0 up")
            lab.run(f"tcpdump -i vif{peer.id}.0")
    """

    def __init__(self, lab, name, bridges, memory, type, programs):
        self.lab, self.name = lab, name
        if lab.run("test -e /root/guest.kernel").returncode != 0:
            folder = os.path.join(os.path.dirname(lab.state), "..", "dom0")
            lab.put(f"{folder}/guest.kernel", f"{folder}/guest.initramfs", "/root/")
        ramdisk = "/root/guest.initramfs"
        if programs:
            ramdisk = f"/root/{name}.initramfs"
            with tempfile.TemporaryDirectory() as folder:
                self._pack(folder, programs)
                lab.put(f"{folder}/more", ramdisk + ".more")
            lab.run(f"cat /root/guest.initramfs {ramdisk}.more >{ramdisk}", check=True)
        vifs = ", ".join(f"'bridge={bridge}'" for bridge in bridges)
        lab.run(["env", f"RAMDISK={ramdisk}", "bash", "/etc/lab/guest", "create", name, f"memory={memory}", f"type='{type}'",
                 f"vif=[{vifs}]"], check=True, timeout=300)
        self.id = int(lab.run(f"xl domid {name}", check=True).stdout)

    @staticmethod
    def _pack(folder, programs):
        """An archive "more" with the programs, which the kernel unpacks behind its first."""
        os.makedirs(f"{folder}/usr/bin")
        names = ["usr", "usr/bin"]
        for program in programs:
            names.append(f"usr/bin/{os.path.basename(program)}")
            shutil.copy(program, f"{folder}/{names[-1]}")
        with open(f"{folder}/more", "wb") as file:
            subprocess.run(["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"], cwd=folder, stdout=file,
                           input="\n".join(names).encode(), check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.destroy()

    def run(self, command, check=True, timeout=120):
        """Runs a shell line in the guest (at most 3,000 bytes): a CompletedProcess, its standard error within stdout."""
        return self.lab.run(["env", f"TIMEOUT={timeout}", "bash", "/etc/lab/guest", "run", self.name, command],
                            check=check, timeout=timeout + 30)

    def destroy(self):
        self.lab.run(f"xl destroy {self.name}")
