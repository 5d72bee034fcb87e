"""Multi-channel outage failover daemon.  This module imports nothing, so that plug-ins can import the contracts."""

__version__ = "0.1.0"
