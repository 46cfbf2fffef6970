"""What messages, receipts, accounts and applications are: pure data and pure rules."""
