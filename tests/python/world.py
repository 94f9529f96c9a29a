# SPDX-License-Identifier: Apache-2.0
"""Functions of tests in a real process group: torchrun, gloo, loopback.

    found = world.run(4, "test_training:train", case="causal")

runs the function on 4 processes with a one-dimensional mesh and the keyword arguments,
and returns what it returned on rank 0 (JSON). An error of any rank fails the caller."""
import datetime
import importlib
import json
import os
import subprocess
import sys
import tempfile


def run(processes, function, **arguments):
    with tempfile.TemporaryDirectory() as folder:
        answer = os.path.join(folder, "answer.json")
        said = subprocess.run(
            [sys.executable, "-m", "torch.distributed.run", "--standalone",
             f"--nproc-per-node={processes}", __file__, function, json.dumps(arguments),
             answer],
            capture_output=True, text=True, timeout=600,
            env={**os.environ, "OMP_NUM_THREADS": "1"})
        assert said.returncode == 0, said.stdout[-2000:] + said.stderr[-6000:]
        with open(answer, encoding="utf-8") as file:
            return json.load(file)


def main(function, arguments, answer):
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh

    dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=120))
    mesh = init_device_mesh("cpu", (dist.get_world_size(),), mesh_dim_names=("cp",))
    module, name = function.split(":")
    found = getattr(importlib.import_module(module), name)(mesh, **json.loads(arguments))
    if dist.get_rank() == 0:
        with open(answer, "w", encoding="utf-8") as file:
            json.dump(found, file)
    dist.destroy_process_group()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # gloo's threads may let go of tensors while the interpreter goes down


if __name__ == "__main__":
    main(*sys.argv[1:])
