"""``python -m webhook.cli``: the command where the console script is not installed."""

from webhook.cli import main

main()
