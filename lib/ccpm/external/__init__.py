"""Effects outside of our files: commands of the user, git, gh, trackers."""
