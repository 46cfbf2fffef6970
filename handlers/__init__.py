"""What is known of providers, and nothing else: one package or module each, behind one contract."""
