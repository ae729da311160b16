"""What a person reads: tables, colours where there is a terminal, JSON and YAML for programs."""
