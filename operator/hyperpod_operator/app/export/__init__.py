"""The command `export`: manifests of clusters that exist, from AWS and from files."""
