"""The WSGI entry point: ``gunicorn wsgi:app``."""

from portal.supervisor.web import application

app = application()
