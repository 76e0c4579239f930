"""``portal run``: every process of one installation under one parent, restarted when it dies, stopped in order."""

from portal.supervisor.running import AlreadyRunning, StartFailed, Supervisor, run

__all__ = ["AlreadyRunning", "StartFailed", "Supervisor", "run"]
