"""What several providers share; nothing in here knows a single one of them."""
