"""The demo university of admissions: its files, and the steps that bring them in."""

from plugins.admissions.demo.files import DemoFiles, write_university_files
from plugins.admissions.demo.steps import demo_steps
from plugins.admissions.demo.university import CONTAINERS, add_university

__all__ = ["CONTAINERS", "DemoFiles", "add_university", "demo_steps", "write_university_files"]
