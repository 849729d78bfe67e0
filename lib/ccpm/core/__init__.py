"""Pure decisions: records and `now` in, a decision out. No os, time, random, io or subprocess in this room."""
