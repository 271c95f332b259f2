"""What crun's tests use of libmount's Python binding, which Debian does not package: a table of mounts from a mountinfo file."""


class Mount:
    def __init__(self, line):
        fields = line.split()
        after = fields[fields.index('-') + 1:]
        self.target, self.vfs_options, self.fs_options = fields[4], fields[5], after[2]


class Table:
    def __init__(self, path):
        with open(path) as f:
            self.mounts = [Mount(line) for line in f if ' - ' in line]

    def find_target(self, target):
        return next((m for m in reversed(self.mounts) if m.target == target), None)
