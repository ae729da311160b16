"""What the image is made of: a bill of materials, and the known vulnerabilities of its packages."""
