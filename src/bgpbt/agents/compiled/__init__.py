"""Agents as compiled programs.

`programs` compiles them, `program_cache` keeps them, and `memory_need` says how much memory they take.
"""
