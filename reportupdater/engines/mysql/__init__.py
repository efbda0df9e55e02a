"""The engine for MariaDB and MySQL, on PyMySQL, and for the wikis of a MediaWiki farm."""
