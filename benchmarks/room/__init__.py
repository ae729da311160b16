"""The room that the claims are measured in: API server, AWS and operator, each a process of its own."""

from benchmarks.room.faults import RoomError
from benchmarks.room.room import LIFTED, Room

__all__ = ["LIFTED", "Room", "RoomError"]
