"""The reference collector: receives bundles over HTTPS, checks them, keeps them as plain files.

Whoever studies a country runs one. It trusts nobody who sends: size before reading, signature
before unpacking, redaction once more before keeping. It keeps no address of a sender.
"""
