"""What a trial scores while it trains."""
