"""Backups of the databases we operate: taken, listed, verified and restored, in an S3 bucket."""
