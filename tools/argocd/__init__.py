"""What Argo CD gets of each kind: health, actions, and their testdata in the layout of Argo CD's own project."""
