"""What a cluster costs per hour, from AWS's price list; no price is a part of this program."""
