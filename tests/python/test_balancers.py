# SPDX-License-Identifier: Apache-2.0
"""Balancers for torch: where they come from, what they give, and the sentence at each
place where torch asserts without a word or goes silently wrong."""
import pickle
import re
import threading

import pytest
import torch
from torch.nn.attention.flex_attention import create_block_mask

import cpbalance as cpb
import cpbalance.torch as cpt
import world


def block_mask(q=256, k=256, heads=1, batch=1, block=32):
    return create_block_mask(lambda b, h, i, j: i >= j, batch, heads, q, k, device="cpu",
                             BLOCK_SIZE=block)


def test_every_source_gives_the_same_plan():
    made = [cpt.LoadBalancer(4, balancer="even", chunk=16, **source) for source in (
        {"documents": [100, 0, 156]}, {"documents": torch.tensor([100, 0, 156])},
        {"documents": [[100, 0, 156]]}, {"documents": [100, 0, 156], "seq_length": 256},
        {"cu_seqlens": torch.tensor([0, 100, 100, 256], dtype=torch.int32)},
        {"mask": "documents:100,0,156"}, {"mask": cpb.Mask(documents=[100, 0, 156])})]
    assert len({one.plans[0].hash for one in made}) == 1
    order, back = made[0].indices(), made[0].indices(restore=True)
    assert order.shape == back.shape == (1, 256) and order.dtype == torch.int64
    assert torch.equal(order[0][back[0]], torch.arange(256))
    flat = [p for part in made[0].token_partition() for b, e in part for p in range(b, e)]
    assert order[0].tolist() == flat


def test_rows_of_a_batch():
    rows = [[100, 156], [256]]
    for balancer in (cpt.EvenLoadBalancer(4, documents=rows, chunk=16),
                     cpt.EvenLoadBalancer(4, cu_seqlens=[0, 100, 256, 512], seq_length=256,
                                          chunk=16)):
        order, back = balancer.indices(), balancer.indices(True)
        assert order.shape == (2, 256)
        assert torch.equal(order.gather(1, back), torch.arange(256).expand(2, 256))
        assert balancer.fragments(1, row=1) == [
            tuple(run) for run in balancer.plans[1].runs(1).tolist()]


def test_block_masks_and_several_masks():
    both = cpt.AutoLoadBalancer(4, mask=["causal:256", "3*window:256;n=32"], chunk=32)
    assert [m.weight for m in both.masks[0]] == [1, 3]
    batched = cpt.FrugalLoadBalancer(4, block_mask=block_mask(batch=2), chunk=32)
    assert batched.indices().shape == (2, 256)
    family = cpt.EvenLoadBalancer(4, mask="window:32", documents=[100, 156], chunk=16)
    assert family.masks[0][0].text == "window:100,156;n=32"


@pytest.mark.parametrize("name", list(cpb.balancers()))
def test_every_balancer_by_name(name):
    one = cpt.LoadBalancer(4, documents=[100, 156], balancer=name, chunk=16)
    n = one.tokens + one.padding
    assert sorted(one.indices()[0].tolist()) == list(range(n))


def test_pads_come_last_and_are_counted():
    one = cpt.EvenLoadBalancer(4, documents=[100], chunk=16)
    assert (one.tokens, one.padding) == (100, 28) and one.indices().shape == (1, 128)


def test_threads_ask_one_balancer_at_once():
    documents = [5000, 0, 300, 12000, 700]
    same = cpt.LoadBalancer(8, documents=documents)
    wanted = {restore: same.indices(restore).clone() for restore in (False, True)}
    for _ in range(20):
        one, said = cpt.LoadBalancer(8, documents=documents), []
        threads = [threading.Thread(target=lambda restore=restore, one=one, said=said:
                                    said.append((restore, one.indices(restore))))
                   for restore in [False, True] * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(said) == 8
        assert all(torch.equal(found, wanted[restore]) for restore, found in said)


def test_balancers_pickle_and_come_from_plans():
    one = cpt.EvenLoadBalancer(4, documents=[100, 156], chunk=16)
    again = pickle.loads(pickle.dumps(one))
    foreign = cpt.LoadBalancer.from_plan(one.plans[0])
    assert torch.equal(again.indices(), one.indices())
    assert torch.equal(foreign.indices(True), one.indices(True))


def test_works_where_torch_asserts():
    """Document lengths that 2 W does not divide."""
    one = cpt.PerDocumentHeadTailLoadBalancer([[3, 0, 13]], 4, "cpu")
    assert sorted(one.indices()[0].tolist()) == list(range(16))


REFUSED = [
    (lambda: cpt.HeadTailLoadBalancer(100, 8, "cpu"), "pad the sequence by 12"),
    (lambda: cpt.PerDocumentHeadTailLoadBalancer([[3, 4]], 4, "cpu"), "pad the sequence by 1"),
    (lambda: cpt.PerDocumentHeadTailLoadBalancer([[8], [16]], 4, "cpu"), "row 1 sums to 16"),
    (lambda: cpt.PerDocumentHeadTailLoadBalancer([], 4, "cpu"), "no row"),
    (lambda: cpt.PerDocumentHeadTailLoadBalancer([[]], 4, "cpu"), "no document"),
    (lambda: cpt.PTRRLoadBalancer(block_mask(heads=2), 4), "2 heads"),
    (lambda: cpt.PTRRLoadBalancer(block_mask(k=512), 4), "256 queries and 512 keys"),
    (lambda: cpt.PTRRLoadBalancer(block_mask(block=(32, 64)), 4), "32 x 64"),
    (lambda: cpt.PTRRLoadBalancer(block_mask(250, 250), 4), "pad the sequence by 6"),
    (lambda: cpt.PTRRLoadBalancer(block_mask(), 3), "pad the sequence by 32"),
    (lambda: cpt.PTRRLoadBalancer.ptrr_scheduling(torch.zeros(2, 2), 2), "one dimension"),
    (lambda: cpt.PTRRLoadBalancer.ptrr_scheduling(torch.zeros(5), 2), "5 tasks"),
    (lambda: cpt.LoadBalancer(4, block_mask=block_mask(heads=2)), "heads"),
    (lambda: cpt.LoadBalancer(4, block_mask=block_mask(k=512)), "512"),
    (lambda: cpt.LoadBalancer(4, documents=[100], seq_length=128),
     "row 0 sums to 100 tokens, the buffer has 128"),
    (lambda: cpt.LoadBalancer(4, documents=[[100], [101]]), "row 1 sums to 101"),
    (lambda: cpt.LoadBalancer(4), "no mask is given"),
    (lambda: cpt.LoadBalancer(4, documents=[8], cu_seqlens=[0, 8]), "accepted is one of"),
    (lambda: cpt.LoadBalancer(4, documents=[8], mask=cpb.Mask("full:8")), "finished Mask"),
    (lambda: cpt.LoadBalancer(4, cu_seqlens=torch.tensor([0.0, 8.0])), "float32"),
    (lambda: cpt.LoadBalancer(4, cu_seqlens=[[0, 8]]), "shape (1, 2)"),
    (lambda: cpt.LoadBalancer(4, cu_seqlens=[1, 8]), "start with [1]"),
    (lambda: cpt.LoadBalancer(4, cu_seqlens=[0, 8, 4]), "fall from 8 to 4"),
    (lambda: cpt.LoadBalancer(4, cu_seqlens=[0, 9], seq_length=4), "no multiple"),
    (lambda: cpt.LoadBalancer(4, cu_seqlens=[0, 8], seq_length=4), "crosses the end"),
    (lambda: cpt.LoadBalancer(4, documents=[100], sizes="uneven"), "uneven"),
    (lambda: cpt.LoadBalancer(4, documents=[64], balancer="even", transport="ring"),
     "head-tail"),
    (lambda: cpt.LoadBalancer(4, documents=[64], balancer="evn"), "did you mean 'even'"),
    (lambda: cpt.LoadBalancer(4, documents=64), "documents are 64"),
    (lambda: cpt.LoadBalancer(4, mask=[]), "no mask is given"),
    (lambda: cpt.LoadBalancer(4, block_mask=[]), "no block mask is given"),
    (lambda: cpt.LoadBalancer(4, block_mask=[block_mask(batch=2), block_mask(batch=3)]),
     "[2, 3] rows"),
    (lambda: cpt.LoadBalancer.from_plan([]), "no plan is given"),
    (lambda: cpt.LoadBalancer.from_plan(cpb.plan("causal:61", 4, chunk=8, balancer="even",
                                                 sizes="uneven")), "shards are uneven"),
    (lambda: cpt.LoadBalancer(0, documents=[64]), "0 ranks"),
]


def test_what_is_no_block_mask_is_a_type_error():
    with pytest.raises(TypeError, match="accepted is a BlockMask"):
        cpt.PTRRLoadBalancer([3, 1], 4)


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_refused_with_a_sentence(case):
    call, words = REFUSED[case]
    with pytest.raises(cpb.Error, match=re.escape(words)):
        call()


def sentence(call):
    try:
        call()
    except cpb.Error as error:
        return str(error)
    return "accepted"


def shards_and_back(mesh):
    """On every rank; returns the sentences for what must be refused."""
    ranks = mesh.size()
    one = cpt.EvenLoadBalancer(ranks, documents=[40, 88], chunk=8)
    two = cpt.EvenLoadBalancer(ranks, documents=[[40, 88], [128]], chunk=8)
    three = cpt.EvenLoadBalancer(ranks, documents=[[128]] * 3, chunk=8)
    batch = torch.arange(2 * 3 * 128 * 2.0).reshape(2, 3, 128, 2)
    plain = batch[0, 0, :, 0].contiguous()
    for balancer, buffer, dim, rows in (
            (one, batch, 2, 0), (one, batch, -2, 0), (one, plain, 0, 0), (one, plain, -1, 0),
            (None, plain, 0, 0), (one, batch.permute(1, 0, 2, 3), 2, 0),
            (two, batch, 2, 0), (two, batch, -2, 0),
            (two, batch.permute(1, 0, 2, 3).contiguous(), 2, 1),
            (two, batch.permute(2, 0, 1, 3).contiguous(), 0, 1)):
        part = cpt.shard(mesh, {"x": buffer}, {"x": dim}, balancer, {"x": rows})["x"]
        assert part.shape[dim] == 128 // ranks
        whole, = cpt.unshard(mesh, [part], [dim], balancer, [rows])
        assert torch.equal(whole, buffer)
        if balancer is one and dim >= 0:
            mine = one.indices()[0].chunk(ranks)[mesh.get_local_rank()]
            assert torch.equal(part, buffer.index_select(dim, mine))
    other = cpt.HeadTailLoadBalancer(128, ranks + 1 if 128 % (2 * ranks + 2) == 0 else
                                     2 * ranks, "cpu")
    return [
        sentence(lambda: cpt.shard(mesh, [plain], [0], other)),
        sentence(lambda: cpt.shard(mesh, [plain[:100]], [0], one)),
        sentence(lambda: cpt.shard(mesh, [plain[:127]], [0])),
        sentence(lambda: cpt.shard(mesh, [plain], [1], one)),
        sentence(lambda: cpt.shard(mesh, [plain], [0], two)),
        sentence(lambda: cpt.shard(mesh, [batch[0, :, :, 0]], [1], two)),
        sentence(lambda: cpt.shard(mesh, [torch.zeros(3, 3, 128)], [2], three)),
        sentence(lambda: cpt.shard(mesh, [plain, plain], [0], one)),
        sentence(lambda: cpt.shard(mesh, [[1, 2]], [[0, 0]], one)),
        sentence(lambda: cpt.shard(mesh, [plain.to("meta")], [0], one)),
        sentence(lambda: cpt.unshard(mesh, [plain], [0], one)),
        sentence(lambda: cpt.shard(mesh, [block_mask(128, 256)], [0], one)),
        sentence(lambda: cpt.shard(mesh, [block_mask(256, 256)], [0], one)),
        sentence(lambda: cpt.shard(mesh, [block_mask(129, 129)], [0])),
        sentence(lambda: cpt.shard(mesh, [block_mask(128, 128, batch=3)], [0], two)),
        sentence(lambda: cpt.shard(mesh, [cpb.Mask("full:64")], [0], one)),
        sentence(lambda: cpt.shard(mesh, [cpb.Mask("full:33")], [0])),
        sentence(lambda: cpt.unshard(mesh, [block_mask(128, 128)], [0], one)),
        sentence(lambda: cpt.LoadBalancer(ranks, block_mask=block_mask(128, 128), chunk=8)
                 .block_mask(0)),
        sentence(lambda: cpt.shard(mesh, [plain], [0], object())),
    ]


def test_shard_and_unshard():
    told = world.run(2, "test_balancers:shards_and_back")
    words = ["the mesh has 2", "has 100 entries along dimension 0, the plan has 128",
             "2 ranks do not divide", "no dimension 1", "has its sequence first",
             "has 3 rows in dimension 0, the balancer plans 2", "dimension 0 or 1",
             "1 seq_dims are given for 2", "is a int", "is on meta",
             "128 entries along dimension 0; a shard of 128", "128 queries and 256 keys",
             "has 256 tokens, the plan has 128", "129 tokens, which 2 ranks do not divide",
             "has 3 rows, the balancer plans 2", "has 64 tokens, the plan has 128",
             "33 tokens, which 2 ranks do not divide", "is a BlockMask; accepted are tensors",
             "give the block mask to shard()", "is a object"]
    assert len(told) == len(words)
    for said, word in zip(told, words):
        assert word in said, (said, word)
