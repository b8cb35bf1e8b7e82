"""The history of the schema. Each revision says its `kind`: a deploy applies only `expand`."""
