"""Layers with a state of constant size in a config.json: their parameters and their state.

Parameters are those of the projections in the reference implementations of transformers; short convolutions
and their few cached tokens are left out (below 1 % of a layer). A state is kept in 32 bit.
"""

from __future__ import annotations

import math

from breakeven.offers.hf_reader import Reader
from breakeven.serving.spec import LinearLayers

_STATE_BYTES = 4.0


def read_linear(read: Reader, count: int, hidden: int, heads: int, head_dim: int) -> LinearLayers:
    """``count`` linear layers of the kind whose sizes the config states."""
    if not count:
        return LinearLayers()
    if read.has("mamba_dt_rank"):
        params, state = _mamba_1(read, hidden)
    elif read.has("linear_attn_config", "linear_num_heads"):
        params, state = _kimi_delta(read, hidden)
    elif read.has("attn_type_list") or read.kind == "minimax":
        params, state = _lightning(hidden, heads, head_dim)
    elif read.has("mamba_num_heads", "mamba_n_heads"):
        params, state = _mamba_2(read, hidden)
    elif read.has("linear_num_value_heads", "linear_num_key_heads"):
        params, state = _delta_net(read, hidden)
    else:
        message = f"is missing, and {count} layers have a state instead of a KV cache whose size no other key gives"
        read.refuse("linear_num_value_heads", message)
        return LinearLayers()
    return LinearLayers(count, float(params), state * _STATE_BYTES)


def _delta_net(read: Reader, hidden: int) -> tuple[int, int]:
    """Gated DeltaNet: query and key, value and gate, two scalars per head, and the way out."""
    key_dim, value_dim = read.whole("linear_key_head_dim"), read.whole("linear_value_head_dim")
    key_heads, value_heads = read.whole("linear_num_key_heads"), read.whole("linear_num_value_heads")
    keys, values = key_heads * key_dim, value_heads * value_dim
    params = hidden * (2 * keys + 2 * values + 2 * value_heads) + values * hidden
    return params, value_heads * key_dim * value_dim


def _kimi_delta(read: Reader, hidden: int) -> tuple[int, int]:
    """Kimi Delta Attention: query, key, value and the way out, decay and gate of low rank, one scalar per head.

    Kimi-K3 states a gate of full rank.
    """
    stated = read.get("linear_attn_config")
    inner = Reader(stated if isinstance(stated, dict) else {}, "", read.path)
    heads = inner.whole("num_heads", default=read.whole("linear_num_heads", default=1))
    dim = inner.whole("head_dim", default=read.whole("linear_head_dim", default=128))
    for problem in inner.problems:
        read.refuse(f"linear_attn_config.{problem.field}", problem.message)
    width = heads * dim
    full_rank, low_rank = hidden * width, dim * (hidden + width)
    gate = full_rank if inner.get("use_full_rank_gate") is True else low_rank
    return 4 * full_rank + low_rank + gate + hidden * heads, heads * dim * dim


def _lightning(hidden: int, heads: int, head_dim: int) -> tuple[int, int]:
    """Lightning attention of MiniMax: query, key, value, the output's gate, and the way out."""
    return 5 * hidden * heads * head_dim, heads * head_dim * head_dim


def _mamba_2(read: Reader, hidden: int) -> tuple[int, int]:
    """Mamba-2: one projection in (gate, input, B, C, time step), one out."""
    heads = read.whole("mamba_num_heads", "mamba_n_heads")
    if read.get("mamba_d_head") == "auto" and not read.has("mamba_head_dim"):
        inner = read.whole("mamba_expand") * hidden
    else:
        inner = heads * read.whole("mamba_head_dim", "mamba_d_head")
    groups, state = read.whole("n_groups", "mamba_n_groups"), read.whole("ssm_state_size", "mamba_d_state")
    return hidden * (2 * inner + 2 * groups * state + heads) + inner * hidden, inner * state


def _mamba_1(read: Reader, hidden: int) -> tuple[int, int]:
    """Mamba: in (input, gate), time step of low rank with B and C, out; A has a row per channel."""
    inner = read.whole("mamba_expand") * hidden
    state = read.whole("mamba_d_state")
    rank = math.ceil(hidden / 16) if read.get("mamba_dt_rank") == "auto" else read.whole("mamba_dt_rank")
    params = 2 * hidden * inner + inner * (rank + 2 * state) + rank * inner + inner * state + inner * hidden
    return params, inner * state
