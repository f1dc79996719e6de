"""Which layers of a config.json attend how, and which have experts: layer by layer, then counted."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from breakeven.offers.hf_reader import Reader, shown

_NEMOTRON_PATTERN = {"M": "linear", "*": "full", "-": "mlp", "E": "moe"}
_WORDS = {
    "full_attention": "full", "attention": "full", "global_attention": "full",
    "sliding_attention": "windowed", "chunked_attention": "windowed", "local_attention": "windowed",
    "linear_attention": "linear", "mamba": "linear", "mamba2": "linear",
    "deepseek_sparse_attention": "indexed", "indexed_attention": "indexed", "minimax_m3_sparse": "indexed",
    "mlp": "mlp", "moe": "moe",  # a layer that is an FFN alone, as Nemotron-H counts them
}  # fmt: skip
_LINEAR_SIZES = (
    "linear_num_key_heads", "linear_num_value_heads", "linear_key_head_dim", "linear_value_head_dim", "linear_num_heads",
    "mamba_num_heads", "mamba_n_heads", "linear_attn_config",
)  # fmt: skip
# Classes whose every layer attends in the window; in others a window alone does not say which layers have it.
_WINDOWED_THROUGHOUT = frozenset({
    "ministral", "ministral3", "mistral", "mixtral", "phi3", "phi4_multimodal", "phi4mm", "phimoe", "qwen3_moe", "starcoder2",
})  # fmt: skip
_MOST_LAYERS = 10_000  # a hundred times what any published model has: layers are gone through one by one
_MIXED = ("kimi_linear", "minimax", "minimax_text_01", "olmo_hybrid")  # classes of hybrids that publish lists


class Layers(Struct, frozen=True):
    """How many layers are of which kind, and how wide the window of the windowed ones is."""

    full: int
    windowed: int
    window: int
    linear: int
    dense: int
    moe: int


def layer_count(read: Reader) -> int:
    """The number of layers; Nemotron-H may leave it to the length of its list."""
    for name in ("layers_block_type", "hybrid_override_pattern"):
        listed = read.get(name)
        if isinstance(listed, (list, str)) and listed:
            return read.whole("num_hidden_layers", default=len(listed), most=_MOST_LAYERS)
    return read.whole("num_hidden_layers", "n_layer", "num_layers", "n_layers", most=_MOST_LAYERS)


def read_layers(read: Reader, layers: int, experts: int) -> Layers:
    """The kind of every layer, from lists or from the periodic keys of the model's class."""
    blocks = _blocks(read, layers)
    experts_at = _experts_at(read, layers) if experts else []
    ffn = ["moe" if index in experts_at else "dense" for index in range(layers)]
    if any(block in ("mlp", "moe") for block in blocks):  # layers are mixers or FFNs, not both
        ffn = [{"mlp": "dense", "moe": "moe"}.get(block, "none") for block in blocks]
        if "moe" in ffn and not experts:
            read.refuse("n_routed_experts", "is missing or 0, and some layers are named as layers of experts")
    if "indexed" in blocks and not read.has("index_topk", "sparse_attention_config"):
        read.refuse("index_topk", "is missing, and some layers attend to the tokens that an index picks")
    windowed = blocks.count("windowed")
    return Layers(
        full=blocks.count("full") + blocks.count("indexed"), windowed=windowed, window=_window(read, windowed), linear=blocks.count("linear"),
        dense=ffn.count("dense"), moe=ffn.count("moe"),
    )  # fmt: skip


def _window(read: Reader, windowed: int) -> int:
    names = ("sliding_window", "sliding_window_size", "attention_chunk_size")
    window = read.whole(*names, default=0, least=0)
    if windowed and not window and read.ok(*names):
        read.refuse("sliding_window", f"is missing or 0, and {windowed} layers attend in a window")
    return window if windowed else 0


def _blocks(read: Reader, layers: int) -> list[str]:
    """What each layer is: full, indexed (sparse), windowed or linear attention, or (Nemotron-H) an FFN alone."""
    plain = ["full"] * layers
    if read.get("hybrid_override_pattern") and not read.get("layers_block_type"):
        return read.per_layer("hybrid_override_pattern", layers, _NEMOTRON_PATTERN) or plain
    for name in ("layers_block_type", "layer_types"):
        if read.get(name):
            return read.per_layer(name, layers, _WORDS) or plain
    for name, words in (
        ("attn_type_list", {0: "linear", 1: "full"}),  # MiniMax
        ("hybrid_layer_pattern", {0: "full", 1: "windowed"}),  # MiMo-V2
    ):
        if read.get(name):
            return read.per_layer(name, layers, words) or plain
    return _linear_by_rule(read, layers) or _windowed_by_rule(read, layers)


def _linear_by_rule(read: Reader, layers: int) -> list[str] | None:
    """Layers of linear attention or state space, where the rule is one of a hybrid model; else None."""
    stated = read.get("linear_attn_config")
    if isinstance(stated, dict):
        return _kimi_layers(read, stated, layers)
    if read.has("attn_layer_indices"):  # Bamba
        full = _within(read, "attn_layer_indices", layers)
        return ["full" if index in full else "linear" for index in range(layers)]
    if read.has("attn_layer_period"):  # Jamba
        hit = _periodic(read, "attn_layer_period", "attn_layer_offset")
        return ["full" if hit(index) else "linear" for index in range(layers)]
    if read.kind in ("bamba", "granitemoehybrid") and not read.has("layer_types"):
        return ["linear"] * layers
    if read.kind in _MIXED:
        read.refuse("layer_types", f"is missing, and {read.kind} mixes linear and full attention")
        return None
    interval = read.whole("full_attention_interval", default=1)
    if interval == 1:
        return None
    if not read.has(*_LINEAR_SIZES):
        message = f"says {interval}, and no linear_* key gives the sizes of the linear-attention layers between"
        read.refuse("full_attention_interval", message, "take the key out of a copy of the file if every layer attends fully")
        return None
    return ["linear" if (index + 1) % interval else "full" for index in range(layers)]


def _kimi_layers(read: Reader, stated: dict[str, object], layers: int) -> list[str] | None:
    """``linear_attn_config`` of Kimi Linear and K3: its layers are counted from one."""
    full, linear = stated.get("full_attn_layers"), stated.get("kda_layers")
    field = "linear_attn_config"
    if not isinstance(full, list) or not isinstance(linear, list):
        read.refuse(field, "lacks the lists full_attn_layers and kda_layers")
        return None
    named = [*full, *linear]
    if not all(type(entry) is int for entry in named) or sorted(named) != list(range(1, layers + 1)):
        read.refuse(field, f"full_attn_layers and kda_layers do not name each of the {layers} layers once")
        return None
    attending = set(full)
    return ["full" if index + 1 in attending else "linear" for index in range(layers)]


def _windowed_by_rule(read: Reader, layers: int) -> list[str]:
    """Full and windowed layers where no list names them: the rule differs from class to class."""
    if read.kind.startswith("llama4"):
        return _chunked(read, layers)
    if not read.whole("sliding_window", default=0, least=0) or read.get("use_sliding_window") is False:
        return ["full"] * layers
    pattern = read.get("sliding_window_pattern") or read.get("_sliding_window_pattern")
    if isinstance(pattern, str):  # EXAONE 4: one letter a layer, repeated, and the last layer always full
        return _lettered(read, pattern, layers)
    if read.kind == "qwen2_moe":
        upper = read.whole("max_window_layers", default=layers, least=0)
        return ["full" if index % 2 or index >= upper else "windowed" for index in range(layers)]
    if pattern is not None:  # Gemma, Cohere: windows, and every n-th layer full
        every = read.whole("sliding_window_pattern", "_sliding_window_pattern", default=1)
        return ["windowed" if (index + 1) % every else "full" for index in range(layers)]
    if read.has("max_window_layers"):  # Qwen: the layers below attend fully
        lower = read.whole("max_window_layers", least=0)
        return ["windowed" if index >= lower else "full" for index in range(layers)]
    if read.kind not in _WINDOWED_THROUGHOUT:
        message = f"is {shown(read.get('sliding_window'))}, and nothing says which layers attend in that window"
        read.refuse("sliding_window", message, "add layer_types with sliding_attention or full_attention for each layer, or make it null")
    return ["windowed"] * layers


def _chunked(read: Reader, layers: int) -> list[str]:
    """Llama 4: layers with rotary embeddings attend in chunks, those without attend fully."""
    if not read.whole("attention_chunk_size", default=0, least=0):
        return ["full"] * layers
    if read.get("no_rope_layers"):
        return read.per_layer("no_rope_layers", layers, {0: "full", 1: "windowed"}) or ["full"] * layers
    every = read.whole("no_rope_layer_interval", default=4)
    return ["windowed" if (index + 1) % every else "full" for index in range(layers)]


def _lettered(read: Reader, pattern: str, layers: int) -> list[str]:
    if not pattern or set(pattern) - set("LG"):
        read.refuse("sliding_window_pattern", f"is neither a number nor letters L and G ({shown(pattern)})")
        return ["full"] * layers
    named = [{"L": "windowed", "G": "full"}[pattern[index % len(pattern)]] for index in range(layers)]
    return [*named[:-1], "full"]


def _experts_at(read: Reader, layers: int) -> set[int]:
    """The layers, counted from zero, whose FFN is one of experts."""
    words = {0: "dense", 1: "moe", "dense": "dense", "sparse": "moe"}
    for name in ("mlp_layer_types", "moe_layer_freq"):
        if isinstance(read.get(name), list) and read.get(name):
            named = read.per_layer(name, layers, words) or []
            return {index for index, word in enumerate(named) if word == "moe"}
    if isinstance(read.get("moe_layers"), list):  # Llama 4, as its class fills it in
        return _within(read, "moe_layers", layers)
    return set(filter(_expert_rule(read, layers), range(layers)))


def _expert_rule(read: Reader, layers: int) -> Callable[[int], bool]:
    """Whether a layer has experts, by every periodic rule that the config states."""
    leading = _leading_dense(read, layers)
    dense = _within(read, "mlp_only_layers", layers)
    step = read.whole("decoder_sparse_step", "interleave_moe_layer_step", default=1, least=0)
    every = read.whole("moe_layer_freq", default=1)
    first = read.whole("moe_layer_start_index", default=0, least=0)
    last = read.get("moe_layer_end_index")
    last = layers - 1 if last in (None, -1) else read.whole("moe_layer_end_index", least=0)
    interval = read.whole("moe_layer_interval", default=1)
    periodic = _periodic(read, "expert_layer_period", "expert_layer_offset")

    def rule(index: int) -> bool:
        return (
            index >= leading
            and index not in dense
            and bool(step)
            and (index + 1) % step == 0  # Qwen, Llama 4
            and index % every == 0  # DeepSeek
            and first <= index <= last  # ERNIE
            and (index + 1) % interval == 0
            and periodic(index)  # Jamba
        )

    return rule


def _leading_dense(read: Reader, layers: int) -> int:
    for name in ("first_k_dense_replace", "num_dense_layers"):
        leading = read.whole(name, default=0, least=0)
        if leading > layers:
            read.refuse(name, f"names {leading} dense layers, and the model has {layers}")
        if leading:
            return leading
    return 0


def _periodic(read: Reader, period_name: str, offset_name: str) -> Callable[[int], bool]:
    """One layer in ``period``, from ``offset`` on; every layer where no period is stated."""
    period = read.whole(period_name, default=1)
    offset = read.whole(offset_name, default=0, least=0)
    if offset >= period and read.ok(period_name, offset_name):
        read.refuse(offset_name, f"must be below {period_name} = {period}, not {offset}")
    return lambda index: index % period == offset


def _within(read: Reader, name: str, layers: int) -> set[int]:
    """A list of layers counted from zero."""
    named = read.numbers(name)
    outside = [index for index in named if not 0 <= index < layers]
    if outside:
        read.refuse(name, f"names layer {outside[0]}, and the model has {layers}, counted from 0")
    return set(named)
