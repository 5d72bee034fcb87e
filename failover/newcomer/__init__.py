"""`failover init`: a few questions, and a configuration that explains itself."""
