"""What is known about calls that name single nodes; shared by every kind that makes them."""
