# SPDX-License-Identifier: Apache-2.0
"""torch's own context parallelism with another balancer: one line is changed.

    torchrun --nproc-per-node=4 examples/torch_drop_in.py
"""
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor.experimental._context_parallel._attention import (
    _context_parallel_shard,
    context_parallel_unshard,
)

import cpbalance as cpb
from cpbalance.torch import LoadBalancer

LENGTHS = [9000, 600, 21000, 3000, 7360]  # documents of one packed sequence

dist.init_process_group("gloo")
mesh = init_device_mesh("cpu", (dist.get_world_size(),))
tokens = torch.arange(sum(LENGTHS))[None]

# Before: balancer = _HeadTailLoadBalancer(sum(LENGTHS), mesh.size(), "cpu")
balancer = LoadBalancer(mesh.size(), documents=LENGTHS)

[here] = _context_parallel_shard(mesh, [tokens], [1], load_balancer=balancer)
[back] = context_parallel_unshard(mesh, [here], [1], load_balancer=balancer)
assert torch.equal(back, tokens)
if dist.get_rank() == 0:
    mask = cpb.Mask(documents=LENGTHS)
    theirs = cpb.plan(mask, mesh.size(), balancer="head-tail")
    for name, plan in (("head-tail", theirs), ("auto", balancer.plans[0])):
        print(f"{name}: the busiest rank works {cpb.score(plan, mask).imbalance:.1%} more "
              "than the mean")
dist.destroy_process_group()
