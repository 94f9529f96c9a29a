# SPDX-License-Identifier: Apache-2.0
"""A step that is scheduled: a DataLoader hands each rank the documents of its groups.

    torchrun --nproc-per-node=4 examples/torch_loader.py
"""
import torch
import torch.distributed as dist
from torch.utils.data import DataLoader

import cpbalance as cpb
from cpbalance.torch import LocalPlan, attention

LENGTHS = [30, 900, 60, 2100, 300, 7, 688, 41, 512, 95, 1200, 260]  # of one step
BUDGET = 2048  # most tokens of a rank in a micro-batch
HEADS, SIZE, WORDS = 4, 16, 50

dist.init_process_group("gloo")
rank, ranks = dist.get_rank(), dist.get_world_size()

torch.manual_seed(0)  # every rank has the same weights, and here the same documents
dataset = [torch.randint(WORDS, (length,)) for length in LENGTHS]
embed = torch.nn.Embedding(WORDS, HEADS * SIZE)
project = torch.nn.Linear(HEADS * SIZE, 3 * HEADS * SIZE)
head = torch.nn.Linear(HEADS * SIZE, WORDS)
weights = (*embed.parameters(), *project.parameters(), *head.parameters())


def loss_sum(words, attend):
    """Predicts each word from what it sees: a sum, for ranks hold different numbers."""
    q, k, v = project(embed(words)).unflatten(-1, (3, HEADS, SIZE)).permute(1, 2, 0, 3)[:, None]
    out = attend(q, k, v).squeeze(0).movedim(0, 1).flatten(1)
    return torch.nn.functional.cross_entropy(head(out), words, reduction="sum")


# The grouping step: every rank schedules alone, and all get the same.
step = cpb.schedule(LENGTHS, ranks, BUDGET, groups_only=True)
mine = step.of_rank(rank)
loader = DataLoader(dataset, batch_sampler=[step.documents(g).tolist() for g in mine],
                    collate_fn=torch.cat)  # the documents of a group, packed

# Once per run: a process group for every size at every multiple of it.
members = {(first, size): dist.new_group(range(first, first + size))
           for size in (1 << i for i in range(ranks.bit_length()))
           for first in range(0, ranks - size + 1, size)}

for g, pack in zip(mine, loader):
    first, size = int(step.groups[g]["first"]), int(step.groups[g]["ranks"])
    plan = step.plan(g)  # who of the group holds which tokens of the pack
    mask = cpb.Mask(documents=[LENGTHS[d] for d in step.documents(g)])
    local = LocalPlan(plan, mask, group=members[first, size])
    words = pack[torch.from_numpy(plan.positions(rank - first))]
    loss = loss_sum(words, lambda q, k, v: attention(q, k, v, local))
    (loss / sum(LENGTHS)).backward()
for weight in weights:
    if weight.grad is None:  # a rank without a group in this step
        weight.grad = torch.zeros_like(weight)
    dist.all_reduce(weight.grad)

# The same on one process, document by document.
found = project.weight.grad.clone()
project.weight.grad = None
for words in dataset:
    loss = loss_sum(words, lambda q, k, v: torch.nn.functional
                    .scaled_dot_product_attention(q, k, v, is_causal=True))
    (loss / sum(LENGTHS)).backward()
torch.testing.assert_close(found, project.weight.grad, atol=1e-5, rtol=1e-5)
if rank == 0:
    print(f"{len(LENGTHS)} documents in {len(step.groups)} groups of {ranks} ranks: "
          "gradients as on one process")
dist.destroy_process_group()
