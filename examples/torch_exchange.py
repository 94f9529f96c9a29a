# SPDX-License-Identifier: Apache-2.0
"""Attention that fetches the keys it needs, and a loss that is the one of one process.

    torchrun --nproc-per-node=4 examples/torch_exchange.py
"""
import torch
import torch.distributed as dist

import cpbalance as cpb
from cpbalance.torch import LocalPlan, agree, attention, restore

LENGTHS = [900, 60, 2100, 300, 688]  # documents of one packed sequence
IGNORED = -100  # labels that cross_entropy leaves out, as at the end of every document
HEADS, SIZE, WORDS = 4, 16, 50

dist.init_process_group("gloo")
rank, ranks = dist.get_rank(), dist.get_world_size()

# Once per batch: plan (here, or in a DataLoader's worker), and see that all ranks did alike.
mask = cpb.Mask(documents=LENGTHS)
plan = agree(lambda: cpb.plan(mask, ranks, balancer="frugal", sizes="uneven"))
local = LocalPlan(plan, mask)
mine = torch.from_numpy(plan.positions(rank))

torch.manual_seed(0)  # every rank has the same data and weights
hidden = torch.randn(sum(LENGTHS), HEADS * SIZE)
labels = torch.randint(WORDS, (sum(LENGTHS),))
labels[torch.tensor(LENGTHS).cumsum(0) - 1] = IGNORED
project = torch.nn.Linear(HEADS * SIZE, 3 * HEADS * SIZE)
head = torch.nn.Linear(HEADS * SIZE, WORDS)


def losses(tokens, targets, attend):
    """The loss of every token; no mean of means."""
    q, k, v = project(tokens).unflatten(-1, (3, HEADS, SIZE)).permute(1, 2, 0, 3)[:, None]
    out = attend(q, k, v).squeeze(0).movedim(0, 1).flatten(1)
    return torch.nn.functional.cross_entropy(head(out), targets, ignore_index=IGNORED,
                                             reduction="none")


each = losses(hidden[mine], labels[mine], lambda q, k, v: attention(q, k, v, local))
valid = (labels[mine] != IGNORED).sum()
dist.all_reduce(valid)  # tokens that count, of all ranks: shards hold different numbers
total = each.detach().sum()
dist.all_reduce(total)
loss = total / valid
(each.sum() / valid).backward()
for weight in (*project.parameters(), *head.parameters()):
    dist.all_reduce(weight.grad)

in_order = restore(plan, each.detach())  # for example log-probabilities of an RL step

# The same on one process, with a dense mask.
document = torch.repeat_interleave(torch.arange(len(LENGTHS)), torch.tensor(LENGTHS))
seen = (document[:, None] == document).tril()
found = project.weight.grad.clone()
project.weight.grad = None
whole = losses(hidden, labels, lambda q, k, v: torch.nn.functional
               .scaled_dot_product_attention(q, k, v, attn_mask=seen))
whole_loss = whole.sum() / (labels != IGNORED).sum()
whole_loss.backward()
torch.testing.assert_close(in_order, whole.detach(), atol=1e-5, rtol=1e-5)
torch.testing.assert_close(loss, whole_loss, atol=1e-5, rtol=1e-5)
torch.testing.assert_close(found, project.weight.grad, atol=1e-5, rtol=1e-5)
if rank == 0:
    score = cpb.score(plan, mask)
    print(f"loss {loss:.5f} as on one process; the busiest rank fetches "
          f"{score.receive_max} keys, an all-gather {plan.tokens - plan.size(rank)}")
dist.destroy_process_group()
