"""Files to run the program with: systemd units and crontabs made for one installation, and manifests and rules as they are."""
