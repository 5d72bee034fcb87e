"""The commands by what they are for, each with its options; what they need is imported when they are called."""
