"""The job engine: bulk work as rows that are planned, confirmed and applied in chunks, safe to kill at any moment."""
