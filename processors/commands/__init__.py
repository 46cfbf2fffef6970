"""The sub-commands of imgw, one file each."""
