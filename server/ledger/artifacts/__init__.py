"""Artifacts: versions of what runs make and take, each whole or not there, its content stored once however often made.

A version is `pending` until its commit, which alone gives it a number and aliases; nothing lists it before.
"""
