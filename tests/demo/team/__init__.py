"""The second act of the demo: a team of agents, each in a worktree of its own, and a coordinator that merges.

team.py      the agents and what each of them does, through the public commands only
agent.sh     an agent that works off tasks, as an example of a script
play.py      the act, one function a scene
act.py       both, in a project of their own
verify.py    what must be true afterwards, one function a promise; looks at git, at the records and at what was noted
"""
