"""The providers' simulator."""
