"""A practice internet on loopback that speaks the real protocols: for the demo, for drills and for the tests."""
