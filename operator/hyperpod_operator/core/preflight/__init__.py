"""What can be known before a call that costs money: checks as pure functions over gathered facts."""
