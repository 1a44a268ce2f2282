"""The sockets: what all share, and a package for each wire protocol."""
