"""The commands, a module for each thing people come for: read options, ask the project, show the answer."""
