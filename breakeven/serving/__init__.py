"""How fast a model runs on accelerators: throughput, time to first token, time per token, memory.

Plain structs in (:mod:`breakeven.serving.spec`), plain structs out. Nothing here reads the
catalogue; the physics is in :mod:`step`, the queueing in :mod:`load`, the parameters in a
:class:`~breakeven.serving.calibration.Calibration` that the caller hands over.
"""
