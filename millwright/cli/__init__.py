"""The `millwright` command.

`main` is the border. Each command lives with its kin in one module and imports what it needs when it runs, so that
`millwright --help` stays quick.
"""
