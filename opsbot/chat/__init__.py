"""Slack: what came in becomes a Request, what is answered becomes messages. The only importer of slack_bolt and slack_sdk."""
