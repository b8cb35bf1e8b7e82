"""What gunicorn imports: the application with the settings of its environment."""

from __future__ import annotations

import os

from minitwit.app import create_app
from minitwit.settings import Settings

app = create_app(Settings.from_environment(os.environ))
