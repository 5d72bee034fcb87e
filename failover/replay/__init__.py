"""A recorded outage, played to the shipping engine in virtual time: an organisation can test its plan like code."""
