"""Figures for ``/metrics``, for plugins: counters, gauges, histograms. Names start with ``plugin_<plugin>_``."""

from portal.kernel.metrics import CounterFigure, GaugeFigure, HistogramFigure, counter, gauge, histogram

__all__ = ["CounterFigure", "GaugeFigure", "HistogramFigure", "counter", "gauge", "histogram"]
