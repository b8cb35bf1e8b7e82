"""The steps that playbooks are made of: one file per family, one catalog."""
