# SPDX-License-Identifier: Apache-2.0
"""Functions of tests in a real process group: torchrun, gloo, loopback.

    found = world.run(4, "test_training:train", case="causal")

calls the function on 4 processes with a one-dimensional mesh and the keyword arguments,
and returns what it returned on rank 0. An error of any rank fails the caller. A world is
started at its first call and serves until the tests end: starting one takes longer than
most of what it is asked."""
import atexit
import datetime
import importlib
import os
import socket
import subprocess
import sys
import tempfile
import traceback
from multiprocessing.connection import Client, Connection, wait

PATIENCE = 600  # seconds until a world that says nothing has failed
_worlds = {}


class World:
    """A torchrun whose ranks each hold a connection: name and arguments of a function go
    out, (True, what it returned) or (False, where it failed) comes back."""

    def __init__(self, processes):
        self.folder = tempfile.TemporaryDirectory()
        self.log = open(os.path.join(self.folder.name, "log"), "w+", encoding="utf-8")
        address = os.path.join(self.folder.name, "door")
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(address)
            door.listen(processes)
            door.settimeout(1)
            self.torchrun = subprocess.Popen(
                [sys.executable, "-m", "torch.distributed.run", "--standalone",
                 f"--nproc-per-node={processes}", __file__, address],
                stdout=self.log, stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1"})
            self.ranks = [self.came_in(door) for _ in range(processes)]
        self.ranks.sort(key=lambda rank: rank.recv())

    def came_in(self, door):
        while True:
            try:
                return Connection(door.accept()[0].detach())
            except socket.timeout:
                assert self.torchrun.poll() is None, self.said()

    def call(self, function, arguments):
        for rank in self.ranks:
            rank.send((function, arguments))
        answers, open_ = {}, list(self.ranks)
        while open_:
            ready = wait(open_, PATIENCE)
            assert ready, f"{function} says nothing for {PATIENCE} s: {self.said()}"
            for rank in ready:
                try:
                    good, answers[rank] = rank.recv()
                except EOFError:
                    good, answers[rank] = False, self.said()
                assert good, answers[rank]
                open_.remove(rank)
        return answers[self.ranks[0]]

    def said(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()[-6000:]

    def end(self):
        for rank in self.ranks:
            rank.close()
        self.torchrun.wait(60)
        self.log.close()
        self.folder.cleanup()


def run(processes, function, **arguments):
    if processes not in _worlds:
        _worlds[processes] = World(processes)
    try:
        return _worlds[processes].call(function, arguments)
    except BaseException:
        _worlds.pop(processes).end()  # its ranks may wait for each other
        raise


@atexit.register
def _end_all():
    while _worlds:
        _worlds.popitem()[1].end()


def serve(address):
    import torch
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh

    dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=PATIENCE))
    mesh = init_device_mesh("cpu", (dist.get_world_size(),), mesh_dim_names=("cp",))
    caller = Client(address, "AF_UNIX")
    caller.send(dist.get_rank())
    while True:
        try:
            function, arguments = caller.recv()
        except EOFError:  # the tests have ended
            break
        module, name = function.split(":")
        try:
            called = getattr(importlib.import_module(module), name)
            caller.send((True, called(mesh, **arguments)))
        except BaseException:
            caller.send((False, traceback.format_exc()))
            raise
        torch._dynamo.reset()  # what one function compiled is not the next one's
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # gloo's threads may let go of tensors while the interpreter goes down


if __name__ == "__main__":
    serve(*sys.argv[1:])
