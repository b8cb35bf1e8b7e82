"""Everything a bare machine needs for the demo and the tests: engine, registry, S3, images, stacks."""
