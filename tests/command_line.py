"""python -m tests.command_line ...: the command line, for tests that start it as a process."""

from cluster.cli import app

if __name__ == "__main__":
    app()
