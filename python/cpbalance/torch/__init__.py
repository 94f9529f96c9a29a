# SPDX-License-Identifier: Apache-2.0
"""cpbalance for PyTorch: balancers, and sharding that refuses what torch's gets wrong.

The balancers are subclasses of the private class that torch's context-parallel functions
take, so one changed line is enough:

    from cpbalance.torch import LoadBalancer
    balancer = LoadBalancer(world_size, documents=lengths)
    _context_parallel_shard(mesh, buffers, seq_dims, load_balancer=balancer)

A second line fetches the keys that are needed instead of all of them:

    out = attention(q, k, v, LocalPlan(plan, mask))
"""
from ._agree import agree
from ._attention import LocalPlan, attention
from ._balancers import (
    AutoLoadBalancer,
    Balancer,
    EvenLoadBalancer,
    FrugalLoadBalancer,
    LoadBalancer,
)
from ._block_mask import block_mask
from ._compat import (
    HeadTailLoadBalancer,
    PerDocumentHeadTailLoadBalancer,
    PTRRLoadBalancer,
    create_default_load_balancer,
)
from ._exchange import KeyExchange, Room
from ._restore import restore
from ._shard import shard, unshard
from ._source import mask_of_block_mask

__all__ = [
    "AutoLoadBalancer", "Balancer", "EvenLoadBalancer", "FrugalLoadBalancer",
    "HeadTailLoadBalancer", "KeyExchange", "LoadBalancer", "LocalPlan", "PTRRLoadBalancer",
    "PerDocumentHeadTailLoadBalancer", "Room", "agree", "attention", "block_mask",
    "create_default_load_balancer", "mask_of_block_mask", "restore", "shard", "unshard",
]
