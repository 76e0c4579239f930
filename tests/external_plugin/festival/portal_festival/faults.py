"""``FESTIVAL_FAULT`` switches on one of the ways in which the festival can be broken."""

import os

FAULT = os.environ.get("FESTIVAL_FAULT", "")
#: A plugin that hides rows cannot be left out, so the others of its faults need one that does not.
NARROWS = os.environ.get("FESTIVAL_NARROWS") == "1"
