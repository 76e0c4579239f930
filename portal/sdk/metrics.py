"""Figures for ``/metrics``, for plugins: counters, gauges, histograms. Names start with ``plugin_<plugin>_``."""

from portal.kernel.metrics import Figure, counter, gauge, histogram

__all__ = ["Figure", "counter", "gauge", "histogram"]
