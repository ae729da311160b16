"""What an Argo CD needs to know about our kinds, generated from the Lua that its own project would take."""
