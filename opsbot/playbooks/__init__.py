"""Playbooks: YAML runbooks, checked before anything runs, and made into plans."""
