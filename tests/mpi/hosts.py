# SPDX-License-Identifier: Apache-2.0
"""Two hosts for MPI on one machine: network namespaces with names of their own, a cable
between them, and a stand-in for ssh. Needs root and iproute2."""

import contextlib
import os
import pathlib
import subprocess
import tempfile

HOSTS = (1, 2)


def address(host):
    return f"10.77.0.{host}"


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True,
                          timeout=20).stdout


class Hosts:
    def __init__(self, folder, prefix):
        self.prefix = prefix
        self.agent = pathlib.Path(folder) / "agent"
        self.agent.write_text(
            "#!/bin/sh\n"
            "# As ssh: HOST COMMAND...\n"
            "while case $1 in -*) true ;; *) false ;; esac; do shift; done\n"
            f"host={prefix}${{1##*.}}; shift\n"
            'exec ip netns exec "$host" unshare --uts sh -c "hostname $host; $*"\n')
        self.agent.chmod(0o755)

    def name(self, host):
        return f"{self.prefix}{host}"

    def connect(self):
        for host in HOSTS:
            ip("netns", "add", self.name(host))
        ip("link", "add", "eth0", "netns", self.name(1), "type", "veth", "peer", "name",
           "eth0", "netns", self.name(2))
        for host in HOSTS:
            ip("-n", self.name(host), "addr", "add", f"{address(host)}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", self.name(host), "link", "set", device, "up")

    def remove(self):
        for host in HOSTS:
            with contextlib.suppress(subprocess.SubprocessError):
                ip("netns", "del", self.name(host))

    def sent(self, host):
        """Bytes that left over the cable."""
        return int(ip("netns", "exec", self.name(host), "cat",
                      "/sys/class/net/eth0/statistics/tx_bytes"))

    def run(self, mpiexec, is_open_mpi, environment, *command):
        """Two ranks on each host; started on the first."""
        slots = ",".join(f"{address(host)}:2" for host in HOSTS)
        near = ["--mca", "btl_tcp_if_include", "eth0", "--mca", "oob_tcp_if_include",
                "eth0", "--mca", "plm_rsh_agent", self.agent, "--host", slots]
        hydra = ["-launcher", "ssh", "-launcher-exec", self.agent, "-iface", "eth0",
                 "-localhost", address(1), "-hosts", slots]
        return subprocess.run(
            [self.agent, address(1), mpiexec, *map(str, near if is_open_mpi else hydra),
             "-n", "4", *map(str, command)], env=dict(os.environ, **environment),
            text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
            check=False)


@contextlib.contextmanager
def two_hosts():
    """Hosts, or None where this machine has no network namespaces for us."""
    with tempfile.TemporaryDirectory() as folder:
        hosts = Hosts(folder, f"cpb{os.getpid()}h")
        try:
            hosts.connect()
        except (OSError, subprocess.SubprocessError):
            hosts.remove()
            yield None
            return
        try:
            yield hosts
        finally:
            hosts.remove()
