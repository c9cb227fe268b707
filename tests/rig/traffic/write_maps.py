"""write_maps.py DIRECTORY: domains.map and logins.map of the rig's world, for a case's mailaudit.yaml."""
import os
import sys

import world


def write(path, rows):
    with open(path, "w", encoding="ascii") as file:
        for name, account in sorted(rows.items()):
            file.write("%s: %s\n" % (name, account))


write(os.path.join(sys.argv[1], "domains.map"), world.DOMAINS)
write(os.path.join(sys.argv[1], "logins.map"), world.LOGINS)
