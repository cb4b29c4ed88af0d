"""Sets the console's password, on the device."""

import getpass
import sys
from pathlib import Path

from smartcam.console.access import PASSWORD_FILE, Password


def set_password(work_folder: Path) -> int:
    """Ask for a password, twice at a terminal, and store it. The exit code is 2 for one that cannot be taken."""
    if sys.stdin.isatty():
        text = getpass.getpass("New password for the console: ")
        if text != getpass.getpass("Once more: "):
            sys.stderr.write("these were two different passwords; the one before still holds\n")
            return 2
    else:
        text = sys.stdin.readline().rstrip("\n")
    path = work_folder / PASSWORD_FILE
    try:
        Password(path).store(text)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}; the password before still holds\n")
        return 2
    sys.stdout.write(f"the password is set ({path}); whoever was signed in has to sign in anew\n")
    return 0


if __name__ == "__main__":
    sys.exit(set_password(Path.cwd()))
