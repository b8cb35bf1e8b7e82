"""The history of the schema. Each revision says its `kind`, and a deploy applies only the first.

expand: older releases work on. contract: takes away what they use. irreversible: what was there cannot be made again.
"""
