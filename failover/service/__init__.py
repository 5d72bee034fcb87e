"""The files of the systemd service: unit, message catalogue, and how they are put in place."""
