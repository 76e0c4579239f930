"""A festival with stages."""
