"""``python -m webhook`` is the same as ``source-ip-webhook``."""

from webhook.cli import main

if __name__ == "__main__":
    main()
