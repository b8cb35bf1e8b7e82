"""The crash tests know no engine, registry or bucket: only real stores, real playbooks and the real run engine."""
