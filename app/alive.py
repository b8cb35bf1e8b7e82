"""The container's liveness check: does /health answer 200? Runs every five seconds, so it imports little."""

import socket
import sys

with socket.create_connection(("127.0.0.1", 8000), timeout=1.5) as connection:
    connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
    sys.exit(b" 200 " not in connection.recv(64))
