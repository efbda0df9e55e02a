"""The engine for Hive: a HiveServer2 through PyHive, or the command line of a site."""
