"""MiniTwit: a small public message board, with pages for people and an API for simulators."""
