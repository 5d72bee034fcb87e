"""Asking people to sign statements off, by Telegram, by mail, in the journal; and hearing what they answer (S5)."""
