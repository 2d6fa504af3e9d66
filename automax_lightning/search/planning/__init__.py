"""What a search does next: pure functions of its history."""
