"""The demo. First act: eight workers run an epic in a throw-away repository, two of them fail, and the result is verified.

project.py    makes the repository: git, install.sh, the example epic
tracker.py    makes issues of the plan first
worker.sh     a worker, as an example of how to use the tools
workers.py    starts workers, waits for them, stops them at gates
scenes/       what goes wrong on purpose, one module a scene
screen.py     what is shown meanwhile
evidence.py   reads what a run left behind
verify.py     holds the evidence against the promises
demo.py       puts these together
"""
