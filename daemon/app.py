"""What the command line calls. All parts are put together in `daemon.running`."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daemon.config.config import Config
    from rules.decision import Order, Reply


def run(config_path: Path) -> int:
    """Run the daemon until it is told to stop; the exit code. ConfigError, StoreError and ServerError are raised."""
    from daemon.running import run_daemon

    return run_daemon(config_path)


def order(config: "Config", command: "Order") -> "Reply":
    """Have one order carried out, by the daemon where one runs, else here.

    TimeoutError where the daemon does not answer in time; the order stays stored.
    """
    from daemon.orders import order_from_outside

    return order_from_outside(config, command)


def orders(config: "Config", commands: "Sequence[Order]") -> "list[Reply | None]":
    """Have orders carried out together; None for one that the daemon has not answered in time: it stays stored."""
    from daemon.orders import orders_from_outside

    return orders_from_outside(config, commands)
