"""Who may use the simulator API: the known credentials first, then the accepted addresses."""

from __future__ import annotations

import hmac
import ipaddress
import logging
from typing import Literal

from flask import request

from minitwit import metrics
from minitwit.settings import Network

AUTHORIZATION = "Basic c2ltdWxhdG9yOnN1cGVyX3NhZmUh"
NOT_AUTHORIZED = "You are not authorized to use this resource!"

log = logging.getLogger("minitwit.access")


def authorised() -> bool:
    """Whether the request carries the simulator's credentials."""
    sent = request.headers.get("Authorization", "")
    return hmac.compare_digest(sent.encode("utf-8", "replace"), AUTHORIZATION.encode())


def address_accepted(accepted: tuple[Network, ...] | None, address: str | None) -> bool:
    """Whether `address` is in the accepted networks; None accepts everybody."""
    if accepted is None:
        return True
    try:
        seen = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    if isinstance(seen, ipaddress.IPv6Address) and seen.ipv4_mapped:
        seen = seen.ipv4_mapped
    return any(seen in network for network in accepted)


def refuse(reason: Literal["credentials", "address"]) -> None:
    """Count and log a refusal with the address seen: a wrong list once locked a simulator out unseen."""
    metrics.REFUSALS.labels(reason).inc()
    log.warning(
        "refused a simulator call",
        extra={"action": "simulator_refused", "reason": reason, "address": request.remote_addr,
               "forwarded_for": request.headers.get("X-Forwarded-For", ""), "path": request.path},
    )  # fmt: skip
