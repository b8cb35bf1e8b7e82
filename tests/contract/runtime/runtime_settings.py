"""opsbot.yml of the tests on the real engine: one environment, `test`, with MiniTwit's web service."""

from __future__ import annotations

from typing import Any


def settings_of(parts: Any, name: str, **service: Any) -> dict[str, Any]:
    """The settings of one environment, `test`, whose service `web` differs from MiniTwit's as told."""
    web: dict[str, Any] = {
        "image": parts.images.web,
        "strategy": "blue-green",
        "replicas": 2,
        "env": {
            "DATABASE_URL": "postgresql+psycopg2://minitwit@db/minitwit",
            "DATABASE_PASSWORD_FILE": "/run/secrets/db_password",
            "SECRET_KEY_FILE": "/run/secrets/secret_key",
        },
        "secrets": {"db_password": "db_password", "secret_key": "secret_key"},
        "migrate": {"argv": ["python", "-m", "minitwit.migrate"]},
        "smoke": {"argv": ["python", "-m", "simulator", "--smoke", "--url", "{url}"]},
        "ready_within": "40s",
        "bake": "2s",
    }
    login = {
        "host": parts.registry.address,
        "user": parts.registry.user,
        "password": parts.registry.password,
        "insecure": True,
    }
    return {
        "environments": {"test": {"engine": parts.engine.url, "stack": name}},
        "services": {"web": {**web, **service}},
        "registries": {"local": login},
    }
